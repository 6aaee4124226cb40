import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { parse, stringify } from 'yaml';
import { debianProgram } from '../../support/debian.ts';
import { alertNames, isAlert, type Rule, readRules, rules } from '../alerts/rule-file.ts';
import { kubectlLayer } from '../kubernetes/kubectl-layer.ts';
import { ofKind, only } from '../kubernetes/objects.ts';
import { CHART, ciValues, renderChart } from './chart.ts';

const promtool = debianProgram('promtool');

type AlertValues = Readonly<Record<string, boolean | number | string | Readonly<Record<string, string>>>>;

/** Values of an alert that are not thresholds. */
const NO_THRESHOLDS = ['enabled', 'severity', 'for', 'keepFiringFor'];

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

test('every alert has its values, as they are in the rule file', () => {
  const wanted = alertNames.map((name): [string, AlertValues] => {
    const stages = rules.filter(isAlert).filter(({ alert }) => alert === name);
    const severities = stages.map(({ labels }) => labels['severity'] ?? '');
    const [first] = stages;
    return [
      name,
      {
        enabled: true,
        severity:
          severities.length === 1
            ? (severities[0] ?? '')
            : Object.fromEntries(severities.map((severity) => [severity, severity])),
        ...(first?.for === undefined ? {} : { for: first.for }),
        ...(first?.keep_firing_for === undefined ? {} : { keepFiringFor: first.keep_firing_for }),
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
  test('renders the unchanged rules by default', () => {
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
        .filter((key) => !NO_THRESHOLDS.includes(key))
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

  test('takes severities from values, each stage its own', () => {
    const changed = rendered(
      '--set=prometheusRule.alerts.CloudflareTunnelNoRedundancy.severity=info',
      '--set=prometheusRule.alerts.CloudflareTunnelAccountUnwatched.severity.warning=notice',
    ).filter(isAlert);
    const before = rules.filter(isAlert);
    expect(
      changed.flatMap(({ alert, labels }, index) => {
        const was = before[index]?.labels['severity'];
        return labels['severity'] === was ? [] : [[alert, was, labels['severity']]];
      }),
    ).toEqual([
      ['CloudflareTunnelNoRedundancy', 'warning', 'info'],
      ['CloudflareTunnelAccountUnwatched', 'warning', 'notice'],
    ]);
    expect(changed.map(({ labels }) => labels['subject'])).toEqual(
      before.map(({ labels }) => labels['subject']),
    );
  });

  test('adds labels and annotations to all alerts, and those of one alert win', () => {
    const changed = rendered(
      '--set=prometheusRule.additionalRuleLabels.team=network',
      '--set=prometheusRule.additionalRuleAnnotations.note=all',
      '--set=prometheusRule.alerts.CloudflareTunnelDown.labels.team=oncall',
      '--set=prometheusRule.alerts.CloudflareTunnelDown.annotations.summary=down',
    );
    expect(changed).toEqual(
      rules.map((before) => {
        if (!isAlert(before)) return before;
        const isDown = before.alert === 'CloudflareTunnelDown';
        return {
          ...before,
          labels: { ...before.labels, team: isDown ? 'oncall' : 'network' },
          annotations: { ...before.annotations, note: 'all', ...(isDown ? { summary: 'down' } : {}) },
        };
      }),
    );
  });

  test('an alert whose values are all commented out is as in the rule file', () => {
    for (const name of ['CloudflareTunnelDown', 'CloudflareTunnelAccountUnwatched']) {
      expect(rendered(`--set=prometheusRule.alerts.${name}=null`)).toEqual(rules);
      expect(rendered(`--set=prometheusRule.alerts.${name}.severity=null`)).toEqual(rules);
      expect(rendered(`--set=prometheusRule.alerts.${name}.enabled=null`)).toEqual(rules);
    }
  });

  test('an alert without `for` takes one', () => {
    const [before, after] = [[], ['--set=prometheusRule.alerts.CloudflareTunnelNoRedundancy.for=30m']].map(
      (flags) =>
        rendered(...flags).filter((rule) => isAlert(rule) && rule.alert === 'CloudflareTunnelNoRedundancy'),
    );
    expect(before).toEqual([expect.not.objectContaining({ for: expect.anything() })]);
    expect(after).toEqual([{ ...before?.[0], for: '30m' }]);
  });

  test('in a homelab, nothing expects a second connector', () => {
    const homelab = rendered('--values', ciValues('homelab')).filter(isAlert);
    const names = homelab.map(({ alert }) => alert);
    expect(names).not.toContain('CloudflareTunnelNoRedundancy');
    expect(names).not.toContain('CloudflareTunnelNeverRedundant');
    expect(names).toContain('CloudflareTunnelDown');
    expect(new Set(homelab.map(({ labels }) => labels['severity']))).not.toContain('critical');
  });

  test.skipIf(promtool.missing)(`promtool takes the rules with every value changed${promtool.needs}`, () => {
    const changed = {
      prometheusRule: {
        links: { dashboards: 'https://grafana.example.com' },
        additionalRuleLabels: { team: 'network' },
        additionalRuleAnnotations: { note: 'with {{ $value }}' },
        alerts: Object.fromEntries(
          Object.entries(settings).map(([alert, own]) => [
            alert,
            {
              ...Object.fromEntries(
                Object.keys(own)
                  .filter((key) => !NO_THRESHOLDS.includes(key))
                  .map((key) => [key, 31_536_000.5]),
              ),
              severity:
                typeof own['severity'] === 'object'
                  ? Object.fromEntries(Object.keys(own['severity']).map((stage) => [stage, `${stage}-2`]))
                  : 'page',
              for: '77m',
              keepFiringFor: '1h30m',
              labels: { tier: 'one' },
              annotations: { owner: '{{ $labels.tunnel_name }}' },
            },
          ]),
        ),
      },
    };
    const folder = mkdtempSync(join(tmpdir(), 'chart-rules-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const file = join(folder, 'values.yaml');
    writeFileSync(file, stringify(changed));
    const groups = [{ name: 'rendered', rules: rendered('--values', file) }];
    writeFileSync(join(folder, 'rules.yaml'), stringify({ groups }, { aliasDuplicateObjects: false }));
    const { status, stdout, stderr } = spawnSync(
      promtool.command,
      ['check', 'rules', '--lint-fatal', join(folder, 'rules.yaml')],
      { encoding: 'utf8' },
    );
    expect({ status, output: stdout + stderr }).toMatchObject({ status: 0 });
    expect(stdout).toContain(`SUCCESS: ${rules.length} rules found`);
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
