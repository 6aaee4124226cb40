import { gunzipSync } from 'node:zlib';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { TUNNEL_LABELS, type Family, type FleetContext } from '../../src/core/families/family.ts';
import { FAMILIES } from '../../src/core/families/table.ts';
import {
  type Connection,
  type Connector,
  HA_MODES,
  HA_STATUSES,
  TUNNEL_STATUSES,
  TUNNEL_TYPES,
} from '../../src/core/model.ts';
import type { Snapshot, TunnelState } from '../../src/core/snapshot.ts';
import type { PageFormat } from '../../src/exposition/page.ts';
import { type ParsedFamily, parseExposition, seriesOf } from '../support/exposition-parser.ts';
import { aPage, bytesOf, pageOf, TEXT } from '../support/pages.ts';
import { aConnection, aConnector, anAccount, aSnapshot, aTunnel, NOW } from '../support/snapshots.ts';
import { HOSTILE_NAMES } from './hostile.ts';

/** Any text at all, lone surrogates included. */
const text = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom(...HOSTILE_NAMES) },
  fc.string({ unit: 'binary', maxLength: 20 }),
  fc.string({ unit: fc.constantFrom(...'"\\\n\r,:{}=# a\0\ud800\udc00'.split('')), maxLength: 12 }),
);
/** Text that tells series apart, and so must differ on the page as it differs in the model. */
const wellFormed = text.map((value) => value.toWellFormed());
const distinct = (arbitrary: fc.Arbitrary<string>, maxLength: number): fc.Arbitrary<string[]> =>
  fc.uniqueArray(arbitrary, { maxLength });
const maybe = <T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> =>
  fc.option(arbitrary, { nil: undefined });
const time = maybe(fc.integer({ min: 1, max: NOW }));

const connection: fc.Arbitrary<Connection> = fc
  .record({ colo: maybe(wellFormed), pendingReconnect: fc.boolean(), originIp: maybe(text) })
  .map(aConnection);

const connector: fc.Arbitrary<Connector> = fc
  .record({
    id: wellFormed,
    version: maybe(text),
    arch: maybe(text),
    features: fc.array(wellFormed, { maxLength: 3 }),
    startedAt: time,
    configVersion: maybe(fc.nat()),
    haStatus: maybe(fc.constantFrom(...HA_STATUSES)),
    connections: fc.array(connection, { maxLength: 4 }),
  })
  .map(aConnector);

const tunnel: fc.Arbitrary<TunnelState> = fc
  .record({
    id: wellFormed,
    name: text,
    type: fc.constantFrom(...TUNNEL_TYPES, 'unknown' as const),
    status: fc.constantFrom(...TUNNEL_STATUSES),
    configSource: text,
    createdAt: time,
    activeAt: time,
    inactiveAt: time,
    connectors: maybe(fc.uniqueArray(connector, { maxLength: 3, selector: ({ id }) => id })),
    configuration: maybe(
      fc.record({
        version: maybe(fc.nat()),
        ingress: maybe(
          fc.array(fc.record({ hostname: wellFormed, service: wellFormed, path: text }), { maxLength: 3 }),
        ),
        haMode: maybe(fc.constantFrom(...HA_MODES)),
      }),
    ),
    counters: fc.record({ opened: fc.nat(), closed: fc.nat(), failovers: fc.nat() }),
  })
  .map(aTunnel);

const snapshot: fc.Arbitrary<Snapshot> = fc
  .uniqueArray(
    fc.record({
      id: wellFormed,
      name: text,
      tunnels: fc.uniqueArray(tunnel, { maxLength: 4, selector: (state) => state.tunnel.id }),
    }),
    { maxLength: 3, selector: ({ id }) => id },
  )
  .map((accounts) => aSnapshot(...accounts.map(anAccount)));

const context: fc.Arbitrary<FleetContext> = distinct(wellFormed, 3).map((names) => ({
  types: ['cfd_tunnel', 'warp_connector'],
  selectsAll: true,
  expected: names.map((name) => ({ accountId: undefined, tunnel: name, minConnectors: 1 })),
  intermittent: [/[aeiou]/u],
}));

test.each(['text', 'openmetrics'] as const)(
  'reading the %s page back gives the model, whatever anything is called',
  async (format) => {
    await fc.assert(
      fc.asyncProperty(snapshot, context, async (model, fleetContext) => {
        const page = await pageOf(
          model,
          { format, gzip: false, names: undefined },
          { context: fleetContext },
        );
        const families = parseExposition(page, format);
        expect(seriesRead(families)).toEqual(seriesMeant(model, fleetContext));
        expect(families).toEqual(familiesMeant(families, format));
        expect(namesRead(families, format)).toEqual(namesMeant(model));
      }),
      { numRuns: 60 },
    );
  },
);

test.each(['text', 'openmetrics'] as const)('the %s page through gzip is the same bytes', async (format) => {
  await fc.assert(
    fc.asyncProperty(snapshot, async (model) => {
      const plain = await pageOf(model, { format, gzip: false, names: undefined });
      const zipped = await pageOf(model, { format, gzip: true, names: undefined });
      expect(gunzipSync(zipped).equals(plain)).toBe(true);
    }),
    { numRuns: 30 },
  );
});

/** The same few tunnels again and again: changed, moved, gone and back. */
const history: fc.Arbitrary<readonly Snapshot[]> = fc
  .uniqueArray(tunnel, { minLength: 1, maxLength: 4, selector: (state) => state.tunnel.id })
  .chain((tunnels) => {
    const variants = tunnels.flatMap((state) => [
      state,
      { ...state },
      { ...state, tunnel: { ...state.tunnel, name: 'renamed' } },
      { ...state, connectors: { ...state.connectors, value: undefined } },
    ]);
    const pass = fc
      .shuffledSubarray(variants)
      .map((states) => [...new Map(states.map((state) => [state.tunnel.id, state])).values()]);
    return fc.array(pass, { minLength: 2, maxLength: 5 });
  })
  .map((passes) => passes.map((states) => withTunnels(states)));

test('a page that went from snapshot to snapshot is the page of the last one', async () => {
  await fc.assert(
    fc.asyncProperty(history, async (snapshots) => {
      const page = aPage();
      for (const each of snapshots) {
        await page.publish(each);
        const fresh = aPage();
        const { series } = await fresh.publish(each);
        expect(linesByFamily(await bytesOf(page, TEXT))).toEqual(linesByFamily(await bytesOf(fresh, TEXT)));
        expect((await page.publish(each)).series).toBe(series);
      }
    }),
    { numRuns: 60 },
  );
});

test.each(HOSTILE_NAMES)('a tunnel called %j keeps its name', async (name) => {
  const model = aSnapshot(anAccount({ tunnels: [aTunnel({ name })] }));
  for (const format of ['text', 'openmetrics'] as const) {
    const page = await pageOf(model, { format, gzip: false, names: undefined });
    expect(namesRead(parseExposition(page, format), format)).toEqual(namesMeant(model));
  }
});

test('tunnels of one name, and names that look like each other once joined, stay series of their own', async () => {
  const names = ['web', 'web', 'a,b', 'a', 'b:c', 'b', 'lone \ud800', 'lone \ud801'];
  const tunnels = names.map((name, index) => aTunnel({ name, id: `${index}` }));
  const page = await pageOf(aSnapshot(anAccount({ tunnels })), {
    format: 'text',
    gzip: false,
    names: undefined,
  });
  const info = parseExposition(page, 'text').find(({ name }) => name === 'cloudflare_tunnel_info');
  expect(info?.samples.map(({ labels }) => labels.get('tunnel_name'))).toEqual(
    names.map((name) => name.toWellFormed()),
  );
});

/** Tunnels keep the position of their first appearance, so the order within a family depends on the past. */
function linesByFamily(page: Buffer): readonly (readonly string[])[] {
  return page
    .toString()
    .split(/^(?=# HELP )/m)
    .map((family) => family.split('\n').toSorted());
}

/** The states themselves, not copies: pages go by identity. */
function withTunnels(states: readonly TunnelState[]): Snapshot {
  return aSnapshot({ ...anAccount(), tunnels: new Map(states.map((state) => [state.tunnel.id, state])) });
}

/** Every series with its value. */
function seriesRead(families: readonly ParsedFamily[]): ReadonlyMap<string, number> {
  return new Map(
    families.flatMap(({ samples }) => samples.map((sample) => [seriesOf(sample), sample.value])),
  );
}

/** What the families say, written down without an encoder. */
function seriesMeant(model: Snapshot, fleetContext: FleetContext): ReadonlyMap<string, number> {
  const series = new Map<string, number>();
  const add = (family: Family, value: number, labels: readonly (readonly [string, string])[]): void => {
    const readable = labels.map(([label, said]): [string, string] => [label, said.toWellFormed()]);
    series.set(seriesOf({ name: family.name, labels: new Map(readable) }), value);
  };
  for (const family of FAMILIES) {
    const labels = [...family.labels, ...('optionalLabel' in family ? [family.optionalLabel.name] : [])];
    const withNames = (values: readonly string[]): readonly (readonly [string, string])[] =>
      labels.map((label, index) => [label, values[index] ?? '']);
    if (family.scope === 'fleet') {
      family.samples(model, (value, ...values) => add(family, value, withNames(values)), fleetContext);
      continue;
    }
    for (const account of model.accounts.values()) {
      for (const state of account.tunnels.values()) {
        const { accountId, id, name } = state.tunnel;
        const own = [accountId, id, name].map((value, index) => [TUNNEL_LABELS[index] ?? '', value] as const);
        family.samples(
          state,
          (value, ...values) => add(family, value, [...own, ...withNames(values)]),
          fleetContext,
        );
      }
    }
  }
  return series;
}

/** The families that were read, with name, type and help as the table has them. */
function familiesMeant(read: readonly ParsedFamily[], format: PageFormat): readonly unknown[] {
  const samples = new Map(read.map((family) => [family.name, family.samples]));
  return FAMILIES.flatMap(({ name, type, help }) => {
    const shown = format === 'text' ? name : name.replace(type === 'counter' ? /_total$/ : /_info$/, '');
    const shownType = type === 'stateset' || (type === 'info' && format === 'text') ? 'gauge' : type;
    const found = samples.get(shown);
    return found === undefined ? [] : [{ name: shown, type: shownType, help, samples: found }];
  });
}

/** By account and tunnel id: straight from the model, past the families. */
function namesMeant(model: Snapshot): readonly unknown[] {
  return [...model.accounts.values()].flatMap(({ id, tunnels }) =>
    [...tunnels.values()].map((state) => [id, state.tunnel.id, state.tunnel.name.toWellFormed()]),
  );
}

function namesRead(families: readonly ParsedFamily[], format: PageFormat): readonly unknown[] {
  const info = format === 'text' ? 'cloudflare_tunnel_info' : 'cloudflare_tunnel';
  const samples = families.find(({ name }) => name === info)?.samples ?? [];
  return samples.map(({ labels }) => TUNNEL_LABELS.map((label) => labels.get(label)));
}
