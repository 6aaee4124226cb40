import { readdirSync, readFileSync } from 'node:fs';
import * as knownUnits from '@grafana/grafana-foundation-sdk/units';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { COLOURS, RANK } from '../../grafana/src/colours.ts';
import { PROBLEMS } from '../../grafana/src/problems.ts';
import {
  type Board,
  type BoardPanel,
  type BoardTransformation,
  committed,
  committedText,
  FILES,
  panelsOf,
  withCollapsed,
} from './committed.ts';

// Seconds that stay seconds are no unit of the list, but a suffix.
const UNITS: ReadonlySet<unknown> = new Set([...Object.values(knownUnits), 'suffix: s']);
const uids = FILES.map((file) => committed(file).uid);

const RUNBOOKS =
  'https://github.com/cloudflare-tunnel-exporter/cloudflare-tunnel-exporter/blob/main/docs/runbooks/';
const CLOUDFLARE =
  'https://one.dash.cloudflare.com/${__data.fields.account_id:percentencode}/networks/tunnels';

const RUNBOOK_FILES = readdirSync('docs/runbooks');

interface Rule {
  readonly alert?: string;
  readonly labels?: { readonly severity?: string };
}
// oxlint-disable-next-line typescript/no-unsafe-type-assertion -- a rule file
const RULES = parse(readFileSync('deploy/prometheus/alerts.yaml', 'utf8')) as {
  readonly groups: readonly { readonly rules: readonly Rule[] }[];
};
const ALERTS = RULES.groups.flatMap(({ rules }) => rules);
const SEVERITY_COLOURS: Readonly<Record<string, string>> = {
  critical: COLOURS.bad,
  warning: COLOURS.warning,
  info: COLOURS.note,
};

/** What a name in a legend means, on every dashboard. */
const MEANINGS: Readonly<Record<string, string>> = {
  healthy: COLOURS.good,
  success: COLOURS.good,
  Current: COLOURS.good,
  degraded: COLOURS.warning,
  skipped: COLOURS.warning,
  rate_limited: COLOURS.warning,
  timeout: COLOURS.warning,
  network: COLOURS.warning,
  server: COLOURS.warning,
  '429': COLOURS.warning,
  '500': COLOURS.warning,
  '502': COLOURS.warning,
  '503': COLOURS.warning,
  down: COLOURS.bad,
  failure: COLOURS.bad,
  auth: COLOURS.bad,
  permission: COLOURS.bad,
  '401': COLOURS.bad,
  '403': COLOURS.bad,
  unknown: COLOURS.odd,
  malformed: COLOURS.odd,
  not_found: COLOURS.odd,
  none: COLOURS.odd,
  account_lost: COLOURS.bad,
  account_recovered: COLOURS.good,
  connector_connected: COLOURS.idle,
  connector_disconnected: COLOURS.idle,
  connector_replaced: COLOURS.idle,
  expected_found: COLOURS.good,
  expected_missing: COLOURS.bad,
  token_blocked: COLOURS.warning,
  Opened: COLOURS.note,
  Closed: COLOURS.idle,
  Retries: COLOURS.idle,
};

test('every dashboard has a uid of its own, short enough for Grafana', () => {
  expect(new Set(uids).size).toBe(FILES.length);
  for (const uid of uids) expect(uid).toMatch(/^[a-z][a-z-]{7,39}$/);
});

describe.each(FILES)('%s', (file) => {
  const board = committed(file);
  const panels = panelsOf(board);

  test('is of a schema that Grafana 11 and 12 read', () => {
    expect(board.schemaVersion).toBeGreaterThanOrEqual(39);
    expect(board.schemaVersion).toBeLessThanOrEqual(41);
    expect(board).toMatchObject({ id: null, editable: true, description: expect.stringMatching(/\.$/) });
  });

  test('takes every datasource from the variable', () => {
    const references = valuesOf('datasource', JSON.parse(committedText(file)));
    expect(references.length).toBeGreaterThan(panels.length);
    for (const reference of references)
      expect(reference).toEqual({ type: 'prometheus', uid: '${datasource}' });
    for (const panel of panels) expect(panel.datasource).toBeDefined();
  });

  test('has the variables of all, in the order in which they narrow', () => {
    const { list } = board.templating;
    expect(list.map(({ name }) => name)).toEqual([
      'datasource',
      'job',
      'instance',
      'account_id',
      'tunnel_name',
    ]);
    expect(list[0]).toMatchObject({ type: 'datasource', query: 'prometheus' });
    for (const variable of list) expect(variable).toMatchObject({ label: /./, description: /./ });
    for (const { query, definition } of list.slice(1))
      expect(query).toMatchObject({ query: definition, refId: expect.any(String) });
    // With "all", the Tunnel dashboard would show every tunnel at once.
    const one = { name: 'tunnel_name', type: 'query', multi: false };
    expect(list.slice(1)).toMatchObject([
      several('job', '.+'),
      several('instance', '.+'),
      several('account_id', '.*'),
      file === 'tunnel.json' ? one : several('tunnel_name', '.*'),
    ]);
    const withAll = list.filter(({ includeAll }) => includeAll === true);
    expect(withAll).toHaveLength(file === 'tunnel.json' ? 3 : 4);
  });

  test('shows accounts by name and chooses them by id', () => {
    const regex = board.templating.list.find(({ name }) => name === 'account_id')?.regex ?? '';
    const line = '{account="Example, \\"Retail\\"",account_id="de30"} 1 1700000000000';
    expect(new RegExp(regex.slice(1, -1)).exec(line)?.groups).toEqual({
      text: 'Example, \\"Retail\\"',
      value: 'de30',
    });
  });

  test('links to every other dashboard, with variables and time range', () => {
    const others = uids.filter((uid) => uid !== board.uid);
    expect(board.links.map(({ url }) => url.split('?')[0] ?? '').toSorted(alphabetically)).toEqual(
      others.map((uid) => `/d/${uid}`).toSorted(alphabetically),
    );
    for (const link of board.links) {
      expect(link.keepTime).toBe(true);
      expect(variablesOf(link.url)).toEqual(variablesKept(board, link.url));
    }
    // A menu would hide them.
    expect(committedText(file)).not.toContain('inControlsMenu');
  });

  test('has data links that lead somewhere, and keep variables and time range', () => {
    expect(dataLinksOf(panels).flatMap((url) => linkFaults(board, url))).toEqual([]);
  });

  test('has a link on every stat', () => {
    const without = panels.filter(
      ({ type, fieldConfig }) => type === 'stat' && fieldConfig.defaults.links?.length !== 1,
    );
    expect(without.map(({ title }) => title)).toEqual([]);
  });

  test('says of every panel what it means that there is nothing to show', () => {
    for (const { title, fieldConfig } of panels) {
      const { noValue } = fieldConfig.defaults;
      expect({ title, noValue }).toEqual({
        title,
        noValue: expect.stringMatching(/^(?:–|0|[A-Za-z].{3,})$/),
      });
      expect(noValue).not.toMatch(/no data/i);
    }
  });

  test('shows names instead of ids, and the start of an id if there is no name', () => {
    const legends = panels.flatMap(({ targets = [] }) => targets.map(({ legendFormat }) => legendFormat));
    for (const legend of [...legends, ...board.annotations.list.map(({ textFormat }) => textFormat)])
      expect(legend).not.toMatch(/\{\{\w+_id\}\}/);
    for (const panel of panels.filter(({ type }) => type === 'table')) {
      const { renameByName = {}, excludeByName = {} } = organizeOf(panel);
      for (const id of ['account_id', 'connector_id']) {
        const name = renameByName[id] ?? id;
        const properties = propertiesOf(panel, name);
        const hidden = excludeByName[id] === true || properties.get('custom.hidden') === true;
        const short = JSON.stringify(properties.get('mappings') ?? '').includes('(.{8}).*');
        expect({ title: panel.title, id, seen: !hidden && !short }).toMatchObject({ seen: false });
      }
    }
  });

  test('has colours by meaning', () => {
    const palette: ReadonlySet<unknown> = new Set(Object.values(COLOURS));
    const used = [
      ...valuesOf('fixedColor', panels),
      ...valuesOf('iconColor', board.annotations),
      ...valuesOf('color', panels).filter((value) => typeof value === 'string' && value !== 'transparent'),
    ];
    for (const colour of used) expect(palette).toContain(colour);
    const named = panels.flatMap(({ title, fieldConfig }) =>
      fieldConfig.overrides.flatMap(({ matcher, properties }) =>
        properties
          .filter(({ id }) => id === 'color')
          .map(({ value }) => ({ title, name: matcher.options, ...fixedIn(value) })),
      ),
    );
    for (const { title, name, fixedColor } of named)
      expect({ title, name, fixedColor }).toEqual({ title, name, fixedColor: MEANINGS[name] });
  });

  test('counts its states up or down to the worst', () => {
    for (const options of mappingsOf(panels)) {
      const ranks = Object.entries(options)
        .toSorted(([one], [other]) => Number(one) - Number(other))
        .map(([, { color }]) => RANK[color]);
      const up = ranks.toSorted((one, other) => one - other);
      expect([up, up.toReversed()]).toContainEqual(ranks);
    }
  });

  test('numbers its panels and queries', () => {
    const all = withCollapsed(board);
    expect(all.map(({ id }) => id)).toEqual(all.map((_, index) => index + 1));
    for (const { targets = [] } of panels) {
      expect(targets.length).toBeGreaterThan(0);
      expect(targets.map(({ refId }) => refId)).toEqual(targets.map((_, index) => 'ABCDEFGHIJKL'[index]));
    }
  });

  test('fills the 24 columns of its grid without gap or overlap', () => {
    expect(gridFaults(board)).toEqual([]);
    for (const { panels: inside = [], gridPos } of board.panels.filter(({ collapsed }) => collapsed)) {
      const moved = inside.map((panel) => ({
        ...panel,
        gridPos: { ...panel.gridPos, y: panel.gridPos.y - gridPos.y - 1 },
      }));
      expect(gridFaults({ panels: moved })).toEqual([]);
    }
  });

  test('says of every panel what it shows, in a unit that Grafana knows', () => {
    for (const { title, description, fieldConfig } of panels) {
      expect(title).toMatch(/^[A-Z].*[^.]$/);
      expect(description).toMatch(/^[A-Za-z].{20,}[.?]$/);
      const units = fieldConfig.overrides.flatMap(({ properties }) =>
        properties.filter(({ id }) => id === 'unit').map(({ value }) => value),
      );
      for (const unit of [fieldConfig.defaults.unit, ...units]) expect(UNITS).toContain(unit);
    }
    expect(new Set(panels.map(({ title }) => title)).size).toBe(panels.length);
  });

  test('queries ranges in graphs and the present elsewhere, as a table if rows are joined', () => {
    for (const { type, targets = [] } of panels) {
      const graph = type === 'timeseries' || type === 'state-timeline';
      const table = type === 'table' || type === 'geomap';
      for (const { instant, range, format, legendFormat } of targets) {
        expect({ instant, range, format }).toEqual({
          instant: !graph,
          range: graph,
          format: table ? 'table' : undefined,
        });
        expect(legendFormat !== '').toBe(!table);
      }
    }
  });

  test('shows the legend of every graph, and states as words', () => {
    const graphs = panels.filter(({ type }) => type === 'timeseries' || type === 'state-timeline');
    for (const { options } of graphs) expect(options.legend?.showLegend).toBe(true);
    for (const { options, fieldConfig } of panels.filter(({ type }) => type === 'state-timeline')) {
      // Merged values with colours by thresholds show thresholds instead of states.
      expect([options.mergeValues, fieldConfig.defaults.color?.mode]).not.toEqual([true, 'thresholds']);
      expect(options.perPage).toBeLessThanOrEqual(12);
      expect(fieldConfig.defaults.mappings).toHaveLength(2);
    }
  });

  test('sorts and styles columns that its tables have', () => {
    for (const panel of panels.filter(({ type }) => type === 'table')) {
      const { options, fieldConfig } = panel;
      const { renameByName: renamed = {}, indexByName = {} } = organizeOf(panel);
      expect(options.sortBy?.length).toBeGreaterThanOrEqual(1);
      const mentioned = [
        ...(options.sortBy ?? []).map(({ displayName }) => displayName),
        ...fieldConfig.overrides.map(({ matcher }) => matcher.options),
      ];
      for (const column of mentioned)
        expect([...Object.values(renamed), ...Object.keys(indexByName)]).toContain(column);
    }
  });
});

test('has the severities of the alerts, in one order, and a runbook for every problem', () => {
  expect(PROBLEMS.map(({ number }) => number)).toEqual(
    PROBLEMS.map(({ number }) => number).toSorted((one, other) => other - one),
  );
  const faults = PROBLEMS.filter(({ alert, colour }) => {
    const severities = ALERTS.filter((rule) => rule.alert === alert).map(
      ({ labels }) => labels?.severity ?? '',
    );
    const alike = severities.some((severity) => SEVERITY_COLOURS[severity] === colour);
    // No alert is about what nobody knows.
    return !RUNBOOK_FILES.includes(`${alert}.md`) || (!alike && colour !== COLOURS.odd);
  });
  expect(faults).toEqual([]);
});

test('the map uses the airports of Grafana', () => {
  const maps = panelsOf(committed('overview.json')).filter(({ type }) => type === 'geomap');
  expect(maps.flatMap(({ options }) => options.layers ?? [])).toMatchObject([
    { location: { mode: 'lookup', lookup: 'airport', gazetteer: 'public/gazetteer/airports.geojson' } },
  ]);
});

test('a gap, an overlap and a panel off the grid are faults', () => {
  expect(faultsOf([0, 0, 24, 1], [0, 1, 12, 2], [12, 1, 12, 2])).toEqual([]);
  expect(faultsOf([0, 0, 24, 1], [0, 1, 12, 2], [11, 1, 13, 2])).not.toEqual([]);
  expect(faultsOf([0, 0, 24, 1], [0, 1, 12, 2], [12, 1, 11, 2])).not.toEqual([]);
  expect(faultsOf([0, 0, 24, 1], [0, 1, 12, 2], [12, 1, 13, 2])).not.toEqual([]);
});

/** What stands under a key, anywhere in a JSON value. */
function valuesOf(key: string, json: unknown): readonly unknown[] {
  if (typeof json !== 'object' || json === null) return [];
  return Object.entries(json).flatMap(([name, value]) => (name === key ? [value] : valuesOf(key, value)));
}

/** Of panels at x, y with width and height. */
function faultsOf(...places: readonly (readonly [number, number, number, number])[]): readonly string[] {
  return gridFaults({
    panels: places.map(([x, y, w, h], index) => ({ title: `${index}`, gridPos: { x, y, w, h } })),
  });
}

function dataLinksOf(panels: readonly BoardPanel[]): readonly string[] {
  return panels.flatMap(({ fieldConfig: { defaults, overrides } }) => [
    ...(defaults.links ?? []).map(({ url }) => url),
    ...overrides
      .flatMap(({ properties }) => properties)
      .filter(({ id }) => id === 'links')
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- what Grafana's data links are
      .flatMap(({ value }) => (value as readonly { readonly url: string }[]).map(({ url }) => url)),
  ]);
}

function alphabetically(one: string, other: string): number {
  return one < other ? -1 : 1;
}

/** Names of the variables that an address keeps. */
function variablesOf(url: string): readonly string[] {
  return [...url.matchAll(/\$\{(\w+):queryparam\}/g)].map(([, name]) => name ?? '');
}

/** To the Tunnel dashboard, "all" must not be kept; from it, its tunnel must not narrow the others. */
function variablesKept({ uid }: Board, url: string): readonly string[] {
  const single = committed('tunnel.json').uid;
  const kept = ['datasource', 'job', 'instance', 'account_id'];
  return uid === single || url.startsWith(`/d/${single}?`) ? kept : [...kept, 'tunnel_name'];
}

function organizeOf({ transformations = [] }: BoardPanel): BoardTransformation['options'] {
  return transformations.find(({ id }) => id === 'organize')?.options ?? {};
}

function propertiesOf({ fieldConfig }: BoardPanel, column: string): ReadonlyMap<string, unknown> {
  return new Map(
    fieldConfig.overrides
      .filter(({ matcher }) => matcher.options === column)
      .flatMap(({ properties }) => properties.map(({ id, value }): [string, unknown] => [id, value])),
  );
}

/** The account of a tunnel that is expected in any is empty, which .+ would leave out. */
function several(name: string, allValue: '.+' | '.*'): object {
  return { name, type: 'query', multi: true, includeAll: true, allValue };
}

/** Links that lead to nothing, or drop what they should keep. */
function linkFaults(board: Board, url: string): readonly string[] {
  if (url.startsWith(RUNBOOKS)) {
    const file = url.slice(RUNBOOKS.length);
    return file.startsWith('${') || RUNBOOK_FILES.includes(file) ? [] : [url];
  }
  if (!url.startsWith('/d/')) return url === CLOUDFLARE ? [] : [url];
  const toTunnel = url.includes('&var-tunnel_name=') && url.includes('&var-account_id=${__');
  const kept = toTunnel ? ['datasource', 'job', 'instance'] : variablesKept(board, url);
  const leads = uids.some((uid) => url.startsWith(`/d/${uid}?`)) && url.includes('&${__url_time_range}');
  return leads && variablesOf(url).join() === kept.join() ? [] : [url];
}

/** What a colour of an override is fixed to. */
function fixedIn(colour: unknown): { readonly fixedColor: unknown } {
  return { fixedColor: valuesOf('fixedColor', colour)[0] };
}

type Mapped = Readonly<Record<string, { readonly text: string; readonly color: keyof typeof RANK }>>;

/** Of values that are numbers of states. */
function mappingsOf(panels: readonly BoardPanel[]): readonly Mapped[] {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- Grafana's mappings
  const mappings = valuesOf('mappings', panels).flat() as readonly {
    readonly type: string;
    readonly options: Mapped;
  }[];
  const values = valuesOf('value', panels).flat();
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- Grafana's mappings in overrides
  const overridden = values as typeof mappings;
  return [...mappings, ...overridden].filter((one) => one?.type === 'value').map(({ options }) => options);
}

interface Placed {
  readonly panels: readonly Pick<BoardPanel, 'title' | 'gridPos'>[];
}

/** Cells that are covered not once, but never or twice. */
function gridFaults({ panels }: Placed | Board): readonly string[] {
  const covered = new Map<string, string[]>();
  for (const { title, gridPos } of panels) {
    for (let y = gridPos.y; y < gridPos.y + gridPos.h; y += 1)
      for (let x = gridPos.x; x < gridPos.x + gridPos.w; x += 1)
        covered.set(`${x},${y}`, [...(covered.get(`${x},${y}`) ?? []), title]);
  }
  const height = Math.max(...panels.map(({ gridPos }) => gridPos.y + gridPos.h));
  const cells = Array.from({ length: height }, (_, y) =>
    Array.from({ length: 24 }, (__, x) => `${x},${y}`),
  ).flat();
  return [
    ...cells.filter((cell) => !covered.has(cell)).map((cell) => `${cell}: nothing`),
    ...[...covered]
      .filter(([, titles]) => titles.length > 1)
      .map(([cell, titles]) => `${cell}: ${titles.join(', ')}`),
    ...[...covered.keys()].filter((cell) => !cells.includes(cell)).map((cell) => `${cell}: off the grid`),
  ];
}
