import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { onTestFinished } from 'vitest';

const MAIN = 'src/main.ts';
/** A process that runs longer than this is killed. */
const GUARD_MS = 15_000;

export interface ProcessOptions {
  /** The environment, to which only PATH is added. */
  readonly env?: Readonly<Record<string, string>>;
  /** Default: src/main.ts. */
  readonly main?: string;
}

/** How a process ended: by itself with a code, or by a signal. */
export interface Ending {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface Finished extends Ending {
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a command until it ends. If it does not, it is killed and has no code. */
export async function runExporter(args: readonly string[], options: ProcessOptions = {}): Promise<Finished> {
  const child = spawnExporter(args, options);
  const guard = setTimeout(() => child.kill('SIGKILL'), GUARD_MS);
  const [stdout, stderr, ending] = await Promise.all([text(child.stdout), text(child.stderr), endOf(child)]);
  clearTimeout(guard);
  return { ...ending, stdout, stderr };
}

export interface LogLine {
  readonly level: string;
  readonly msg: string;
  readonly addresses?: readonly string[];
  readonly [field: string]: unknown;
}

export interface ExporterProcess {
  /** Base of the web server. */
  readonly url: string;
  /** Lines of standard error so far; a line that is not JSON is in `msg`. */
  readonly logs: () => readonly LogLine[];
  readonly stdout: () => string;
  /** Stops reading standard error. */
  readonly stopReadingLogs: () => void;
  readonly kill: (signal: NodeJS.Signals) => void;
  /** Resolves to how it ended. It is killed after 10 seconds. */
  readonly ended: () => Promise<Ending>;
  /** Sends SIGTERM. Resolves to how it ended. */
  readonly stop: () => Promise<Ending>;
  /** The body of an answer with any status. */
  readonly get: (path: string) => Promise<{ readonly status: number; readonly text: string }>;
}

const STOP_GUARD_MS = 10_000;

/** Starts `run` or `demo` on a free port until the test ends. Resolves when it serves. */
export async function startExporter(
  args: readonly string[],
  options: ProcessOptions = {},
): Promise<ExporterProcess> {
  const child = spawnExporter(
    [...args, '--web.listen-address=127.0.0.1:0', '--log.format=json', '--poll.jitter=0s'],
    options,
  );
  const end = endOf(child);
  onTestFinished(async () => {
    child.kill('SIGKILL');
    await end;
  });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => (stdout += chunk));
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => (stderr += chunk));
  const logs = (): readonly LogLine[] => stderr.split('\n').slice(0, -1).map(readLine);

  const served = new Promise<string>((resolve) => {
    child.stderr.on('data', () => {
      const address = logs().find(({ msg }) => msg === 'serving metrics')?.addresses?.[0];
      if (address !== undefined) resolve(address);
    });
  });
  const failed = end.then(({ code, signal }): never => {
    throw new Error(`Cannot start the exporter: it ended with ${code ?? signal}\n${stderr}`);
  });
  const url = await Promise.race([served, failed]);
  // Its end is not a failure any more.
  failed.catch(() => undefined);

  const kill = (signal: NodeJS.Signals): void => void child.kill(signal);
  const ended = async (): Promise<Ending> => {
    const guard = setTimeout(() => kill('SIGKILL'), STOP_GUARD_MS);
    const ending = await end;
    clearTimeout(guard);
    return ending;
  };
  return {
    url,
    logs,
    stdout: () => stdout,
    stopReadingLogs: () => void child.stderr.pause(),
    kill,
    ended,
    stop: () => {
      kill('SIGTERM');
      return ended();
    },
    get: async (path) => {
      const response = await fetch(url + path, { headers: { connection: 'close' } });
      return { status: response.status, text: await response.text() };
    },
  };
}

type Child = ChildProcessByStdio<null, Readable, Readable>;

function spawnExporter(args: readonly string[], { env = {}, main = MAIN }: ProcessOptions): Child {
  return spawn(process.execPath, [main, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      PATH: process.env['PATH'],
      // Saves half the time that a start takes.
      NODE_COMPILE_CACHE: join(tmpdir(), 'cloudflare-tunnel-exporter-compile-cache'),
      ...env,
    },
  });
}

function endOf(child: Child): Promise<Ending> {
  return new Promise((resolve, reject) => {
    child.on('error', reject).on('close', (code, signal) => resolve({ code, signal }));
  });
}

function readLine(line: string): LogLine {
  try {
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the exporter's own log
    return JSON.parse(line) as LogLine;
  } catch {
    return { level: 'none', msg: line };
  }
}
