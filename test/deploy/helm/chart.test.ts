import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { isMap, isScalar, parse, parseDocument } from 'yaml';
import { runExporter } from '../../support/exporter-process.ts';
import { incoherences } from '../kubernetes/coherence.ts';
import { helm, kubectlLayer } from '../kubernetes/kubectl-layer.ts';
import { ofKind, only, podTemplates } from '../kubernetes/objects.ts';
import type { KubernetesObject, PodTemplate } from '../kubernetes/objects.ts';
import { hardeningGaps, restrictedViolations } from '../kubernetes/pod-security.ts';
import { refusals, TYPE_CHECK_MS } from '../kubernetes/refusals.ts';
import { CHART, CI_VALUES, ciValues, refusalOf, renderChart } from './chart.ts';

const ACCOUNT = '--set=accounts[0].id=023e105f4ecef8ad9ca31a8372d0c353';
const OTHER_ACCOUNT = '--set=accounts[1].id=9a7806061c88ada191ed06f989cc3dac';
/** Values whose configuration files differ. */
const CONFIGURATIONS = ['one-token', 'token-only', 'everything'].map(ciValues);
const INLINE = '--set=apiToken.value=an-inline-api-token';
const EXISTING = '--set=apiToken.existingSecret=cloudflare-api-token';

function templateOf(flags: readonly string[], values = ciValues('one-token')): PodTemplate {
  return only(podTemplates(renderChart(values, flags)));
}

function configOf(objects: readonly KubernetesObject[]): string {
  return (
    ofKind(objects, 'ConfigMap').find(({ data }) => data?.['config.yaml'] !== undefined)?.data?.[
      'config.yaml'
    ] ?? ''
  );
}

function budgetsIn(flags: readonly string[]): readonly string[] {
  return templateOf(flags).spec.containers[0]?.args?.filter((arg) => arg.includes('budget')) ?? [];
}

/** This many accounts. */
function accounts(count: number): string {
  const ids = Array.from(
    { length: count },
    (_, index) => `accounts[${index}].id=${String(index).repeat(32)}`,
  );
  return `--set-string=${ids.join(',')}`;
}

function ownToken(index: number, name: string): string {
  return `--set=accounts[${index}].apiTokenSecret.name=${name},accounts[${index}].apiTokenSecret.key=token`;
}

/** An entry of `tokens`, for these accounts or for those that it finds. */
function listedToken(index: number, ...ids: readonly string[]): string {
  const entry = {
    apiTokenSecret: { name: `secret-${index}`, key: 'key' },
    ...(ids.length > 0 ? { accounts: ids } : {}),
  };
  return `--set-json=tokens[${index}]=${JSON.stringify(entry)}`;
}

function notesOf(flags: readonly string[]): string {
  const output = helm(['install', 'release', CHART, '--dry-run=client', ACCOUNT, EXISTING, ...flags]);
  return output.split('NOTES:')[1] ?? '';
}

describe.skipIf(kubectlLayer.missing)(`the chart${kubectlLayer.needs}`, () => {
  const rendered = new Map(
    kubectlLayer.missing ? [] : CI_VALUES.map((values) => [values, renderChart(values)]),
  );

  test('lints', () => {
    const values = CI_VALUES.flatMap((file) => ['--values', file]);
    expect(helm(['lint', '--strict', CHART, ...values])).toContain('0 chart(s) failed');
    expect(helm(['lint', CHART])).toContain('0 chart(s) failed');
  });

  test(
    'renders no field that Kubernetes and the Prometheus Operator do not know',
    async () => {
      const objects = [...rendered.values()].flat();
      expect(new Set(objects.map(({ kind }) => kind)).size).toBe(11);
      expect(await refusals(objects)).toEqual([]);
    },
    TYPE_CHECK_MS,
  );

  test.each(CI_VALUES)('every container meets the restricted Pod Security Standard with %s', (values) => {
    const { spec } = only(podTemplates(rendered.get(values) ?? []));
    expect(restrictedViolations(spec)).toEqual([]);
    expect(hardeningGaps(spec)).toEqual([]);
  });

  test.each(CI_VALUES)('selectors, ports, volumes and flags fit together with %s', (values) => {
    expect(incoherences(rendered.get(values) ?? [])).toEqual([]);
  });

  test.each(CONFIGURATIONS)(
    'the exporter takes the configuration file that is rendered with %s',
    async (values) => {
      const folder = mkdtempSync(join(tmpdir(), 'chart-config-'));
      onTestFinished(() => rmSync(folder, { recursive: true }));
      const file = join(folder, 'config.yaml');
      const token = join(folder, 'token');
      writeFileSync(token, 'an-api-token-that-is-none-0123456789abcd');
      const tokens = /\/etc\/cloudflare-tunnel-exporter\/tokens\/\S+/g;
      const config = configOf(rendered.get(values) ?? []).replaceAll(tokens, (path) => {
        const copy = join(folder, path.replaceAll('/', '-'));
        writeFileSync(copy, 'an-api-token-that-is-none-0123456789abcd');
        return copy;
      });
      writeFileSync(file, config);
      const { stdout, stderr } = await runExporter([
        '--config.check',
        `--config.file=${file}`,
        `--cloudflare.api-token-file=${token}`,
      ]);
      expect(stdout + stderr).toBe('The configuration is valid.\n');
    },
  );

  test('values that cannot work are refused with a line that says what to do', () => {
    expect(refusalOf([])).toContain('there is no API token: set apiToken.existingSecret, or apiToken.value');
    expect(refusalOf([ACCOUNT])).toContain('has no API token: set apiToken.existingSecret, apiToken.value');
    expect(refusalOf([ACCOUNT, EXISTING, INLINE])).toContain(
      'apiToken: both value and existingSecret are set; keep one',
    );
    expect(refusalOf([ACCOUNT, EXISTING, '--set=replicas=2,shards=2'])).toContain(
      'replicas and shards: both are above 1; keep one',
    );
  });

  test.each([
    ['an unknown value', '--set=replicaCount=2', 'replicaCount'],
    ['a wrong type', '--set=replicas=two', '/replicas'],
    ['an account id that is none', '--set=accounts[0].id=production', '/accounts/0/id'],
  ])('%s is refused by the schema', (_, flag, named) => {
    expect(refusalOf([ACCOUNT, EXISTING, flag])).toContain(named);
  });

  test('an inline token becomes a Secret, and a rotated one rolls no Pod', () => {
    const none = '--set=apiToken.existingSecret=';
    const before = renderChart(ciValues('one-token'), [none, INLINE]);
    expect(only(ofKind(before, 'Secret')).data).toEqual({
      'api-token': Buffer.from('an-inline-api-token').toString('base64'),
    });
    const after = renderChart(ciValues('one-token'), [none, `${INLINE}-2`]);
    expect(only(ofKind(after, 'Secret')).data).not.toEqual(only(ofKind(before, 'Secret')).data);
    expect(podTemplates(after)).toEqual(podTemplates(before));
  });

  test('a changed configuration rolls the Pods', () => {
    const checksum = 'checksum/config';
    const before = templateOf([]).metadata.annotations?.[checksum];
    const after = templateOf(['--set=config.poll.stale_after=10m']).metadata.annotations?.[checksum];
    expect(before).toMatch(/^[0-9a-f]{64}$/);
    expect(after).not.toBe(before);
  });

  test('accounts with tokens of their own need no common one', () => {
    const own = '--set=accounts[0].apiTokenSecret.name=own,accounts[0].apiTokenSecret.key=token';
    const { spec } = templateOf(['--set=apiToken.existingSecret=', own]);
    expect(spec.volumes?.map(({ secret }) => secret?.secretName)).toEqual([undefined, 'own']);
    expect(spec.containers[0]?.args).toEqual([expect.stringMatching(/^--config\.file=/)]);
    expect(refusalOf([ACCOUNT, own, OTHER_ACCOUNT])).toContain(
      '9a7806061c88ada191ed06f989cc3dac has no API token',
    );
  });

  test('replicas share the request budget, unless one is given', () => {
    expect(budgetsIn([])).toEqual([]);
    expect(budgetsIn(['--set=replicas=3'])).toEqual(['--cloudflare.request-budget=200']);
    expect(budgetsIn(['--set=replicas=3,config.cloudflare.request_budget=300'])).toEqual([]);
  });

  test('three shards with one token share the request budget, unless one is given', () => {
    const three = [accounts(9), '--set=shards=3'];
    expect(budgetsIn(three)).toEqual(['--cloudflare.request-budget=200']);
    expect(budgetsIn([...three, '--set=config.cloudflare.request_budget=300'])).toEqual([]);
    const given = '--cloudflare.request-budget=300';
    expect(budgetsIn([...three, `--set=extraArgs={${given}}`])).toEqual([given]);
  });

  test('shards whose accounts all have a token of their own have a whole budget each', () => {
    const own = [ownToken(0, 'a'), ownToken(1, 'b'), ownToken(2, 'c')];
    const three = [accounts(3), '--set=shards=3'];
    expect(budgetsIn([...three, ...own])).toEqual([]);
    expect(budgetsIn([...three, ...own, ownToken(1, 'a')])).toEqual(['--cloudflare.request-budget=200']);
    expect(budgetsIn([accounts(4), '--set=shards=3', ...own])).toEqual(['--cloudflare.request-budget=200']);
  });

  test('a budget group is shared by the shards of its accounts, and reaches the configuration file', () => {
    const own = [ownToken(0, 'a'), ownToken(1, 'b'), ownToken(2, 'a')];
    const groups = '--set=accounts[0].budgetGroup=alice,accounts[1].budgetGroup=alice';
    const flags = [accounts(3), '--set=shards=3', ...own, groups];
    expect(budgetsIn(flags)).toEqual(['--cloudflare.request-budget=200']);
    expect(configOf(renderChart(ciValues('one-token'), flags)).match(/budget_group: alice/g)).toHaveLength(2);
    expect(refusalOf([ACCOUNT, EXISTING, '--set=accounts[0].budgetGroup=of Alice'])).toContain(
      '/accounts/0/budgetGroup',
    );
  });

  test('without accounts, the token finds them: it alone is mounted, and shards share its budget', () => {
    const none = ciValues('token-only');
    const objects = renderChart(none);
    expect(parse(configOf(objects))).toEqual({});
    const { spec } = only(podTemplates(objects));
    expect(spec.volumes?.map(({ secret }) => secret?.secretName)).toEqual([
      undefined,
      'cloudflare-api-token',
    ]);
    const budgets = (flags: readonly string[]): readonly string[] =>
      templateOf(flags, none).spec.containers[0]?.args?.filter((arg) => arg.includes('budget')) ?? [];
    expect(budgets([])).toEqual([]);
    expect(budgets(['--set=shards=3'])).toEqual(['--cloudflare.request-budget=200']);
  });

  test('several tokens, each with a Secret, and a budget for each that is used once', () => {
    const [one, two, three] = ['1', '2', '3'].map((digit) => digit.repeat(32));
    const none = ciValues('token-only');
    const objects = renderChart(none, [
      '--set=apiToken.existingSecret=',
      listedToken(0),
      listedToken(1, one ?? ''),
    ]);
    expect(parse(configOf(objects))).toEqual({
      tokens: [
        { api_token_file: '/etc/cloudflare-tunnel-exporter/tokens/0/key' },
        { api_token_file: '/etc/cloudflare-tunnel-exporter/tokens/1/key', accounts: [one] },
      ],
    });
    const { spec } = only(podTemplates(objects));
    expect(spec.volumes?.map(({ secret }) => secret?.secretName)).toEqual([
      undefined,
      'secret-0',
      'secret-1',
    ]);
    const budgets = (...flags: readonly string[]): readonly string[] =>
      templateOf(
        ['--set=shards=2,apiToken.existingSecret=', ...flags],
        none,
      ).spec.containers[0]?.args?.filter((arg) => arg.includes('budget')) ?? [];
    const shared = ['--cloudflare.request-budget=300'];
    expect(budgets(listedToken(0, one ?? ''), listedToken(1, two ?? ''))).toEqual([]);
    expect(budgets(listedToken(0, one ?? '', two ?? ''), listedToken(1, three ?? ''))).toEqual(shared);
    expect(budgets(listedToken(0), listedToken(1, three ?? ''))).toEqual(shared);
  });

  test('TLS of the web configuration reaches probes and monitors', () => {
    const objects = rendered.get(ciValues('everything')) ?? [];
    const [container] = only(podTemplates(objects)).spec.containers;
    expect(container?.livenessProbe?.httpGet).toEqual({ path: '/livez', port: 'metrics', scheme: 'HTTPS' });
    expect(container?.readinessProbe?.httpGet).toEqual({ path: '/readyz', port: 'metrics', scheme: 'HTTPS' });
    const endpoints = [...ofKind(objects, 'ServiceMonitor'), ...ofKind(objects, 'PodMonitor')].flatMap(
      ({ spec }) => [...(spec?.endpoints ?? []), ...(spec?.podMetricsEndpoints ?? [])],
    );
    expect(endpoints).toHaveLength(2);
    for (const endpoint of endpoints) expect(endpoint).toMatchObject({ scheme: 'https', path: '/fleet' });
  });

  test("every dashboard is a ConfigMap with the label that Grafana's sidecar looks for", () => {
    const dashboards = ofKind(rendered.get(ciValues('operator')) ?? [], 'ConfigMap').filter(
      ({ metadata }) => metadata.labels?.['grafana_dashboard'] === '1',
    );
    for (const { data = {} } of dashboards) {
      for (const [file, text] of Object.entries(data)) {
        expect(JSON.parse(text)).toEqual(JSON.parse(readFileSync(join('grafana/dashboards', file), 'utf8')));
      }
    }
    expect(dashboards.flatMap(({ data = {} }) => Object.keys(data)).toSorted()).toEqual(
      readdirSync('grafana/dashboards')
        .filter((file) => file.endsWith('.json'))
        .toSorted(),
    );
  });

  test('extra manifests are templates', () => {
    const names = (rendered.get(ciValues('everything')) ?? []).map(({ metadata }) => metadata.name);
    expect(names).toContain('cloudflare-tunnel-exporter-extra');
    expect(names).toContain('cloudflare-tunnel-exporter-text');
  });

  test('the notes say how to check the installation, and warn of scraping twice', () => {
    expect(notesOf([])).toContain(
      'exec deployment/release-cloudflare-tunnel-exporter -- node dist/main.js check',
    );
    expect(notesOf([])).not.toContain('WARNING');
    expect(notesOf(['--set=serviceMonitor.enabled=true,podMonitor.enabled=true'])).toContain('scraped twice');
  });
});

const README = readFileSync(join(CHART, 'README.md'), 'utf8');
const DEFAULTS = parseDocument(readFileSync(join(CHART, 'values.yaml'), 'utf8'));
const ALERTS = ['prometheusRule', 'alerts'];

test("the chart's README lists every value with its default", () => {
  const rows = [...README.matchAll(/^\| `((?!Cloudflare)[a-zA-Z.]+)` \| (?:`([^`]*)` )?\|/gm)].map(
    ([, key, value]) => `${key} = ${value ?? ''}`,
  );
  const listed = leaves(DEFAULTS.contents, '').filter(([key]) => !key.startsWith(ALERTS.join('.')));
  expect(rows).toEqual(listed.map(([key, value]) => `${key} = ${value}`));
});

test("the chart's README lists every alert with its values", () => {
  const rows = [...README.matchAll(/^\| `(Cloudflare\w+)` \| (.*) \|$/gm)].map(([, alert, values]) => [
    alert,
    values,
  ]);
  const alerts = DEFAULTS.getIn(ALERTS);
  const wanted = (isMap(alerts) ? alerts.items : []).map(({ key, value }) => [
    String(key),
    (isMap(value) ? value.items : [])
      .filter((pair) => String(pair.key) !== 'enabled')
      .map((pair) => `\`${String(pair.key)}: ${inWords(pair.value)}\``)
      .join(', '),
  ]);
  expect(wanted).toHaveLength(27);
  expect(rows).toEqual(wanted);
});

/** A value as a person writes it: `{ warning: info }`. */
function inWords(value: unknown): string {
  if (!isMap(value)) return String(value);
  return `{ ${value.items.map((pair) => `${String(pair.key)}: ${String(pair.value)}`).join(', ')} }`;
}

/**
 * The values that have no values in them; a list, an empty map and what is copied as a whole count
 * as one.
 */
function leaves(node: unknown, path: string): readonly (readonly [string, string])[] {
  const whole = ['resources', 'livenessProbe', 'readinessProbe', 'podSecurityContext', 'securityContext'];
  if (isMap(node) && node.items.length > 0 && !whole.includes(path)) {
    return node.items.flatMap(({ key, value }) =>
      leaves(value, path === '' ? String(key) : `${path}.${String(key)}`),
    );
  }
  if (isScalar(node)) return [[path, node.value === '' ? '' : String(node.value)]];
  const empty = isMap(node) ? node.items.length === 0 : String(node) === '[]\n' || String(node) === '[]';
  return [[path, empty ? (isMap(node) ? '{}' : '[]') : 'values.yaml']];
}
