import { observeFleet, scrapeAsUsual, scrapeUntilWhole, seriesOn } from './exporter.ts';
import { printTable } from './rounds.ts';

/**
 * Resident memory of the built exporter, with the flags of `npm start`, while it observes every tunnel of a simulated
 * fleet and for two minutes after, scraped every five seconds in both formats, with gzip and without. Accounts of 2,500
 * tunnels have a token each: eleven minutes at all the budget that Cloudflare allows. Arguments: fleet sizes.
 */
const given = process.argv.slice(2).map(Number);
const SIZES = given.length > 0 ? given : [100, 2500, 5000, 10_000];
const TUNNELS_PER_ACCOUNT = 2500;
const STEADY_SCRAPES = 24;

function most(values: readonly number[]): string {
  return Math.max(...values).toFixed(0);
}

const rows: [string, string][] = [];
for (const tunnels of SIZES) {
  const accounts = Math.ceil(tunnels / TUNNELS_PER_ACCOUNT);
  const exporter = await observeFleet({ tunnels, accounts, measurePauses: false });
  const resident: number[] = [];
  const look = (): void => void resident.push(exporter.residentMegabytes());
  await scrapeUntilWhole(exporter, { tunnels, everyTime: look });
  const observed = resident.length;
  for (let round = 0; round < STEADY_SCRAPES; round += 1) {
    await scrapeAsUsual(exporter.url, round);
    look();
  }
  const series = await seriesOn(exporter.url);
  rows.push([
    `${tunnels.toLocaleString('en')} tunnels, ${series.toLocaleString('en')} series`,
    `${most(resident)} MB at most (${most(resident.slice(observed))} MB once all is observed)`,
  ]);
  await exporter.stop();
}
printTable('resident memory', rows);
