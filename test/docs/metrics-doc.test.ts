import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { type Family, type FamilyOptions, TUNNEL_LABELS } from '../../src/core/families/family.ts';
import { FAMILIES } from '../../src/core/families/table.ts';
import type { PromClientMetric } from '../../src/exposition/prom-client-metrics.ts';
import { goldenFleet } from '../golden/fleet.ts';
import { debianProgram } from '../support/debian.ts';
import { eventfulSelfMetrics } from '../support/self-metrics.ts';

const text = readFileSync('docs/metrics.md', 'utf8');
const promtool = debianProgram('promtool');

/** A metric as a row of a table has it, or should. */
interface Row {
  readonly name: string;
  readonly type: string;
  readonly labels: readonly string[];
  /** The flags that the row names. */
  readonly flags: readonly string[];
}

const SHORTHANDS: Readonly<Record<string, readonly string[]>> = {
  T: TUNNEL_LABELS,
  C: [...TUNNEL_LABELS, 'connector_id'],
};

const rows: readonly Row[] = text
  .split('\n')
  .filter((line) => line.startsWith('| `'))
  .map(parseRow);
const isPattern = ({ name }: Row): boolean => name.endsWith('*');
const selfMetricsOf = (): Promise<readonly PromClientMetric[]> =>
  eventfulSelfMetrics(goldenFleet()).metrics();
const isNodes = ({ name }: { readonly name: string }): boolean => /^(?:process|nodejs)_/.test(name);

test('docs/metrics.md has every metric about tunnels, as the table of families has it', () => {
  const documented = rows.filter(({ name }) => !name.includes('_exporter_') && !name.endsWith('*'));
  expect(differences(documented, FAMILIES.map(rowOfFamily))).toEqual([]);
});

test('docs/metrics.md has every self-metric', async () => {
  const documented = rows.filter(({ name }) => name.includes('_exporter_'));
  const own = (await selfMetricsOf()).filter((metric) => !isNodes(metric));
  // Labels are known from samples only: give the metric one in eventfulSelfMetrics.
  expect(own.filter(({ values }) => values.length === 0).map(({ name }) => name)).toEqual([]);
  expect(differences(documented, own.map(rowOfMetric))).toEqual([]);
});

test('docs/metrics.md has a pattern for every other metric, and none for nothing', async () => {
  const prefixes = rows.filter(isPattern).map(({ name }) => name.slice(0, -1));
  const others = (await selfMetricsOf()).filter(isNodes).map(({ name }) => name);
  expect(others.filter((name) => !prefixes.some((prefix) => name.startsWith(prefix)))).toEqual([]);
  expect(prefixes.filter((prefix) => !others.some((name) => name.startsWith(prefix)))).toEqual([]);
});

test('what docs/metrics.md says of a metric that is missing, changed or gone', () => {
  const row: Row = {
    name: 'cloudflare_tunnel_expected',
    type: 'gauge',
    labels: ['account_id', 'tunnel'],
    flags: [],
  };
  expect(differences([], [row])).toEqual([
    'add: | `cloudflare_tunnel_expected` | gauge | `account_id`, `tunnel` | … | … |',
  ]);
  expect(differences([row], [])).toEqual(['remove: cloudflare_tunnel_expected']);
  expect(differences([{ ...row, type: 'counter' }], [row])).toHaveLength(1);
  expect(differences([{ ...row, labels: ['tunnel'] }], [row])).toHaveLength(1);
  expect(differences([{ ...row, flags: ['--metrics.features'] }], [row])).toHaveLength(1);
  expect(differences([row, row], [row])).toEqual(['remove one of two: cloudflare_tunnel_expected']);
});

test('the examples of docs/metrics.md name metrics that exist', async () => {
  const names = new Set([...FAMILIES, ...(await selfMetricsOf())].map(({ name }) => name));
  const mentioned = new Set(examples().flatMap((example) => example.match(/\bcloudflare_\w+/g) ?? []));
  expect(mentioned.size).toBeGreaterThan(10);
  expect([...mentioned].filter((name) => !names.has(name))).toEqual([]);
});

test.skipIf(promtool.missing)(`the examples of docs/metrics.md are PromQL${promtool.needs}`, () => {
  const folder = mkdtempSync(join(tmpdir(), 'metrics-doc-'));
  onTestFinished(() => {
    rmSync(folder, { recursive: true });
  });
  const rules = examples().map((expr, index) => ({ record: `example:${index}`, expr }));
  const file = join(folder, 'rules.json');
  writeFileSync(file, JSON.stringify({ groups: [{ name: 'examples', rules }] }));
  const { status, stderr } = spawnSync(promtool.command, ['check', 'rules', file], { encoding: 'utf8' });
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
});

function examples(): readonly string[] {
  return [...text.matchAll(/^```promql\n(.*?)^```$/gms)].map(([, example]) => example ?? '');
}

function parseRow(line: string): Row {
  const cells = line.split('|').map((cell) => cell.trim());
  const [, name = '', type = '', labels = ''] = cells;
  return {
    name: name.replaceAll('`', ''),
    type,
    labels: labels
      .replaceAll(/\(.*?\)/g, '')
      .split(',')
      .map((label) => label.trim().replaceAll('`', ''))
      .filter((label) => label !== '')
      .flatMap((label) => SHORTHANDS[label] ?? [label]),
    flags: line.match(/--metrics\.[\w-]+/g) ?? [],
  };
}

const FLAGS: Readonly<Record<keyof FamilyOptions, string>> = {
  originIp: '--metrics.origin-ip',
  features: '--metrics.features',
  hostnames: '--metrics.hostnames',
  routes: '--metrics.routes',
};

function rowOfFamily(family: Family): Row {
  const optional = family.scope === 'tunnel' ? family.optionalLabel : undefined;
  return {
    name: family.name,
    type: family.type === 'stateset' ? 'state set' : family.type,
    labels: [
      ...(family.scope === 'tunnel' ? TUNNEL_LABELS : []),
      ...family.labels,
      ...(optional === undefined ? [] : [optional.name]),
    ],
    flags: [family.option, optional?.option].flatMap((option) =>
      option === undefined ? [] : [FLAGS[option]],
    ),
  };
}

function rowOfMetric({ name, type, values }: PromClientMetric): Row {
  const labels = new Set(values.flatMap((sample) => Object.keys(sample.labels)));
  // What a histogram's buckets have is none of the metric's.
  labels.delete('le');
  return { name, type: String(type), labels: [...labels], flags: [] };
}

/** What a person has to do to the tables. */
function differences(documented: readonly Row[], actual: readonly Row[]): readonly string[] {
  const byName = Map.groupBy(documented, ({ name }) => name);
  const names = new Set(actual.map(({ name }) => name));
  return [
    ...actual.flatMap((row) => {
      const [found, ...more] = byName.get(row.name) ?? [];
      if (found === undefined) return [`add: ${markdownOf(row)}`];
      if (more.length > 0) return [`remove one of two: ${row.name}`];
      return markdownOf(found) === markdownOf(row)
        ? []
        : [`change: ${markdownOf(found)} to: ${markdownOf(row)}`];
    }),
    ...[...byName.keys()].filter((name) => !names.has(name)).map((name) => `remove: ${name}`),
  ];
}

function markdownOf({ name, type, labels, flags }: Row): string {
  const own = labels.slice(0, 3).join() === TUNNEL_LABELS.join() ? labels.slice(3) : labels;
  const scope = own === labels ? [] : own[0] === 'connector_id' ? ['C'] : ['T'];
  const listed = [...scope, ...(scope[0] === 'C' ? own.slice(1) : own).map((label) => `\`${label}\``)];
  const flag = flags.map((each) => ` \`${each}\``).join('');
  return `| \`${name}\` | ${type} | ${listed.join(', ')} | … | …${flag} |`;
}
