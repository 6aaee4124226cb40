import {
  observeFleet,
  type ObservingExporter,
  scrapeAsUsual,
  scrapeUntilWhole,
  seriesOn,
} from './exporter.ts';
import { load } from './processes.ts';
import { printTable } from './rounds.ts';

/**
 * Resident memory of the built exporter, with the flags of `npm start`, in three phases: while it
 * observes every tunnel of a simulated fleet; for two minutes after, scraped every five seconds in
 * both formats, with gzip and without; and under a flood of scrapes with each encoding. Each
 * account has a token of its own and all the budget that Cloudflare allows. Arguments: fleets, as
 * tunnels (one account for 2,500) or as tunnels and accounts (10000x40).
 */
const given = process.argv.slice(2);
const FLEETS = given.length > 0 ? given : ['100', '2500', '5000', '10000', '10000x40'];
const TUNNELS_PER_ACCOUNT = 2500;
const STEADY_SCRAPES = 24;
const FLOOD = { connections: 4, seconds: 30 } as const;

/** The most that `work` needs, looked at four times a second, in megabytes. */
async function peak(exporter: ObservingExporter, work: () => Promise<unknown>): Promise<string> {
  let megabytes = 0;
  const look = setInterval(() => {
    megabytes = Math.max(megabytes, exporter.residentMegabytes());
  }, 250);
  await work();
  clearInterval(look);
  return `${megabytes.toFixed(0)} MB`;
}

for (const fleet of FLEETS) {
  const [tunnels = 0, accounts = Math.ceil(tunnels / TUNNELS_PER_ACCOUNT)] = fleet.split('x').map(Number);
  const exporter = await observeFleet({ tunnels, accounts, measurePauses: false });
  const rows: [string, string][] = [
    ['while all is observed', await peak(exporter, () => scrapeUntilWhole(exporter, { tunnels }))],
    [
      'once it is, for two minutes',
      await peak(exporter, async () => {
        for (let round = 0; round < STEADY_SCRAPES; round += 1) await scrapeAsUsual(exporter.url, round);
      }),
    ],
  ];
  for (const encoding of ['gzip', 'identity'] as const) {
    rows.push([
      `flood of scrapes, ${encoding}`,
      await peak(exporter, () => load(exporter.url, { ...FLOOD, encoding })),
    ]);
  }
  const series = (await seriesOn(exporter.url)).toLocaleString('en');
  printTable(
    `resident memory at most, ${tunnels.toLocaleString('en')} tunnels, ${series} series, tokens: ${accounts}`,
    rows,
  );
  await exporter.stop();
}
