import { expect, test } from 'vitest';
import { TUNNEL_TYPES } from '../../src/core/model.ts';
import { plan, type PlanOptions } from '../../src/core/plan.ts';
import type { TunnelState } from '../../src/core/snapshot.ts';
import { aConnector, anAccount, aTunnel, NOW, type TunnelParts } from '../support/snapshots.ts';

const MINUTE = 60_000;

/** A tunnel whose connections and configuration were observed so many minutes ago; undefined is never. */
interface Ages {
  readonly details?: number | undefined;
  readonly changed?: number;
  readonly configured?: number | undefined;
}

const ago = (minutes: number | undefined) => (minutes === undefined ? undefined : NOW - minutes * MINUTE);

function known(
  name: string,
  { details, changed, configured }: Ages = {},
  parts: TunnelParts = {},
): TunnelState {
  const connectors = details === undefined ? undefined : [aConnector()];
  return {
    ...aTunnel({ id: name, name, connectors, connectorsAt: ago(details), ...parts }),
    changedAt: ago(changed),
    configuration: {
      value: configured === undefined ? undefined : { version: 3, ingress: [], haMode: undefined },
      at: ago(configured),
      failingSince: undefined,
    },
  };
}

function planned(tunnels: readonly TunnelState[], options: Partial<PlanOptions> = {}) {
  return plan([anAccount({ tunnels })], { now: NOW, allowance: 1000, configurations: false, ...options });
}

/** What is asked for, in order: the name of the tunnel, with a `#` before it for a configuration. */
function asked(tunnels: readonly TunnelState[], options: Partial<PlanOptions> = {}): readonly string[] {
  return planned(tunnels, options).requests.map(
    ({ kind, tunnel }) => `${kind === 'configuration' ? '#' : ''}${tunnel.name}`,
  );
}

const CONFIGURATIONS = { configurations: true };
const many = (prefix: string, count: number, ages: Ages) =>
  Array.from({ length: count }, (_, index) => known(`${prefix}${index}`, ages));

test('tunnels listed down or inactive cost nothing', () => {
  const tunnels = [
    known('down', { changed: 0 }, { status: 'down' }),
    known('inactive', {}, { status: 'inactive' }),
    known('healthy', { details: 1 }),
    known('degraded', { details: 1 }, { status: 'degraded' }),
    known('odd', { details: 1 }, { status: 'unknown' }),
  ];
  expect(asked(tunnels, CONFIGURATIONS)).toEqual([
    'healthy',
    'degraded',
    'odd',
    '#healthy',
    '#degraded',
    '#odd',
  ]);
});

test('types without a connections endpoint are never asked for', () => {
  const tunnels = [...TUNNEL_TYPES, 'unknown' as const].map((type) => known(type, {}, { type }));
  expect(asked(tunnels, CONFIGURATIONS)).toEqual([
    'cfd_tunnel',
    'warp_connector',
    '#cfd_tunnel',
    '#warp_connector',
  ]);
});

test('changed tunnels come first, then those never observed, then the oldest observations', () => {
  const tunnels = [
    known('recent', { details: 1 }),
    known('never', {}),
    known('old', { details: 20 }),
    known('changed', { details: 2, changed: 1 }),
    known('followed', { details: 3, changed: 4 }),
    known('followed at once', { details: 4, changed: 4 }),
    known('changed, never observed', { changed: 1 }),
  ];
  expect(asked(tunnels)).toEqual([
    'changed, never observed',
    'changed',
    'never',
    'old',
    'followed at once',
    'followed',
    'recent',
  ]);
});

test('no more is asked for than the allowance, and what it leaves out is waiting', () => {
  const tunnels = [known('a', { details: 1 }), known('b', { details: 2 }), known('c', { details: 3 })];
  expect(asked(tunnels, { allowance: 2 })).toEqual(['c', 'b']);
  expect(planned(tunnels, { allowance: 2 }).waiting).toBe(1);
  expect(planned(tunnels, { allowance: 3 }).waiting).toBe(0);
});

test.each([true, false])('an allowance of 0 asks for nothing (configurations: %s)', (configurations) => {
  const tunnels = many('t', 3, {});
  expect(planned(tunnels, { allowance: 0, configurations })).toMatchObject({ requests: [], waiting: 3 });
  expect(planned([], { allowance: 0, configurations })).toMatchObject({ requests: [], waiting: 0 });
});

test('tunnels wait their turn: every one is asked for before one is asked for again', () => {
  let tunnels = many('t', 7, { details: 5 });
  const turns = Array.from({ length: 4 }, (_, pass) => {
    const now = NOW + pass * MINUTE;
    const names = asked(tunnels, { now, allowance: 2 });
    tunnels = tunnels.map((state) =>
      names.includes(state.tunnel.name) ? { ...state, detailedAt: now } : state,
    );
    return names;
  });
  expect(new Set(turns.flat().slice(0, 7)).size).toBe(7);
});

test('accounts that share a token share the allowance, and the order of worth', () => {
  const one = anAccount({ id: 'one', tunnels: [known('a', { details: 1 }), known('b', { details: 9 })] });
  const two = anAccount({ id: 'two', tunnels: [known('c', { details: 5 }), known('d', {})] });
  const { requests, waiting } = plan([one, two], { now: NOW, allowance: 3, configurations: false });
  expect(requests.map(({ tunnel }) => [tunnel.accountId, tunnel.name])).toEqual([
    ['two', 'd'],
    ['one', 'b'],
    ['two', 'c'],
  ]);
  expect(waiting).toBe(1);
});

test('hidden tunnels are not asked for', () => {
  const account = anAccount({ hidden: [known('a', {})] });
  expect(plan([account], { now: NOW, allowance: 10, configurations: true }).requests).toEqual([]);
});

test('configurations are not asked for where the user does not want them', () => {
  expect(asked([known('a', {})], { configurations: false })).toEqual(['a']);
});

test('configurations get a tenth of an allowance while connections wait, the oldest first', () => {
  const tunnels = [
    ...many('never', 2, { details: 1 }),
    ...many('young', 40, { details: 1, configured: 11 }),
    ...many('old', 2, { details: 1, configured: 30 }),
  ];
  const requests = asked(tunnels, { ...CONFIGURATIONS, allowance: 30 });
  expect(requests).toHaveLength(30);
  expect(requests.slice(27)).toEqual(['#never0', '#never1', '#old0']);
});

test('configurations get one request of a small allowance, but never its only one while connections wait', () => {
  const tunnels = many('t', 5, {});
  expect(asked(tunnels, { ...CONFIGURATIONS, allowance: 3 })).toEqual(['t0', 't1', '#t0']);
  expect(asked(tunnels, { ...CONFIGURATIONS, allowance: 1 })).toEqual(['t0']);
});

test('configurations get what connections leave', () => {
  const tunnels = many('t', 4, {});
  expect(asked(tunnels, { ...CONFIGURATIONS, allowance: 7 })).toEqual([
    't0',
    't1',
    't2',
    't3',
    '#t0',
    '#t1',
    '#t2',
  ]);
});

test('the share of configurations goes to connections where no configuration is due', () => {
  const tunnels = many('t', 20, { details: 1, configured: 1 });
  expect(asked(tunnels, { ...CONFIGURATIONS, allowance: 10 })).toHaveLength(10);
});

test('a configuration is asked for every ten minutes, and at once where the last attempt failed', () => {
  const failing = known('failing', { details: 1, configured: 2 });
  const tunnels = [
    known('young', { details: 1, configured: 9.9 }),
    known('due', { details: 1, configured: 10 }),
    known('never', { details: 1 }),
    { ...failing, configuration: { ...failing.configuration, failingSince: NOW - MINUTE } },
  ];
  expect(asked(tunnels, CONFIGURATIONS).filter((name) => name.startsWith('#'))).toEqual([
    '#never',
    '#due',
    '#failing',
  ]);
});

test('configurations kept on the origin are never asked for, those of unknown source are', () => {
  const tunnels = [
    known('local', { details: 1 }, { configSource: 'local' }),
    known('untold', { details: 1 }, { configSource: '' }),
  ];
  expect(asked(tunnels, CONFIGURATIONS).filter((name) => name.startsWith('#'))).toEqual(['#untold']);
});

test('where a connector runs a newer configuration, it is asked for sooner, but not in every pass', () => {
  const ahead = { connectors: [aConnector({ configVersion: 3 }), aConnector({ id: 'b', configVersion: 4 })] };
  const tunnels = [
    known('just asked', { details: 1, configured: 0.9 }, ahead),
    known('ahead', { details: 1, configured: 1 }, ahead),
    known('level', { details: 1, configured: 1 }),
    known(
      'untold',
      { details: 1, configured: 1 },
      { connectors: [aConnector({ configVersion: undefined })] },
    ),
  ];
  expect(asked(tunnels, CONFIGURATIONS).filter((name) => name.startsWith('#'))).toEqual(['#ahead']);
});

test('a collector is idle where nothing is due for it at all', () => {
  expect(planned([], CONFIGURATIONS).idle).toEqual(['connections', 'warp_connections', 'configurations']);
  expect(planned([known('a', {})]).idle).toEqual(['warp_connections', 'configurations']);
  expect(planned([known('m', {}, { type: 'warp_connector' })], CONFIGURATIONS).idle).toEqual(['connections']);
  expect(planned([known('a', { configured: 1 })], CONFIGURATIONS).idle).toEqual([
    'warp_connections',
    'configurations',
  ]);
});

test('a collector whose tunnels all wait is not idle', () => {
  expect(planned([known('a', {})], { ...CONFIGURATIONS, allowance: 0 }).idle).toEqual(['warp_connections']);
});

/** A tunnel whose list embeds connections, as of now, and whose own endpoint was asked minutes ago. */
const embedded = (name: string, details: number, parts: TunnelParts = {}): TunnelState => ({
  ...known(name, { details, configured: 0 }, { connectors: [aConnector()], ...parts, connectorsAt: NOW }),
  detailedAt: NOW - details * MINUTE,
});

test('tunnels whose list embeds their connections are asked for only now and then', () => {
  const changed = embedded('changed', 1);
  const never = embedded('never', 1);
  const bare = { ...aConnector(), arch: undefined, startedAt: undefined };
  const tunnels = [
    embedded('told', 4.9),
    embedded('old', 5),
    embedded('failing', 1, { connectorsFailingSince: NOW }),
    embedded('undescribed', 1, { connectors: [aConnector(), { ...bare, id: 'new' }] }),
    embedded('mesh', 1, { type: 'warp_connector' }),
    { ...changed, changedAt: NOW },
    { ...never, detailedAt: undefined },
  ];
  expect(asked(tunnels)).toEqual(['changed', 'never', 'old', 'failing', 'undescribed', 'mesh']);
});

test('embedded connections that are told do not wait', () => {
  expect(planned([embedded('told', 1)], { allowance: 0 })).toMatchObject({
    waiting: 0,
    idle: ['connections', 'warp_connections', 'configurations'],
  });
});
