import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { parseDuration } from '../../src/config/duration.ts';
import { debianProgram } from '../support/debian.ts';
import { rulesWithoutTexts } from '../deploy/alerts/scenarios.ts';

export type Labels = Readonly<Record<string, string>>;

/** The firing alerts of each evaluation, by its number. */
export type Firing = readonly (readonly Labels[])[];

export interface EvaluateOptions {
  readonly series: readonly { readonly series: string; readonly values: string }[];
  /** Between two values of a series. */
  readonly scrapeMs: number;
  readonly intervalMs: number;
  readonly evaluations: number;
}

/** What promtool is asked at each evaluation. */
const FIRING = 'ALERTS{alertstate="firing"}';

/**
 * Puts series through the shipped rules in promtool's engine. promtool compares only: it is asked
 * for the alerts of every evaluation, told to expect none, and what it got instead is read from its
 * complaint.
 */
export async function evaluate({
  series,
  scrapeMs,
  intervalMs,
  evaluations,
}: EvaluateOptions): Promise<Firing> {
  const folder = mkdtempSync(join(tmpdir(), 'alert-day-'));
  try {
    // JSON is YAML, and quicker to write and to read.
    const scenario = {
      rule_files: ['alerts.yaml'],
      evaluation_interval: `${intervalMs}ms`,
      tests: [
        {
          interval: `${scrapeMs}ms`,
          input_series: series,
          promql_expr_test: Array.from({ length: evaluations }, (_, index) => ({
            expr: FIRING,
            eval_time: `${index * intervalMs}ms`,
            exp_samples: [],
          })),
        },
      ],
    };
    writeFileSync(join(folder, 'alerts.yaml'), rulesWithoutTexts());
    writeFileSync(join(folder, 'day.yaml'), JSON.stringify(scenario));
    const child = spawn(debianProgram('promtool').command, ['test', 'rules', 'day.yaml'], {
      cwd: folder,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const ended = once(child, 'close');
    const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr)]);
    await ended;
    return read(stdout + stderr, { intervalMs, evaluations });
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function read(
  output: string,
  { intervalMs, evaluations }: { readonly intervalMs: number; readonly evaluations: number },
): Firing {
  const firing: (readonly Labels[])[] = Array.from({ length: evaluations }, () => []);
  let found = 0;
  for (const [, time = '', got = ''] of output.matchAll(
    /expr: "ALERTS.*?", time: (\S+),\s+exp: ?nil\s+got: ?(.*)/g,
  )) {
    const at = parseDuration(time);
    if (at === undefined) throw new Error(`Cannot read the time ${time} of promtool`);
    firing[at / intervalMs] = [...got.matchAll(/\{__name__="ALERTS", (.*?)\} 1E\+00/g)].map(
      ([, labels = '']) =>
        Object.fromEntries([...labels.matchAll(/(\w+)="(.*?)"/g)].map(([, k = '', v = '']) => [k, v])),
    );
    found += 1;
  }
  if (found === 0) throw new Error(`promtool evaluated nothing: ${output.slice(0, 2000)}`);
  return firing;
}
