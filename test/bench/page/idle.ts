import { setTimeout as sleep } from 'node:timers/promises';
import { observeFleet, scrape } from './exporter.ts';
import { printTable } from './rounds.ts';

/**
 * CPU of the built exporter in an ordinary minute: 1,000 tunnels in one account, default settings,
 * a scrape every fifteen seconds. The first minute does not count. Argument: minutes.
 */
const TUNNELS = 1000;
const MINUTES = Number(process.argv[2] ?? 5);
const SCRAPES_PER_MINUTE = 4;

const exporter = await observeFleet({ tunnels: TUNNELS, accounts: 1, budget: 600, measurePauses: false });

/** Milliseconds of CPU. */
async function minute(): Promise<number> {
  const before = exporter.cpuMs();
  for (let round = 0; round < SCRAPES_PER_MINUTE; round += 1) {
    await scrape(exporter.url, { 'accept-encoding': 'gzip' });
    await sleep(60_000 / SCRAPES_PER_MINUTE);
  }
  return exporter.cpuMs() - before;
}

await minute();
const minutes: number[] = [];
for (let index = 0; index < MINUTES; index += 1) minutes.push(await minute());
const mean = minutes.reduce((sum, cpu) => sum + cpu, 0) / MINUTES;
printTable(`CPU of a minute, ${TUNNELS.toLocaleString('en')} tunnels, a scrape every 15 s`, [
  [`mean of ${MINUTES} minutes`, `${mean.toFixed(0)} ms`],
  ['least and most', `${Math.min(...minutes).toFixed(0)} to ${Math.max(...minutes).toFixed(0)} ms`],
]);
await exporter.stop();
