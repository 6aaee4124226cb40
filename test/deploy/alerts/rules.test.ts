import { spawnSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { debianProgram } from '../../support/debian.ts';
import { problemsOf } from './expressions.ts';
import { alerts, isAlert, RULES, rules } from './rule-file.ts';

const promtool = debianProgram('promtool');
/** Where runbooks are read. This is the one place; the rule format has none. */
const RUNBOOKS =
  'https://github.com/cloudflare-tunnel-exporter/cloudflare-tunnel-exporter/blob/main/docs/runbooks/';
const SEVERITIES = ['critical', 'warning', 'info'];
const SUBJECTS = ['tunnel', 'account', 'exporter'];

test.skipIf(promtool.missing)(`promtool finds nothing to complain about${promtool.needs}`, () => {
  const { status, stderr } = spawnSync(
    promtool.command,
    ['check', 'rules', '--lint=all', '--lint-fatal', RULES],
    { encoding: 'utf8' },
  );
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
});

test.each(rules.map((rule) => ({ name: isAlert(rule) ? rule.alert : rule.record, expr: rule.expr })))(
  '$name queries what the exporter exposes and nothing else',
  async ({ name, expr }) => {
    expect(await problemsOf(expr, recordedBefore(name))).toEqual([]);
  },
);

test('what is wrong with an expression that queries what the exporter does not expose', async () => {
  expect(await problemsOf('cloudflare_tunnel_statuses == 1')).toEqual([
    'no metric cloudflare_tunnel_statuses',
  ]);
  expect(await problemsOf('cloudflare_tunnel_status{state="down"}')).toEqual([
    'no label state of cloudflare_tunnel_status',
  ]);
  expect(await problemsOf('cloudflare_tunnel_status{status=~"down|gone"}')).toEqual([
    'no value gone of label status of cloudflare_tunnel_status',
  ]);
  expect(await problemsOf('sum by (colo) (cloudflare_tunnel_connectors)')).toEqual([
    'no label colo to group by or join on',
  ]);
  expect(await problemsOf('tunnel:cloudflare_tunnel_status:trusted')).toEqual([
    'no metric tunnel:cloudflare_tunnel_status:trusted',
  ]);
  expect(await problemsOf('sum(cloudflare_tunnel_connectors')).toHaveLength(1);
});

test.each(alerts)('$alert says what is wrong, how badly, and where to read on', ({ alert, ...rule }) => {
  expect(alert).toMatch(/^CloudflareTunnel[A-Z][A-Za-z]+$/);
  expect(SEVERITIES).toContain(rule.labels['severity']);
  expect(SUBJECTS).toContain(rule.labels['subject']);
  expect(rule.annotations['runbook_url']).toBe(`${RUNBOOKS}${alert}.md`);
  expect(Object.keys(rule.annotations)).toEqual(['summary', 'description', 'runbook_url']);
});

test.each(alerts.filter(({ labels }) => labels['subject'] === 'tunnel'))(
  '$alert names the tunnel and its account',
  ({ annotations }) => {
    expect(annotations['summary']).toMatch(/\$labels\.tunnel(?:_name)? /);
    expect(annotations['description']).toMatch(/\$labels\.tunnel(?:_name)? /);
    expect(annotations['description']).toMatch(/\$labels\.account_id /);
  },
);

function recordedBefore(name: string): readonly string[] {
  const own = rules.findIndex((rule) => (isAlert(rule) ? rule.alert : rule.record) === name);
  return rules.slice(0, own).flatMap((rule) => (isAlert(rule) ? [] : [rule.record]));
}
