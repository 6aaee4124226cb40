import { setTimeout as sleep } from 'node:timers/promises';
import { observeFleet, scrapeUntilWhole } from './exporter.ts';
import { printTable } from './rounds.ts';

/**
 * Resident memory of the built exporter before, while and after 80 people open the status page and
 * the JSON API at once, with and without gzip, five times over. Argument: fleet size.
 */
const tunnels = Number(process.argv[2] ?? 1000);
const PEOPLE = 80;
const ROUNDS = 5;

const exporter = await observeFleet({ tunnels, accounts: Math.ceil(tunnels / 2500), measurePauses: false });
let most = 0;
const look = (): void => {
  most = Math.max(most, exporter.residentMegabytes());
};
await scrapeUntilWhole(exporter, { tunnels, everyTime: look });
const observed = most;
await sleep(10_000);
const before = exporter.residentMegabytes();

const statuses = new Map<number, number>();
const open = async (path: string, encoding: string): Promise<void> => {
  const response = await fetch(exporter.url + path, { headers: { 'accept-encoding': encoding } });
  await response.arrayBuffer();
  statuses.set(response.status, (statuses.get(response.status) ?? 0) + 1);
};
most = 0;
const timer = setInterval(look, 20);
for (let round = 0; round < ROUNDS; round += 1) {
  const encoding = round % 2 === 0 ? 'gzip' : 'identity';
  await Promise.all(
    Array.from({ length: PEOPLE }, () => [open('/', encoding), open('/api/v1/tunnels', encoding)]).flat(),
  );
  await sleep(1000);
}
clearInterval(timer);
const during = most;
await sleep(60_000);
const megabytes = (value: number): string => `${value.toFixed(0)} MB`;
printTable(`${PEOPLE} people at ${tunnels.toLocaleString('en')} tunnels`, [
  ['at most while observing', megabytes(observed)],
  ['before', megabytes(before)],
  ['at most meanwhile', megabytes(during)],
  ['a minute after', megabytes(exporter.residentMegabytes())],
  ['answers', [...statuses].map(([status, count]) => `${count} x ${status}`).join(', ')],
]);
await exporter.stop();
