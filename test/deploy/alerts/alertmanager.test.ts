import { spawnSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { debianProgram } from '../../support/debian.ts';
import { ALERTMANAGER, alertmanagerConfig } from './alertmanager-config.ts';
import { alerts } from './rule-file.ts';

const amtool = debianProgram('amtool');

function runAmtool(...args: readonly string[]): { readonly status: number | null; readonly stdout: string } {
  const { status, stdout } = spawnSync(amtool.command, args, { encoding: 'utf8' });
  return { status, stdout };
}

test.skipIf(amtool.missing)(`amtool takes the configuration${amtool.needs}`, () => {
  expect(runAmtool('check-config', ALERTMANAGER)).toMatchObject({ status: 0 });
});

const RECEIVERS: Readonly<Record<string, string>> = {
  critical: 'cloudflare-tunnel-pager',
  warning: 'cloudflare-tunnel-chat',
  info: 'cloudflare-tunnel-quiet',
};

test('every alert has a severity that the routes know', () => {
  expect([...new Set(alerts.map(({ labels }) => labels['severity'] ?? ''))].toSorted()).toEqual(
    Object.keys(RECEIVERS).toSorted(),
  );
});

test.skipIf(amtool.missing).each(Object.entries(RECEIVERS))(
  `a %s alert goes to %s${amtool.needs}`,
  (severity, receiver) => {
    const { stdout } = routesTest('alertname=CloudflareTunnelDown', `severity=${severity}`);
    expect(stdout.trim()).toBe(receiver);
  },
);

test.skipIf(amtool.missing)(`alerts of others go where they went${amtool.needs}`, () => {
  expect(routesTest('alertname=NodeDown', 'severity=critical').stdout.trim()).toBe('default');
});

function routesTest(...labels: readonly string[]): ReturnType<typeof runAmtool> {
  return runAmtool('config', 'routes', 'test', `--config.file=${ALERTMANAGER}`, ...labels);
}

const inhibitions = alertmanagerConfig().inhibit_rules;

test.each(inhibitions)(
  'an inhibition compares no label that its source may lack: $source_matchers',
  ({ source_matchers: source, equal = [] }) => {
    for (const label of equal) expect(source).toContain(`${label}=~".+"`);
  },
);

test('only the inhibition for "no exporter answers" compares no labels', () => {
  expect(inhibitions.filter(({ equal }) => equal === undefined).map((rule) => rule.source_matchers)).toEqual([
    ['alertname="CloudflareTunnelExporterDown"', 'account_id=""'],
  ]);
});
