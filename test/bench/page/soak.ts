import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { MALLOC, NODE_FLAGS } from './processes.ts';
import { median, printTable } from './rounds.ts';

/**
 * `npm run soak`: resident memory over many polls, at each of which one tunnel in twenty is
 * replaced by another, with a scrape after each in one of the four representations. Arguments:
 * tunnels, polls.
 */
const TUNNELS = Number(process.argv[2] ?? 10_000);
const POLLS = Number(process.argv[3] ?? 1000);
const ROWS = 10;
const REPLACED_SHARE = 0.05;
const SCRAPES = [
  { accept: 'text/plain', 'accept-encoding': 'gzip' },
  { accept: 'application/openmetrics-text;version=1.0.0', 'accept-encoding': 'gzip' },
  { accept: 'text/plain', 'accept-encoding': 'identity' },
  { accept: 'application/openmetrics-text;version=1.0.0', 'accept-encoding': 'identity' },
];

interface Told {
  readonly url: string;
  readonly residentMegabytes: number;
}

const child = spawn(
  process.execPath,
  [
    ...NODE_FLAGS,
    'test/bench/page/soak-host.ts',
    String(TUNNELS),
    String(Math.round(TUNNELS * REPLACED_SHARE)),
  ],
  { stdio: ['pipe', 'pipe', 'inherit'], env: { ...process.env, ...MALLOC } },
);

const resident: number[] = [];
for await (const line of createInterface({ input: child.stdout })) {
  const { url, residentMegabytes }: Told = JSON.parse(line);
  const poll = resident.push(residentMegabytes) - 1;
  const scraped = await fetch(`${url}/metrics`, { headers: SCRAPES[poll % SCRAPES.length] ?? {} });
  await scraped.arrayBuffer();
  if (poll === POLLS) break;
  child.stdin.write('\n');
}
child.kill('SIGTERM');

const perRow = Math.ceil(POLLS / ROWS);
printTable(
  `resident memory, ${TUNNELS.toLocaleString('en')} tunnels of which ${REPLACED_SHARE * 100} % are replaced at each poll`,
  Array.from({ length: Math.ceil(POLLS / perRow) }, (_, row) => {
    const polls = resident.slice(1 + row * perRow, 1 + (row + 1) * perRow);
    const first = row * perRow + 1;
    return [
      `polls ${first} to ${first + polls.length - 1}`,
      `${median(polls).toFixed(0)} MB, at most ${Math.max(...polls).toFixed(0)} MB`,
    ];
  }),
);
