import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';

const PACKAGE = readFileSync('package.json', 'utf8');
/**
 * What the image's entry point and `npm start` pass to node, and what the exporter sets at its
 * start.
 */
export const NODE_FLAGS = [
  ...(PACKAGE.match(/--max-semi-space-size=\d+/) ?? []),
  ...(readFileSync('src/main.ts', 'utf8').match(/--heap-growing-percent=\d+/) ?? []),
];
export const MALLOC: Readonly<Record<string, string>> = Object.fromEntries(
  [...PACKAGE.matchAll(/(MALLOC_\w+)=(\d+)/g)].map(([, name, value]) => [name, value]),
);
const CLOCK_TICKS_PER_SECOND = 100;

export interface Host {
  readonly exporter: string;
  readonly bare: string;
  /** CPU milliseconds used so far, all threads. */
  readonly cpuMs: () => number;
  readonly stop: () => Promise<void>;
}

export async function startHost(tunnels: number): Promise<Host> {
  const child = spawn(process.execPath, [...NODE_FLAGS, 'test/bench/page/host.ts', String(tunnels)], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, ...MALLOC },
  });
  const reader = createInterface({ input: child.stdout });
  const [line]: unknown[] = await once(reader, 'line');
  const { exporter, bare }: Pick<Host, 'exporter' | 'bare'> = JSON.parse(String(line));
  return {
    exporter,
    bare,
    cpuMs: () => cpuMsOf(child),
    stop: async () => {
      child.kill('SIGTERM');
      await once(child, 'exit');
    },
  };
}

export interface Load {
  readonly encoding: 'identity' | 'gzip';
  readonly connections: number;
  readonly seconds: number;
}

/** Scrapes per second. */
export async function load(url: string, { encoding, connections, seconds }: Load): Promise<number> {
  const { stdout } = await promisify(execFile)(process.execPath, [
    'test/bench/page/load.ts',
    url,
    encoding,
    String(connections),
    String(seconds),
  ]);
  return Number(stdout);
}

export function cpuMsOf({ pid }: ChildProcess): number {
  const stat = readFileSync(`/proc/${pid ?? ''}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return ((Number(fields[11]) + Number(fields[12])) * 1000) / CLOCK_TICKS_PER_SECOND;
}

export function residentMegabytes({ pid }: ChildProcess): number {
  return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid ?? ''}/status`, 'utf8'))?.[1]) / 1024;
}
