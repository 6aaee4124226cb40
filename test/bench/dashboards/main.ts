import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { debianProgram } from '../../support/debian.ts';
import { cpuMsOf } from '../page/processes.ts';
import { ask } from './ask.ts';
import { createHistory } from './history.ts';
import { type Opening, openingOf } from './opening.ts';

/**
 * Measures what opening a dashboard costs Prometheus: npm run bench:dashboards
 * --tunnels=1000 (in addition to 24 WARP connectors); --hours=6; --file=tunnel.json; --rounds=5.
 */
const { values } = parseArgs({
  options: {
    tunnels: { type: 'string', default: '1000' },
    hours: { type: 'string', default: '6' },
    file: { type: 'string', default: 'overview.json' },
    rounds: { type: 'string', default: '5' },
  },
});

/** Requests that a browser has in flight to one server. */
const CONCURRENCY = 6;
const ADDRESS = '127.0.0.1:9397';
const URL = `http://${ADDRESS}`;
const REFERENCE = { where: 'reference', expr: 'count(cloudflare_tunnel_status)', step: undefined };

interface When {
  readonly end: number;
  readonly range: number;
}

/** Runs the benchmark with its own Prometheus, which is stopped at the end. */
async function withPrometheus(run: (prometheus: ChildProcess) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'bench-dashboards-'));
  const config = join(folder, 'prometheus.yml');
  writeFileSync(config, '{}');
  const prometheus = spawn(
    debianProgram('prometheus').command,
    [
      `--config.file=${config}`,
      `--storage.tsdb.path=${join(folder, 'data')}`,
      `--web.listen-address=${ADDRESS}`,
      '--web.enable-remote-write-receiver',
      '--log.level=error',
    ],
    { stdio: ['ignore', 'ignore', 'inherit'] },
  );
  const ended = once(prometheus, 'exit');
  try {
    while (!(await isReady())) {
      if (prometheus.exitCode !== null) throw new Error(`Cannot start Prometheus on ${ADDRESS}`);
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
    await run(prometheus);
  } finally {
    prometheus.kill('SIGTERM');
    await ended;
    rmSync(folder, { recursive: true });
  }
}

async function isReady(): Promise<boolean> {
  try {
    return (await fetch(`${URL}/-/ready`)).ok;
  } catch {
    return false;
  }
}

/** Sends the panels' requests as a browser does; the queries of one panel follow each other. */
async function open(opening: Opening, when: When): Promise<void> {
  const left = [...opening];
  const worker = async (): Promise<void> => {
    for (let panel = left.shift(); panel !== undefined; panel = left.shift())
      for (const asked of panel) await ask(URL, asked, when);
  };
  await Promise.all(Array.from({ length: CONCURRENCY }, worker));
}

async function secondsOf(work: () => Promise<unknown>): Promise<number> {
  const started = performance.now();
  await work();
  return (performance.now() - started) / 1000;
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

await withPrometheus(async (prometheus) => {
  const now = Date.now();
  const history = createHistory({ tunnels: Number(values.tunnels), hours: Number(values.hours), end: now });
  const writing = await secondsOf(() => history.writeUntil(now, URL));
  const when = { end: history.lastScrape() / 1000, range: Number(values.hours) * 3600 };
  const opening = openingOf(values.file, {
    range: when.range,
    ...(values.file === 'tunnel.json' ? { values: { $tunnel_name: 'tunnel-00500' } } : {}),
  });
  print(
    `${history.tunnels() / 2} tunnels, 2 exporters, ${values.hours} h, written in ${writing.toFixed(0)} s`,
  );
  print(`${values.file}: ${opening.flat().length} queries in ${opening.length} requests`);
  for (let round = 0; round < Number(values.rounds); round += 1) {
    const reference = await secondsOf(() => ask(URL, REFERENCE, when));
    const before = cpuMsOf(prometheus);
    const wall = await secondsOf(() => open(opening, when));
    const cpu = (cpuMsOf(prometheus) - before) / 1000;
    print(
      `${wall.toFixed(2)} s, CPU of Prometheus ${cpu.toFixed(2)} s, one selector of all status series ` +
        `${(reference * 1000).toFixed(0)} ms, load ${loadavg()[0]?.toFixed(1) ?? ''}`,
    );
  }
  const costs: { where: string; samples: number; series: number }[] = [];
  for (const asked of opening.flat()) costs.push({ where: asked.where, ...(await ask(URL, asked, when)) });
  for (const { where, samples, series } of costs.toSorted((one, other) => other.samples - one.samples))
    print(`${String(samples).padStart(10)} samples, ${String(series).padStart(5)} series: ${where}`);
});
