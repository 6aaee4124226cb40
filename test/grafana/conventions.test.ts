import * as knownUnits from '@grafana/grafana-foundation-sdk/units';
import { describe, expect, test } from 'vitest';
import { type Board, type BoardPanel, committed, committedText, FILES, panelsOf } from './committed.ts';

const UNITS: ReadonlySet<unknown> = new Set(Object.values(knownUnits));
const uids = FILES.map((file) => committed(file).uid);

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
    for (const variable of list.slice(1)) {
      const { name, query, definition } = variable;
      // The account of a tunnel that is expected in any is empty, which .+ would leave out.
      const allValue = name === 'job' || name === 'instance' ? '.+' : '.*';
      expect(variable).toMatchObject({ type: 'query', multi: true, includeAll: true, allValue });
      expect(query).toMatchObject({
        query: definition,
        refId: expect.any(String),
      });
    }
  });

  test('links to every other dashboard, with variables and time range', () => {
    const others = uids.filter((uid) => uid !== board.uid).map((uid) => `/d/${uid}`);
    expect(board.links.map(({ url }) => url).toSorted()).toEqual(others.toSorted());
    for (const link of board.links) expect(link).toMatchObject({ includeVars: true, keepTime: true });
    // Where nobody would see them.
    expect(committedText(file)).not.toContain('inControlsMenu');
  });

  test('has links of tunnels that keep variables and time range', () => {
    for (const url of dataLinksOf(panels)) {
      expect(uids.map((uid) => `/d/${uid}`)).toContain(url.split('?')[0]);
      for (const kept of [
        '${datasource:queryparam}',
        '${job:queryparam}',
        '${instance:queryparam}',
        '&var-account_id=${__',
        '&var-tunnel_name=${__',
        '&${__url_time_range}',
      ])
        expect(url).toContain(kept);
    }
    expect(dataLinksOf(panels).length > 0).toBe(file !== 'exporter.json');
  });

  test('numbers its panels and queries', () => {
    expect(board.panels.map(({ id }) => id)).toEqual(board.panels.map((_, index) => index + 1));
    for (const { targets = [] } of panels) {
      expect(targets.length).toBeGreaterThan(0);
      expect(targets.map(({ refId }) => refId)).toEqual(targets.map((_, index) => 'ABCDEFGHIJKL'[index]));
    }
  });

  test('fills the 24 columns of its grid without gap or overlap', () => {
    expect(gridFaults(board)).toEqual([]);
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

  test('asks for ranges in graphs and for the present elsewhere, as a table where rows are joined', () => {
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
    const timelines = panels.filter(({ type }) => type === 'state-timeline');
    for (const { fieldConfig } of timelines) expect(fieldConfig.defaults.mappings).toHaveLength(1);
  });

  test('sorts and styles columns that its tables have', () => {
    for (const { transformations, options, fieldConfig } of panels.filter(({ type }) => type === 'table')) {
      const renamed = transformations?.find(({ id }) => id === 'organize')?.options.renameByName ?? {};
      expect(options.sortBy).toHaveLength(1);
      const mentioned = [
        ...(options.sortBy ?? []).map(({ displayName }) => displayName),
        ...fieldConfig.overrides.map(({ matcher }) => matcher.options),
      ];
      for (const column of mentioned) expect(Object.values(renamed)).toContain(column);
    }
  });
});

test('the map looks airports up where Grafana has them', () => {
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
