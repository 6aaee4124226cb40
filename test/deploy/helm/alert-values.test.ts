import { readFileSync } from 'node:fs';
import { expect, describe, test } from 'vitest';
import { parse } from 'yaml';
import { alertNames, isAlert, type Rule, readRules, rules } from '../alerts/rule-file.ts';
import { kubectlLayer } from '../kubernetes/kubectl-layer.ts';
import { ofKind, only } from '../kubernetes/objects.ts';
import { CHART, ciValues, renderChart } from './chart.ts';

type AlertValues = Readonly<Record<string, boolean | number | string>>;

// oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the file is ours, and the tests say what it must hold
const values = parse(readFileSync(`${CHART}/values.yaml`, 'utf8')) as {
  readonly prometheusRule: { readonly alerts: Readonly<Record<string, AlertValues>> };
};
const { alerts: settings } = values.prometheusRule;
const text = rules.map(({ expr }) => expr).join('\n');

/** Thresholds stand in the rules as `180 # Down.after`. */
function thresholdsIn(exprs: string): readonly (readonly [alert: string, key: string, value: number])[] {
  return [...exprs.matchAll(/([\d.]+) # (\w+)\.(\w+)/g)].map(([, value, alert, key]) => [
    `CloudflareTunnel${alert}`,
    key ?? '',
    Number(value),
  ]);
}

test('every alert has its values, with the thresholds of the rule file', () => {
  const wanted = alertNames.map((name): [string, AlertValues] => {
    const lasting = rules.flatMap((rule) => (isAlert(rule) && rule.alert === name ? (rule.for ?? []) : []));
    return [
      name,
      {
        enabled: true,
        ...(lasting[0] === undefined ? {} : { for: lasting[0] }),
        ...Object.fromEntries(
          thresholdsIn(text).flatMap(([alert, key, value]) => (alert === name ? [[key, value]] : [])),
        ),
      },
    ];
  });
  expect(settings).toEqual(Object.fromEntries(wanted));
});

test('a threshold that stands in several rules is the same in all of them', () => {
  const byName = Map.groupBy(thresholdsIn(text), ([alert, key]) => `${alert}.${key}`);
  for (const [name, all] of byName) {
    expect({ name, values: new Set(all.map(([, , value]) => value)).size }).toEqual({ name, values: 1 });
  }
});

describe.skipIf(kubectlLayer.missing)(`the chart${kubectlLayer.needs}`, () => {
  test('renders the rules as they are where no value is given', () => {
    expect(rendered()).toEqual(rules);
  });

  test('sets the base addresses of links in one place', () => {
    const [links] = rendered(
      '--set=prometheusRule.links.dashboards=https://grafana.example.com',
      '--set=prometheusRule.links.runbooks=https://wiki.example.com/runbooks',
    );
    expect(links).toMatchObject({
      record: 'cloudflare_tunnel:links:info',
      labels: { dashboards: 'https://grafana.example.com', runbooks: 'https://wiki.example.com/runbooks' },
    });
  });

  test('leaves out the alerts that are switched off, and nothing else', () => {
    for (const name of ['CloudflareTunnelNeverRedundant', 'CloudflareTunnelExpectedBelowMinimum']) {
      expect(rendered(`--set=prometheusRule.alerts.${name}.enabled=false`)).toEqual(
        rules.filter((rule) => !isAlert(rule) || rule.alert !== name),
      );
    }
  });

  test('takes every threshold and every duration from its value', () => {
    const thresholds = Object.entries(settings).flatMap(([alert, own], row) =>
      Object.keys(own)
        .filter((key) => key !== 'enabled' && key !== 'for')
        .map((key, column): [string, string, number] => [alert, key, 7000 + 10 * row + column]),
    );
    const lasting = Object.entries(settings).filter(([, own]) => own['for'] !== undefined);
    const changed = rendered(
      ...thresholds.map(([alert, key, value]) => `--set=prometheusRule.alerts.${alert}.${key}=${value}`),
      ...lasting.map(([alert]) => `--set=prometheusRule.alerts.${alert}.for=77m`),
    );
    const found = thresholdsIn(changed.map(({ expr }) => expr).join('\n'));
    expect(found).toHaveLength(thresholdsIn(text).length);
    expect(new Set(found.map(String))).toEqual(new Set(thresholds.map(String)));
    expect(new Set(changed.flatMap((rule) => (isAlert(rule) ? (rule.for ?? []) : [])))).toEqual(
      new Set(['77m']),
    );
  });
});

/** The rules as the chart renders them with these flags. */
function rendered(...flags: readonly string[]): readonly Rule[] {
  const objects = renderChart(ciValues('one-token'), ['--set=prometheusRule.enabled=true', ...flags]);
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- Kubernetes has the last word on its form
  const { spec } = only(ofKind(objects, 'PrometheusRule')) as unknown as {
    readonly spec: ReturnType<typeof readRules>;
  };
  return spec.groups.flatMap((group) => group.rules);
}
