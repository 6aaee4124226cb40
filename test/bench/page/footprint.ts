import {
  observeFleet,
  type ObservingExporter,
  scrape,
  scrapeAsUsual,
  scrapeUntilWhole,
  seriesOn,
} from './exporter.ts';
import { median, milliseconds, printTable } from './rounds.ts';

/**
 * The built exporter at 1,000 tunnels of 8 connections in one account, at the default budget, which
 * takes some minutes to observe them all.
 */
const TUNNELS = 1000;
const SCRAPES = 200;
const STARTS = 5;
/** Once all is observed. */
const STEADY_SCRAPES = 12;

/** Milliseconds of CPU; long enough a time that a poll in between does not count for much. */
async function cpuPerScrape({ url, cpuMs }: ObservingExporter, encoding: string): Promise<number> {
  await scrape(url, { 'accept-encoding': encoding });
  const before = cpuMs();
  for (let index = 0; index < SCRAPES; index += 1) await scrape(url, { 'accept-encoding': encoding });
  return (cpuMs() - before) / SCRAPES;
}

async function startTime(): Promise<number> {
  const exporter = await observeFleet({ tunnels: TUNNELS, accounts: 1, budget: 600, measurePauses: false });
  await exporter.stop();
  return exporter.startedAfterMs;
}

const starts: number[] = [];
for (let round = 0; round < STARTS; round += 1) starts.push(await startTime());

const exporter = await observeFleet({ tunnels: TUNNELS, accounts: 1, budget: 600, measurePauses: true });
let peakMegabytes = 0;
const look = (): void => {
  peakMegabytes = Math.max(peakMegabytes, exporter.residentMegabytes());
};
await scrapeUntilWhole(exporter, { tunnels: TUNNELS, everyTime: look });
for (let round = 0; round < STEADY_SCRAPES; round += 1) {
  await scrapeAsUsual(exporter.url, round);
  look();
}
printTable(`${TUNNELS.toLocaleString('en')} tunnels, 8 connections each`, [
  [`\`/livez\` answers after start, median of ${STARTS}`, milliseconds(median(starts))],
  ['series about tunnels', (await seriesOn(exporter.url)).toLocaleString('en')],
  ['page', `${((await scrape(exporter.url, { 'accept-encoding': 'identity' })) / 1e6).toFixed(1)} MB`],
  [
    'longest event-loop pause, with polls, renders and scrapes',
    milliseconds(Math.max(...exporter.pauses().map(({ wallMs }) => wallMs))),
  ],
  ['resident memory, peak', `${peakMegabytes.toFixed(0)} MB`],
  ['CPU per scrape, gzip', milliseconds(await cpuPerScrape(exporter, 'gzip'))],
  ['CPU per scrape, identity', milliseconds(await cpuPerScrape(exporter, 'identity'))],
]);
await exporter.stop();
