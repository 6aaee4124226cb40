import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { committed, EXPRESSIONS, FILES, panelsOf } from './committed.ts';
import { knownMetrics, TO_COME } from './metrics.ts';
import { analyse, type Selector, withDurations } from './promql.ts';

const exported = await knownMetrics();
const known = new Map([...exported, ...TO_COME]);
const RATE = '1001s';
const RANGE = '1002s';
const INTERVAL = '1003s';
const DURATIONS = {
  $__rate_interval: RATE,
  $__range: RANGE,
  $__range_s: '1002',
  $__interval: INTERVAL,
};
const SCRAPE_LABELS = ['job', 'instance'];
/** What Prometheus makes itself; no exporter has it. */
const OF_RULES = /^ALERTS|:/;
/**
 * The requests of five minutes, which Cloudflare limits; a day back to the last list; where a
 * tunnel was within the last hour.
 */
const OTHER_RANGES = ['5m', '1d', '1h'];

const SOURCES = 'grafana/src';
/** The names of accounts that were known within the range. */
const NAMES = /^last_over_time,label_replace,label_replace/;

/** What each replica does itself: here a sum is the truth. */
const ADDED = /^cloudflare_tunnel_exporter_(?:polls|api_(?:requests|errors|retries|request_duration))_/;

const cases = EXPRESSIONS.map(({ where, expr, kind }) => ({
  where,
  kind,
  analysis: analyse(withDurations(expr, DURATIONS)),
}));

/** Texts with {{label}}, and the expression whose labels they show. */
const legends = FILES.flatMap((file) => {
  const board = committed(file);
  return [
    ...board.annotations.list.map(({ name, expr, textFormat }) => ({
      where: `${file} / ${name}`,
      expr,
      text: textFormat,
    })),
    ...panelsOf(board).flatMap(({ title, targets = [] }) =>
      targets.map(({ refId, expr, legendFormat }) => ({
        where: `${file} / ${title} / ${refId}`,
        expr,
        text: legendFormat,
      })),
    ),
  ];
});

function without(labels: readonly string[], others: readonly string[]): readonly string[] {
  return labels.filter((label) => !others.includes(label));
}

function labelsOf({ metric }: Selector): readonly string[] {
  return known.get(metric)?.labels ?? [];
}

/** Every selector with its place and a name for messages. */
const selectors = cases.flatMap(({ where, kind, analysis }) =>
  analysis.selectors.map((selector) => ({ ...selector, kind, name: `${where}: ${selector.metric}` })),
);
const shown = selectors.filter(({ kind, metric }) => kind !== 'variable' && !OF_RULES.test(metric));

test('every expression is PromQL that asks for something', () => {
  expect(cases.length).toBeGreaterThan(80);
  const faulty = cases.filter(
    ({ analysis }) => analysis.errors.length > 0 || analysis.selectors.length === 0,
  );
  expect(faulty.map(({ where, analysis }) => ({ where, errors: analysis.errors }))).toEqual([]);
});

test('every metric exists', () => {
  expect(selectors.filter(({ metric }) => !known.has(metric)).map(({ name }) => name)).toEqual([]);
});

test('no metric is to come that has come', () => {
  expect([...TO_COME.keys()].filter((metric) => exported.has(metric))).toEqual([]);
});

test('a dashboard has 40 queries at most', () => {
  for (const file of FILES)
    expect(panelsOf(committed(file)).flatMap(({ targets = [] }) => targets).length).toBeLessThanOrEqual(40);
});

test('every label exists in what is selected by it, grouped by it or joined on it', () => {
  const unknown = cases.flatMap(({ where, analysis }) => {
    const selected = analysis.selectors.flatMap((selector) =>
      without(
        selector.matchers.map(({ label }) => label),
        [...SCRAPE_LABELS, ...labelsOf(selector)],
      ),
    );
    const all = [...SCRAPE_LABELS, ...analysis.made, ...analysis.selectors.flatMap(labelsOf)];
    return [...selected, ...without(analysis.grouping, all)].map((label) => `${where}: ${label}`);
  });
  expect(unknown).toEqual([]);
});

test('every legend is of labels that the result has', () => {
  const unknown = legends.flatMap(({ where, expr, text }) => {
    const { grouping, made } = analyse(withDurations(expr, DURATIONS));
    const mentioned = [...text.matchAll(/\{\{(\w+)\}\}/g)].map(([, label]) => label ?? '');
    return without(mentioned, [...grouping, ...made]).map((label) => `${where}: ${label}`);
  });
  expect(unknown).toEqual([]);
});

test('every selector takes the variables whose labels its metric has', () => {
  const free = shown.flatMap(({ metric, matchers, name }) => {
    const own = known.get(metric)?.labels ?? [];
    const wanted = [
      ...SCRAPE_LABELS,
      ...['account_id', 'tunnel_name'].filter((label) => own.includes(label)),
    ];
    const taken = matchers.filter(({ operator, label, value }) => operator === '=~' && value === `$${label}`);
    return without(
      wanted,
      taken.map(({ label }) => label),
    ).map((label) => `${name}: ${label}`);
  });
  expect(free).toEqual([]);
});

test('alerts take the variables whose labels they have', () => {
  const alerts = selectors.filter(({ metric }) => metric.startsWith('ALERTS'));
  expect(alerts.length).toBeGreaterThan(0);
  for (const { matchers } of alerts) {
    const taken = matchers.map(({ label, operator, value }) => `${label}${operator}${value}`);
    expect(taken).toEqual(expect.arrayContaining(['account_id=~$account_id', 'tunnel_name=~$tunnel_name']));
  }
});

test('a variable is narrowed by those before it', () => {
  for (const file of FILES) {
    const board = committed(file);
    const before = new Set<string>();
    for (const { name } of board.templating.list.slice(1)) {
      const own = cases.find(({ where }) => where === `${board.title} / variable ${name}`);
      const used =
        own?.analysis.selectors.flatMap(({ matchers }) => matchers.map(({ value }) => value)) ?? [];
      for (const earlier of before) expect(used).toContain(`$${earlier}`);
      before.add(name);
    }
  }
});

test('two replicas of the exporter do not double what is shown', () => {
  const doubled = shown.filter(({ metric, aggregations, inside }) => {
    // Within one exporter, a sum is a sum.
    const fold = aggregations.find(({ by }) => !by.includes('instance') || !by.includes('job'));
    if (fold === undefined) return known.get(metric)?.fleet === true;
    const chooses = ['max', 'min', 'topk'].includes(fold.operator);
    const perReplica = fold.by.includes('instance');
    if (known.get(metric)?.fleet !== true) return !chooses && !perReplica && !ADDED.test(metric);
    // The parts of a ratio of samples: of all that any replica took.
    const samples = inside.includes('sum_over_time') || inside.includes('count_over_time');
    return (!chooses && !(samples && fold.operator === 'sum')) || perReplica;
  });
  expect(doubled.map(({ name }) => name)).toEqual([]);
});

test('only folds make a query of what exporters report', () => {
  const sources = readdirSync(SOURCES, { recursive: true, encoding: 'utf8' }).filter((path) =>
    path.endsWith('.ts'),
  );
  const unwrapping = sources.filter((path) =>
    readFileSync(join(SOURCES, path), 'utf8').includes('perExporter'),
  );
  expect(unwrapping.toSorted()).toEqual(['promql/fold.ts', 'promql/names.ts', 'promql/select.ts']);
});

test('counters, and nothing else, are taken as rates or increases', () => {
  const wrong = shown.filter(({ metric, inside }) => {
    const rated = inside.includes('rate') || inside.includes('increase');
    return rated !== /_(?:total|bucket)$/.test(metric);
  });
  expect(wrong.map(({ name }) => name)).toEqual([]);
});

test('graphs and rates take $__rate_interval, single figures may take the whole $__range', () => {
  const wrong = shown.filter(({ kind, inside, range, fixed }) => {
    if (range === undefined || range === RATE || OTHER_RANGES.includes(range)) return false;
    // What a step of a graph would miss.
    if (range === INTERVAL && inside[0] === 'last_over_time') return false;
    return (
      range !== RANGE || (kind === 'range' && !fixed && !NAMES.test(inside.join())) || inside.includes('rate')
    );
  });
  expect(wrong.map(({ name, range }) => `${name} ${range}`)).toEqual([]);
});

test('violations of these rules are found', () => {
  const [selector] = analyse('sum by (airport) (rate(x_total{a=~"b"}[5m]))').selectors;
  expect(selector).toEqual({
    metric: 'x_total',
    matchers: [{ label: 'a', operator: '=~', value: 'b' }],
    aggregations: [{ operator: 'sum', by: ['airport'] }],
    inside: ['rate', 'sum'],
    range: '5m',
    fixed: false,
  });
  expect(analyse('sum by (').errors).not.toEqual([]);
  expect(analyse('rate(x[$__rate_interval])').errors).not.toEqual([]);
  const joined = analyse('a * on (b) group_left (c) label_replace(d, "e", "$1", "f", "(.+)")');
  expect(joined).toMatchObject({ errors: [], grouping: ['b', 'c'], made: ['e'] });
});
