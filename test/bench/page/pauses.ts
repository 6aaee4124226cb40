import { setTimeout as sleep } from 'node:timers/promises';
import { observeFleet, scrapeAsUsual, scrapeUntilWhole } from './exporter.ts';
import { load } from './processes.ts';
import { printTable } from './rounds.ts';

/**
 * The longest pauses of the event loop of the built exporter: while it observes a simulated fleet
 * and is scraped every five seconds; once all is observed; and under a flood of scrapes meanwhile.
 * Once with all tunnels in one account (lists of 1,000 rows a page, observed as far as the budget
 * goes), once in accounts of 500. Argument: tunnels.
 */
const TUNNELS = Number(process.argv[2] ?? 10_000);
const STEADY_SCRAPES = 24;
const FLOOD = { connections: 4, seconds: 30 } as const;

async function measure(accounts: number, embedded: 'missing' | 'populated' = 'missing'): Promise<void> {
  const exporter = await observeFleet({ tunnels: TUNNELS, accounts, embedded, measurePauses: true });
  const rows: [string, string][] = [];
  const phase = async (what: string, work: () => Promise<unknown>): Promise<void> => {
    const before = exporter.pauses().length;
    await work();
    // Pauses are reported once a second.
    await sleep(1100);
    const pauses = exporter.pauses().slice(before);
    const over = pauses.filter(({ wallMs }) => wallMs > 50).length;
    const longest = Math.max(...pauses.map(({ wallMs }) => wallMs)).toFixed(0);
    const cpu = Math.max(...pauses.map(({ cpuMs }) => cpuMs)).toFixed(0);
    rows.push([
      what,
      `${longest} ms, CPU ${cpu} ms; ${over} of ${pauses.length} seconds with one above 50 ms`,
    ]);
  };
  if (accounts > 1) {
    await phase('while everything is observed for the first time', () =>
      scrapeUntilWhole(exporter, { tunnels: TUNNELS }),
    );
  }
  await phase('polls, renders and a scrape every five seconds', async () => {
    for (let round = 0; round < STEADY_SCRAPES; round += 1) await scrapeAsUsual(exporter.url, round);
  });
  await phase('the same and a flood of scrapes, gzip', () =>
    load(exporter.url, { ...FLOOD, encoding: 'gzip' }),
  );
  await phase('the same and a flood of scrapes, identity', () =>
    load(exporter.url, { ...FLOOD, encoding: 'identity' }),
  );
  await phase('status page and JSON, twice each', async () => {
    for (const path of ['/', '/api/v1/tunnels', '/', '/api/v1/tunnels'])
      await (await fetch(exporter.url + path)).arrayBuffer();
  });
  await exporter.stop();
  const lists = embedded === 'populated' ? ', lists that embed connections' : '';
  printTable(`longest pause, ${TUNNELS.toLocaleString('en')} tunnels, accounts: ${accounts}${lists}`, rows);
}

await measure(1);
await measure(1, 'populated');
await measure(Math.ceil(TUNNELS / 500));
