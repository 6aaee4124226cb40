import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { stringify } from 'yaml';
import { isAlert, readRules, RULES } from './rule-file.ts';

/** Where scenarios look for the rules, as seen from their own folder. */
const RULES_OF_SCENARIOS = `../../../${RULES}`;

export interface ScenarioRun {
  /** Runs `promtool test rules` on the text of a scenario file. */
  readonly run: (scenarios: string) => Promise<{ readonly output: string; readonly code: number | null }>;
  readonly remove: () => void;
}

export interface ScenarioRunOptions {
  /** Whether alerts have their annotations. */
  readonly texts: boolean;
  readonly edit?: (rules: string) => string;
}

/**
 * Runs scenarios against a copy of the shipped rules. Without texts, a scenario says when an alert
 * fires and with which labels, and a new wording changes none of them; what the texts say is in
 * texts.test.ts.
 */
export function createScenarioRun(promtool: string, { texts, edit }: ScenarioRunOptions): ScenarioRun {
  const folder = mkdtempSync(join(tmpdir(), 'alerts-'));
  mkdirSync(join(folder, 'scenarios'));
  const rules = texts ? readFileSync(RULES, 'utf8') : rulesWithoutTexts();
  writeFileSync(join(folder, 'alerts.yaml'), edit?.(rules) ?? rules);
  let runs = 0;
  return {
    run: async (scenarios) => {
      const name = `${(runs += 1)}.yaml`;
      writeFileSync(join(folder, 'scenarios', name), scenarios.replace(RULES_OF_SCENARIOS, '../alerts.yaml'));
      const child = spawn(promtool, ['test', 'rules', name], {
        cwd: join(folder, 'scenarios'),
        stdio: ['ignore', 'pipe', 'pipe'],
      });
      const ended = once(child, 'close');
      const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr)]);
      await ended;
      return { output: stdout + stderr, code: child.exitCode };
    },
    remove: () => {
      rmSync(folder, { recursive: true });
    },
  };
}

/** The shipped rules without annotations. */
export function rulesWithoutTexts(): string {
  const groups = readRules().groups.map((group) => ({
    ...group,
    rules: group.rules.map((rule) => {
      if (!isAlert(rule)) return rule;
      const { annotations: _, ...rest } = rule;
      return rest;
    }),
  }));
  return stringify({ groups });
}
