import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { parse, stringify } from 'yaml';
import { debianProgram } from '../../support/debian.ts';
import { alertNames } from './rule-file.ts';
import { createScenarioRun } from './scenarios.ts';

const promtool = debianProgram('promtool');
const FOLDER = 'test/deploy/alerts';
const GOLDEN = '../../golden/alert-texts.txt';

interface Scenario {
  readonly interval: string;
  readonly input_series: readonly { readonly series: string; readonly values: string }[];
  readonly alert_rule_test: readonly {
    readonly eval_time: string;
    readonly alertname: string;
    readonly exp_alerts: readonly unknown[];
  }[];
}

/**
 * What texts mention beside what an alert is about. Scenarios do not have it, so that they show the
 * alert without it.
 */
const TUNNEL = 'job="cft",instance="a",account_id="acc",tunnel_id="t1",tunnel_name="web"';
const MENTIONED = [
  'cloudflare_tunnel_account_info{job="cft",instance="a",account_id="acc",account_name="Example Retail"} 1',
  `cloudflare_tunnel_ingress_rules{${TUNNEL}} 3`,
  `cloudflare_tunnel_routes{${TUNNEL},kind="network"} 4`,
  `cloudflare_tunnel_routes{${TUNNEL},kind="hostname"} 1`,
  `cloudflare_tunnel_connector_info{${TUNNEL},connector_id="c-left",version="2026.10.1",arch="linux_amd64"} 1`,
].map((line) => {
  const [, series = '', value = ''] = /^(.*) (\d+)$/.exec(line) ?? [];
  return { series, values: `${value}x3300` };
});

/**
 * The first scenario in which the alert fires, as it is and with what its text can mention;
 * promtool is to show its text.
 */
function firingScenarios(name: string): string {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- promtool has the last word on its form
  const file = parse(readFileSync(join(FOLDER, `${name}.yaml`), 'utf8')) as {
    readonly tests: readonly Scenario[];
  };
  const found = file.tests
    .flatMap((scenario) => scenario.alert_rule_test.map((asked) => ({ scenario, asked })))
    .find(({ asked }) => asked.exp_alerts.length > 0);
  if (found === undefined) throw new Error(`${name} fires in no scenario`);
  const { scenario, asked } = found;
  const known = new Set(scenario.input_series.map(({ series }) => series.split('{')[0]));
  const mentioned = MENTIONED.filter(
    ({ series }) => series.includes('account_name') || !known.has(series.split('{')[0]),
  );
  const asks = (series: Scenario['input_series']): object => ({
    interval: scenario.interval,
    input_series: series,
    alert_rule_test: [{ eval_time: asked.eval_time, alertname: name, exp_alerts: [] }],
  });
  return stringify(
    {
      ...file,
      tests: [asks(scenario.input_series), asks([...scenario.input_series, ...mentioned])],
    },
    { aliasDuplicateObjects: false },
  );
}

/** The texts in promtool's output, one alert after the other. */
function textsIn(output: string): readonly string[] {
  return [...output.matchAll(/Annotations:\{(.*)\}/g)].map(([, annotations = '']) =>
    [...annotations.matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)]
      .map(([, key = '', quoted = '']) => `${key}: ${quoted.replaceAll('\\"', '"')}`)
      .join('\n'),
  );
}

describe.skipIf(promtool.missing)(`the texts of alerts${promtool.needs}`, () => {
  const scenarioRun = createScenarioRun(promtool.command, {
    texts: true,
    edit: (rules) => rules.replace("dashboards: ''", 'dashboards: https://grafana.example.com'),
  });
  afterAll(scenarioRun.remove);
  const texts = new Map<string, readonly string[]>();

  test.each(alertNames)(
    '%s has a text without what it could mention, and with it',
    { timeout: 300_000 },
    async (name) => {
      const { output } = await scenarioRun.run(firingScenarios(name));
      expect(output).not.toContain('error expanding');
      const found = textsIn(output);
      expect(found.length).toBeGreaterThan(1);
      texts.set(name, found);
    },
  );

  test('match the golden file', async () => {
    const all = [...texts].map(([name, found]) => `## ${name}\n\n${[...new Set(found)].join('\n\n')}\n`);
    await expect(all.join('\n')).toMatchFileSnapshot(GOLDEN);
  });
});
