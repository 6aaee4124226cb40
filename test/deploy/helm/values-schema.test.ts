import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { parse, stringify } from 'yaml';
import type { JsonSchema } from '../../../deploy/helm/chart-schema/json-schema.ts';
import { valuesSchema } from '../../../deploy/helm/chart-schema/values.ts';
import { parseConfigFile } from '../../../src/config/config-file.ts';
import { ALL_SETTINGS } from '../../../src/config/settings.ts';
import { runExporter } from '../../support/exporter-process.ts';
import { kubectlLayer } from '../kubernetes/kubectl-layer.ts';
import { CHART, ciValues, refusalOf, renderChart } from './chart.ts';

const schema = valuesSchema();
const UNKNOWN = 'strangeKey';
/** Without a default. */
const OPTIONAL = /^\/enabled$|\/alerts\/\w+\/(?:for|keepFiringFor|labels|annotations)$/;
const TOKEN = '--set=apiToken.existingSecret=token';

/**
 * Every object that the user can fill, by its path: with a fixed set of keys, or with keys of the
 * user's choice.
 */
interface Place {
  readonly path: string;
  readonly isFree: boolean;
  readonly value: (inner: unknown) => unknown;
}

function resolved(at: JsonSchema): JsonSchema {
  return at.$ref === undefined ? at : (schema.definitions?.[at.$ref.replace('#/definitions/', '')] ?? {});
}

/**
 * A schema, where it stands, and how many levels below it count: Kubernetes' types refer to each
 * other.
 */
interface Standing extends Omit<Place, 'isFree'> {
  readonly schema: JsonSchema;
  readonly depth: number;
}

function places({ schema: given, path, depth, value }: Standing): readonly Place[] {
  const at = resolved(given);
  if (depth === 0) return [];
  if (at.items !== undefined) {
    return places({
      schema: at.items,
      path: `${path}/0`,
      depth: depth - 1,
      value: (inner) => value([inner]),
    });
  }
  if (at.type !== 'object') return [];
  const children = Object.entries(at.properties ?? {}).flatMap(([key, below]) =>
    places({
      schema: below,
      path: `${path}/${key}`,
      depth: depth - 1,
      value: (inner) => value({ [key]: inner }),
    }),
  );
  return [{ path, isFree: at.additionalProperties !== false, value }, ...children];
}

const all = places({ schema, path: '', depth: 6, value: (inner) => inner });

function merged(one: unknown, other: unknown): unknown {
  if (Array.isArray(one) && Array.isArray(other)) return [merged(one[0], other[0])];
  if (!isRecord(one) || !isRecord(other)) return other;
  const both = { ...one };
  for (const [key, value] of Object.entries(other)) both[key] = key in one ? merged(one[key], value) : value;
  return both;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** What helm says of values, as lines. */
function refusalsOf(values: unknown): readonly string[] {
  const folder = mkdtempSync(join(tmpdir(), 'chart-values-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  writeFileSync(join(folder, 'values.yaml'), stringify(values, { aliasDuplicateObjects: false }));
  return refusalOf(['--values', join(folder, 'values.yaml')]).split(/\n */);
}

/** Every key of the exporter's configuration file that the schema takes, with a value of its type. */
function settings(at: JsonSchema, path: readonly string[]): readonly (readonly [string, unknown])[] {
  return Object.entries(at.properties ?? {}).flatMap(
    ([key, inner]): readonly (readonly [string, unknown])[] =>
      inner.properties === undefined ? [[[...path, key].join('.'), inner]] : settings(inner, [...path, key]),
  );
}

test('values.schema.json is current (else: npm run copies)', () => {
  expect(readFileSync(join(CHART, 'values.schema.json'), 'utf8')).toBe(
    `${JSON.stringify(schema, null, 1)}\n`,
  );
});

test('every key that the schema has, values.yaml has, and the other way round', () => {
  const defaults: unknown = parse(readFileSync(join(CHART, 'values.yaml'), 'utf8'));
  const keysOf = (value: unknown, path: string): readonly string[] =>
    isRecord(value)
      ? Object.entries(value).flatMap(([key, inner]) => [
          `${path}/${key}`,
          ...keysOf(inner, `${path}/${key}`),
        ])
      : [];
  const described = (at: JsonSchema, path: string): readonly string[] =>
    at.$ref === undefined && path !== '/config'
      ? Object.entries(at.properties ?? {}).flatMap(([key, inner]) => [
          `${path}/${key}`,
          ...described(inner, `${path}/${key}`),
        ])
      : [];
  const inSchema = described(schema, '');
  const inValues = keysOf(defaults, '');
  expect(inSchema.filter((path) => !OPTIONAL.test(path) && !inValues.includes(path))).toEqual([]);
  // What is below a Kubernetes type, helm checks: the defaults render.
  expect(inValues.filter((path) => path.split('/').length === 2 && !inSchema.includes(path))).toEqual([]);
});

describe("the configuration file of the schema is the exporter's", () => {
  const config = schema.properties?.['config'] ?? {};

  test('the exporter knows every key of the schema', () => {
    const file = settings(config, []).map(([path]) => path);
    expect(file).toContain('poll.stale_after');
    expect(file).toContain('poll.stale-after');
    for (const path of file) {
      const text = stringify(path.split('.').reduceRight<unknown>((inner, key) => ({ [key]: inner }), 'x'));
      expect(
        parseConfigFile('config.yaml', text).problems.filter((problem) => problem.includes('unknown')),
      ).toEqual([]);
    }
  });
});

describe.skipIf(kubectlLayer.missing)(`helm${kubectlLayer.needs}`, () => {
  test('refuses an unknown key at every place, and says where', () => {
    const closed = all.filter(({ isFree, path }) => !isFree && path.split('/').length <= 5);
    expect(closed.length).toBeGreaterThan(150);
    const values = closed.map(({ value }) => value({ [UNKNOWN]: 'x' })).reduce(merged);
    const said = refusalsOf(values);
    const missing = closed.filter(
      ({ path }) =>
        !said.some((line) => line.startsWith(`- at '${path}': additional propert`) && line.includes(UNKNOWN)),
    );
    expect(missing.map(({ path }) => path)).toEqual([]);
  });

  test('takes any key of labels, annotations, selectors and resources', () => {
    const free = all.filter(({ isFree }) => isFree).map(({ path }) => path);
    expect(free).toEqual(
      expect.arrayContaining(['/commonLabels', '/nodeSelector', '/podAnnotations', '/global']),
    );
    const values = {
      global: { [UNKNOWN]: { a: 1 } },
      commonLabels: { [UNKNOWN]: 'x' },
      nodeSelector: { 'example.com/disk': 'ssd' },
      podAnnotations: { [UNKNOWN]: 'x' },
      resources: { limits: { 'example.com/device': 1 } },
      affinity: {
        nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [] } },
      },
    };
    expect(refusalsOf(values).join('\n')).not.toContain('meet the specifications');
  });

  test.each([
    [
      'a misspelt setting',
      '--set=config.poll.stale_aftr=5m',
      "'/config/poll': additional properties 'stale_aftr'",
    ],
    ['an unknown section', '--set=config.polls.jitter=5s', "'/config': additional properties 'polls'"],
    ['a duration without a unit', '--set=config.poll.jitter=5', "'/config/poll/jitter'"],
    [
      'a word for a count',
      '--set=config.cloudflare.request_budget=many',
      "'/config/cloudflare/request_budget'",
    ],
    [
      'a field of an expected tunnel',
      '--set=config.expected_tunnels[0].nam=a',
      "additional properties 'nam'",
    ],
    [
      'a token in the configuration',
      '--set=config.cloudflare.api_token=x',
      "additional properties 'api_token'",
    ],
    [
      'a limit that is none',
      '--set=resources.limit.memory=1Gi',
      "'/resources': additional properties 'limit'",
    ],
    ['an alert that does not exist', '--set=prometheusRule.alerts.TunnelDown.enabled=false', "'TunnelDown'"],
    ['a threshold of another alert', '--set=prometheusRule.alerts.CloudflareTunnelDown.days=1', "'days'"],
    [
      'one severity for two stages',
      '--set=prometheusRule.alerts.CloudflareTunnelAccountUnwatched.severity=info',
      "'/prometheusRule/alerts/CloudflareTunnelAccountUnwatched/severity': got string, want object",
    ],
    ['a chart that is switched off on its own', '--set=enabled=false', "'/enabled': value must be true"],
  ])('%s is refused', (_, flag, message) => {
    expect(refusalOf(['--values', ciValues('one-token'), flag])).toContain(message);
  });

  test.each([
    ['accounts', '--set=config.accounts[0].id=a', 'config.accounts: give accounts as the value accounts'],
    ['tokens', '--set=config.tokens[0].api_token_file=/a', 'config.tokens: give tokens as the value tokens'],
    ['a port', '--set=config.web.listen-address=:1', 'set service.port'],
    ['a web configuration file', '--set=config.web.config.file=/a', 'webConfig.existingSecret'],
  ])('%s in the configuration: the message names the value to use', (_, flag, message) => {
    expect(refusalOf(['--values', ciValues('one-token'), TOKEN, flag])).toContain(message);
  });

  test('every setting is taken with its default, and the exporter takes what is rendered', async () => {
    const config = ALL_SETTINGS.filter(
      ({ flag, allowed }) => allowed === 'everywhere' && flag !== 'web.listen-address',
    )
      .filter(({ shownDefault, read }) => read([{ text: shownDefault, location: '' }]).problems.length === 0)
      .map(({ flag, shownDefault }) =>
        flag
          .replaceAll('-', '_')
          .split('.')
          .reduceRight<unknown>(
            (inner, key) => ({ [key]: inner }),
            /^(?:true|false|\d+)$/.test(shownDefault) ? parse(shownDefault) : shownDefault,
          ),
      )
      .reduce(merged);
    expect(config).toMatchObject({
      poll: { jitter: '5s' },
      tunnels: { configurations: true },
      events: { history: 1000 },
    });
    const folder = mkdtempSync(join(tmpdir(), 'chart-values-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    writeFileSync(join(folder, 'values.yaml'), stringify({ config }));
    writeFileSync(join(folder, 'token'), 'an-api-token-that-is-none-0123456789abcd');
    const rendered = renderChart(ciValues('one-token'), ['--values', join(folder, 'values.yaml')]);
    const file =
      rendered.find(({ data }) => data?.['config.yaml'] !== undefined)?.data?.['config.yaml'] ?? '';
    writeFileSync(join(folder, 'config.yaml'), file);
    expect(parse(file)).toMatchObject({ poll: { jitter: '5s' } });
    const { stdout, stderr } = await runExporter([
      '--config.check',
      `--config.file=${join(folder, 'config.yaml')}`,
      `--cloudflare.api-token-file=${join(folder, 'token')}`,
    ]);
    expect(stdout + stderr).toContain('The configuration is valid.\n');
  });
});
