import { expect, test } from 'vitest';
import { committed, EXPRESSIONS, FILES, panelsOf } from './committed.ts';
import { knownMetrics } from './metrics.ts';
import { analyse, type Selector, withDurations } from './promql.ts';

const known = await knownMetrics();
const RATE = '1001s';
const RANGE = '1002s';
const DURATIONS = { $__rate_interval: RATE, $__range: RANGE };
const SCRAPE_LABELS = ['job', 'instance'];

/** Each replica makes requests of its own, which all count against Cloudflare's limit: here a sum is the truth. */
const ADDED = /^cloudflare_tunnel_exporter_api_(?:requests|errors|retries|request_duration)_/;

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

/** Every selector with the place where it is, and how to tell of it. */
const selectors = cases.flatMap(({ where, kind, analysis }) =>
  analysis.selectors.map((selector) => ({ ...selector, kind, name: `${where}: ${selector.metric}` })),
);
const shown = selectors.filter(({ kind }) => kind !== 'selector');

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
    const { grouping } = analyse(withDurations(expr, DURATIONS));
    const mentioned = [...text.matchAll(/\{\{(\w+)\}\}/g)].map(([, label]) => label ?? '');
    return without(mentioned, grouping).map((label) => `${where}: ${label}`);
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

test('a variable is narrowed by those before it', () => {
  const queries = committed('overview.json')
    .templating.list.slice(1)
    .map(({ query }) => query);
  expect(queries).toMatchObject([
    { query: 'label_values(cloudflare_tunnel_exporter_build_info, job)' },
    { query: 'label_values(cloudflare_tunnel_exporter_build_info{job=~"$job"}, instance)' },
    { query: 'label_values(cloudflare_tunnel_account_info{job=~"$job",instance=~"$instance"}, account_id)' },
    {
      query:
        'label_values(cloudflare_tunnel_info{job=~"$job",instance=~"$instance",account_id=~"$account_id"}, tunnel_name)',
    },
  ]);
});

test('two replicas of the exporter do not double what is shown', () => {
  const doubled = shown.filter(({ metric, aggregation }) => {
    const folded = aggregation?.operator === 'max' || aggregation?.operator === 'min';
    const perReplica = aggregation?.by.includes('instance') ?? false;
    if (known.get(metric)?.fleet === true) return !folded || perReplica;
    return !folded && !perReplica && !ADDED.test(metric);
  });
  expect(doubled.map(({ name }) => name)).toEqual([]);
});

test('counters, and nothing else, are taken as rates or increases', () => {
  const wrong = shown.filter(({ metric, inside }) => {
    const rated = inside.includes('rate') || inside.includes('increase');
    return rated !== /_(?:total|bucket)$/.test(metric);
  });
  expect(wrong.map(({ name }) => name)).toEqual([]);
});

test('graphs and rates take $__rate_interval, single numbers may take the whole $__range', () => {
  const wrong = shown.filter(({ kind, inside, range }) => {
    if (range === undefined || range === RATE) return false;
    return range !== RANGE || kind === 'range' || inside.includes('rate');
  });
  expect(wrong.map(({ name, range }) => `${name} ${range}`)).toEqual([]);
});

test('what breaks these rules is seen', () => {
  const [selector] = analyse('sum by (airport) (rate(x_total{a=~"b"}[5m]))').selectors;
  expect(selector).toEqual({
    metric: 'x_total',
    matchers: [{ label: 'a', operator: '=~', value: 'b' }],
    aggregation: { operator: 'sum', by: ['airport'] },
    inside: ['rate', 'sum'],
    range: '5m',
  });
  expect(analyse('sum by (').errors).not.toEqual([]);
  expect(analyse('rate(x[$__rate_interval])').errors).not.toEqual([]);
  const joined = analyse('a * on (b) group_left (c) label_replace(d, "e", "$1", "f", "(.+)")');
  expect(joined).toMatchObject({ errors: [], grouping: ['b', 'c'], made: ['e'] });
});
