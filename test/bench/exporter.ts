import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

/** The exporter as a process of its own, built, as the image runs it. */
export interface ExporterProcess {
  readonly url: string;
  /** From spawn to the first 200 of /livez, in milliseconds. */
  readonly startedAfterMs: number;
  readonly residentMegabytes: () => number;
  /** CPU time used so far, in milliseconds. */
  readonly cpuMs: () => number;
  readonly stop: () => Promise<void>;
}

export interface ExporterProcessOptions {
  readonly port: number;
  readonly apiUrl: string;
  readonly accountId: string;
  readonly token: string;
  readonly flags: readonly string[];
}

/** What the image's entry point and `npm start` pass to node. */
const NODE_FLAGS = readFileSync('package.json', 'utf8').match(/--max-semi-space-size=\d+/) ?? [];
const CLOCK_TICKS_PER_SECOND = 100;

export async function startExporter(options: ExporterProcessOptions): Promise<ExporterProcess> {
  const { port, apiUrl, accountId, token, flags } = options;
  const started = performance.now();
  const child = spawn(
    process.execPath,
    [...NODE_FLAGS, 'dist/main.js', 'run', `--web.listen-address=127.0.0.1:${port}`, ...flags],
    {
      stdio: ['ignore', 'ignore', 'inherit'],
      env: {
        MALLOC_ARENA_MAX: '2',
        CLOUDFLARE_API_URL: apiUrl,
        CLOUDFLARE_ACCOUNT_ID: accountId,
        CLOUDFLARE_API_TOKEN: token,
        TUNNEL_EXPORTER_LOG_LEVEL: 'warn',
      },
    },
  );
  const url = `http://127.0.0.1:${port}`;
  await untilAlive(`${url}/livez`, child);
  const startedAfterMs = performance.now() - started;
  return {
    url,
    startedAfterMs,
    residentMegabytes: () => Number(/VmRSS:\s+(\d+)/.exec(readProc(child, 'status'))?.[1]) / 1024,
    cpuMs: () => cpuMsOf(readProc(child, 'stat')),
    stop: async () => {
      child.kill('SIGTERM');
      await new Promise((resolve) => child.once('exit', resolve));
    },
  };
}

async function untilAlive(url: string, child: ChildProcess): Promise<void> {
  while (child.exitCode === null) {
    const alive = await fetch(url).then(
      ({ ok }) => ok,
      () => false,
    );
    if (alive) return;
    await sleep(5);
  }
  throw new Error(`the exporter ended with ${child.exitCode}`);
}

function readProc(child: ChildProcess, file: string): string {
  return readFileSync(`/proc/${child.pid ?? ''}/${file}`, 'utf8');
}

function cpuMsOf(stat: string): number {
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return ((Number(fields[11]) + Number(fields[12])) * 1000) / CLOCK_TICKS_PER_SECOND;
}
