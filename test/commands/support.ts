import { expect, onTestFinished } from 'vitest';
import { createSimulator, type Simulator, type SimulatorOptions } from '../../src/simulator/index.ts';
import { parseExposition, type ParsedSample } from '../support/exposition-parser.ts';
import {
  type ExporterProcess,
  type Finished,
  type ProcessOptions,
  runExporter,
  startExporter,
} from '../support/exporter-process.ts';
import { numbered, specOf } from '../poller/support.ts';

export const ACCOUNT = 'a'.repeat(32);
export const OTHER_ACCOUNT = 'b'.repeat(32);
export const TOKEN = 'a-secret-token-of-40-characters-in-length';

/** A simulated API with one token until the test ends. Default: ACCOUNT with two tunnels. */
export async function simulate(options: SimulatorOptions = {}): Promise<Simulator> {
  const simulator = await createSimulator({
    accounts: [{ id: ACCOUNT, name: 'One', tunnels: numbered(2).map(specOf) }],
    tokens: [{ value: TOKEN }],
    ...options,
  });
  onTestFinished(() => simulator.close());
  return simulator;
}

export interface CliOptions extends ProcessOptions {
  /** Default: nothing listens there. */
  readonly api?: Pick<Simulator, 'url'>;
  /** Default: ACCOUNT. */
  readonly accounts?: readonly string[];
  /** Default: TOKEN. */
  readonly token?: string;
}

/** Runs a command with access to an API. Checks that no output contains the token. */
export async function cli(args: readonly string[], options: CliOptions = {}): Promise<Finished> {
  const finished = await runExporter(args, { ...options, env: environmentOf(options) });
  expect(finished.stdout + finished.stderr).not.toContain(options.token ?? TOKEN);
  return finished;
}

/** Starts `run` every second with access to an API. */
export async function running(
  args: readonly string[] = [],
  options: CliOptions = {},
): Promise<ExporterProcess> {
  const defaults = args.some((arg) => arg.startsWith('--poll.schedule'))
    ? []
    : ['--poll.schedule=*/1 * * * * *'];
  return startExporter(['run', ...defaults, ...args], { ...options, env: environmentOf(options) });
}

/** Polls only once, at the start, and keeps the data. */
export const ONCE = ['--poll.schedule=0 0 0 1 1,7 *', '--poll.stale-after=1y'];

function environmentOf({
  api,
  accounts = [ACCOUNT],
  token = TOKEN,
  env,
}: CliOptions): Record<string, string> {
  return {
    CLOUDFLARE_ACCOUNT_ID: accounts.join(','),
    CLOUDFLARE_API_TOKEN: token,
    CLOUDFLARE_API_URL: api?.url ?? 'http://127.0.0.1:9/client/v4',
    ...env,
  };
}

/** The messages of the JSON lines on standard error. */
export function messagesOf({ stderr }: Pick<Finished, 'stderr'>): readonly string[] {
  return stderr
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => {
      const entry: unknown = JSON.parse(line);
      return typeof entry === 'object' && entry !== null && 'msg' in entry ? String(entry.msg) : line;
    });
}

export type Labels = Readonly<Record<string, string>>;

/** Every sample of that name with at least these labels. */
export function samplesOf(page: string, name: string, labels: Labels = {}): readonly ParsedSample[] {
  return parseExposition(Buffer.from(page), 'text')
    .flatMap(({ samples }) => samples)
    .filter(
      (sample) =>
        sample.name === name &&
        Object.entries(labels).every(([label, value]) => sample.labels.get(label) === value),
    );
}

/** The only sample of that name with at least these labels; undefined if there is none or several. */
export function valueOf(page: string, name: string, labels: Labels = {}): number | undefined {
  const found = samplesOf(page, name, labels);
  return found.length === 1 ? found[0]?.value : undefined;
}

export async function scrape(exporter: ExporterProcess): Promise<string> {
  const { status, text } = await exporter.get('/metrics');
  expect(status).toBe(200);
  return text;
}
