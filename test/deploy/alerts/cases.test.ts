import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { parseDuration } from '../../../src/config/duration.ts';
import { debianProgram } from '../../support/debian.ts';
import { alertNames, alerts } from './rule-file.ts';
import { createScenarioRun } from './scenarios.ts';

const promtool = debianProgram('promtool');
const FOLDER = 'test/deploy/alerts';
const files = readdirSync(FOLDER).filter((file) => file.endsWith('.yaml'));

/** Expected alerts at some time of a scenario. */
interface Expectation {
  readonly at: number;
  readonly firing: readonly Readonly<Record<string, string>>[];
}

test('every alert has scenarios, and every scenario file has an alert', () => {
  expect(files.toSorted()).toEqual(alertNames.map((name) => `${name}.yaml`).toSorted());
});

describe.skipIf(promtool.missing)(`promtool${promtool.needs}`, () => {
  const scenarioRun = createScenarioRun(promtool.command, { texts: false });
  afterAll(scenarioRun.remove);

  test.each(files)('promtool passes every scenario of %s', { timeout: 300_000 }, async (file) => {
    const { output, code } = await scenarioRun.run(readFileSync(join(FOLDER, file), 'utf8'));
    expect({ output, code }).toMatchObject({
      output: expect.not.stringContaining('FAILED') as unknown,
      code: 0,
    });
  });
});

test.each(alertNames)(
  'the scenarios of %s show it firing, on time, ending, and what only looks like it',
  (name) => {
    const { evaluationMs, scenarios, exporters, source } = read(name);
    const pairs = scenarios.flatMap((expectations) =>
      expectations.slice(1).map((after, index) => ({ before: expectations[index], after })),
    );
    expect(scenarios.length).toBeGreaterThan(1);
    // An alert that looks at the past for long enough cannot be late by itself: it fires as soon as
    // the past is bad.
    for (const { labels } of alerts.filter((rule) => rule.alert === name && rule.for !== undefined)) {
      const severity = labels['severity'] ?? '';
      const onTime = pairs.filter(
        ({ before, after }) =>
          before?.firing.length === 0 &&
          after.firing.some((each) => each['severity'] === severity) &&
          after.at - before.at <= 2 * evaluationMs,
      );
      expect(onTime, `fires with severity ${severity}, and does not just before`).not.toEqual([]);
    }
    const ends = pairs.filter(
      ({ before, after }) => before?.firing.length !== 0 && after.firing.length === 0,
    );
    expect(ends, 'ends').not.toEqual([]);
    const quiet = scenarios.filter((expectations) => expectations.every(({ firing }) => firing.length === 0));
    expect(quiet, 'only looks like it').not.toEqual([]);
    expect(exporters, 'two exporters').toBeGreaterThan(1);
    const labels = scenarios.flat().flatMap(({ firing }) => firing.flatMap((each) => Object.keys(each)));
    expect(labels, 'a label that would make two exporters fire twice').not.toContain('instance');
    expect(source, 'a restart or a stale series').toContain('stale');
  },
);

interface TestFile {
  readonly evaluation_interval: string;
  readonly tests: readonly {
    readonly input_series: readonly { readonly series: string }[];
    readonly alert_rule_test: readonly {
      readonly eval_time: string;
      readonly alertname: string;
      readonly exp_alerts: readonly { readonly exp_labels: Readonly<Record<string, string>> }[];
    }[];
  }[];
}

interface Scenarios {
  readonly evaluationMs: number;
  readonly scenarios: readonly (readonly Expectation[])[];
  /** How many exporters the scenario with the most of them has. */
  readonly exporters: number;
  readonly source: string;
}

function read(name: string): Scenarios {
  const source = readFileSync(join(FOLDER, `${name}.yaml`), 'utf8');
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- promtool has the last word on its form
  const { evaluation_interval: interval, tests } = parse(source) as TestFile;
  return {
    source,
    evaluationMs: parseDuration(interval) ?? Number.NaN,
    scenarios: tests.map((scenario) =>
      scenario.alert_rule_test
        .filter(({ alertname }) => alertname === name)
        .map((asked) => ({
          at: parseDuration(asked.eval_time) ?? Number.NaN,
          firing: asked.exp_alerts.map(({ exp_labels: labels }) => labels),
        })),
    ),
    exporters: Math.max(
      ...tests.map(
        ({ input_series: input }) =>
          new Set(input.map(({ series }) => /instance="(.*?)"/.exec(series)?.[1])).size,
      ),
    ),
  };
}
