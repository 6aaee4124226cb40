import { spawnSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { debianProgram } from '../../support/debian.ts';
import { problemsOf } from './expressions.ts';
import { alerts, isAlert, RULES, rules } from './rule-file.ts';

const promtool = debianProgram('promtool');
/** The base addresses of links: one recording rule, which every alert queries. */
const LINKS = 'cloudflare_tunnel:links:info';
const SEVERITIES = ['critical', 'warning', 'info'];
const SUBJECTS = ['tunnel', 'account', 'fleet', 'exporter'];

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

test('an expression with an unknown metric or label has problems', async () => {
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
  expect(Object.keys(rule.annotations)).toEqual(['summary', 'description', 'dashboard_url', 'runbook_url']);
  expect(rule.annotations['runbook_url']).toBe(
    `{{ with query "${LINKS}" }}{{ . | first | label "runbooks" }}{{ end }}/${alert}.md`,
  );
  expect(rule.annotations['dashboard_url']).toMatch(
    new RegExp(
      `^\\{\\{ with query "${LINKS}" \\}\\}\\{\\{ with . \\| first \\| label "dashboards" \\}\\}`,
      'u',
    ),
  );
});

test.each(alerts.filter(({ labels }) => labels['subject'] === 'tunnel'))(
  '$alert names the tunnel and its account',
  ({ annotations }) => {
    expect(annotations['summary']).toMatch(/\$labels\.tunnel(?:_name)? /);
    expect(annotations['description']).toMatch(/\$labels\.tunnel(?:_name)? /);
    expect(annotations['description']).toMatch(/\$labels\.account_id /);
  },
);

const recorded = rules.flatMap((rule) => (isAlert(rule) ? [] : [rule.record]));

function recordedBefore(name: string): readonly string[] {
  const own = rules.findIndex((rule) => (isAlert(rule) ? rule.alert : rule.record) === name);
  return rules.slice(0, own).flatMap((rule) => (isAlert(rule) ? [] : [rule.record]));
}

test('the first rule has the base addresses of links', () => {
  expect(rules[0]).toEqual({
    record: LINKS,
    expr: 'vector(1)',
    labels: {
      dashboards: '',
      runbooks:
        'https://github.com/cloudflare-tunnel-exporter/cloudflare-tunnel-exporter/blob/main/docs/runbooks',
    },
  });
});

test.each(alerts)('$alert queries for its texts what the exporter exposes', async ({ annotations }) => {
  const queries = Object.values(annotations).flatMap((text) =>
    [...text.matchAll(/(?:query|printf) (?:"(.*?)(?<!\\)"|`(.*?)`)/g)].map(
      ([, quoted, raw]) => quoted ?? raw ?? '',
    ),
  );
  const asked = queries
    .filter((query) => !/^%\.0f$/.test(query))
    .map((query) => query.replaceAll('collector=%q', 'collector="tunnels"').replaceAll('%q', '"x"'));
  expect(asked.length).toBeGreaterThan(1);
  for (const query of asked)
    expect({ query, problems: await problemsOf(query, recorded) }).toEqual({ query, problems: [] });
});
