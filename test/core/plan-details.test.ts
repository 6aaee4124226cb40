import { expect, test } from 'vitest';
import { TUNNEL_TYPES } from '../../src/core/model.ts';
import { type DetailPlanOptions, idleCollectors, planDetails } from '../../src/core/plan-details.ts';
import type { TunnelState } from '../../src/core/snapshot.ts';
import { aConnector, anAccount, aTunnel, NOW, type TunnelParts } from '../support/snapshots.ts';

const MINUTE = 60_000;

/** A tunnel whose connections and configuration were observed this many minutes ago; undefined for never. */
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
      failedAt: undefined,
      failedFor: undefined,
    },
  };
}

/** Nothing is kept back for what is urgent, and ages of a few minutes are overdue for no tunnel, unless the parts say so. */
function planOptions(parts: Partial<DetailPlanOptions> = {}): DetailPlanOptions {
  const { allowance = 1000 } = parts;
  return {
    now: NOW,
    allowance,
    routine: allowance,
    configurationAllowance: 0,
    equalIntervalMs: 60 * MINUTE,
    minAgeMs: 0,
    configurations: false,
    ...parts,
  };
}

function planned(tunnels: readonly TunnelState[], options: Partial<DetailPlanOptions> = {}) {
  return planDetails([anAccount({ tunnels })], planOptions(options));
}

/** What is asked for, in order: the name of the tunnel, with a `#` before it for a configuration. */
function asked(tunnels: readonly TunnelState[], options: Partial<DetailPlanOptions> = {}): readonly string[] {
  return planned(tunnels, options).requests.map(
    ({ kind, tunnel }) => `${kind === 'configuration' ? '#' : ''}${tunnel.name}`,
  );
}

const CONFIGURATIONS = { configurations: true };
const many = (prefix: string, count: number, ages: Ages) =>
  Array.from({ length: count }, (_, index) => known(`${prefix}${index}`, ages));

test('a tunnel listed inactive gets no request, one that is down only one for its configuration', () => {
  const tunnels = [
    known('down', { changed: 0 }, { status: 'down' }),
    known('inactive', {}, { status: 'inactive' }),
    known('healthy', { details: 1 }),
    known('degraded', { details: 1 }, { status: 'degraded' }),
    known('odd', { details: 1 }, { status: 'unknown' }),
  ];
  expect(asked(tunnels, CONFIGURATIONS)).toEqual([
    'degraded',
    'odd',
    'healthy',
    '#down',
    '#healthy',
    '#degraded',
    '#odd',
  ]);
});

test('types without a connections endpoint get no request', () => {
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

test('plans at most the allowance, and reports the others as waiting', () => {
  const tunnels = [known('a', { details: 1 }), known('b', { details: 2 }), known('c', { details: 3 })];
  expect(asked(tunnels, { allowance: 2 })).toEqual(['c', 'b']);
  expect(planned(tunnels, { allowance: 2 }).waiting).toBe(1);
  expect(planned(tunnels, { allowance: 3 }).waiting).toBe(0);
});

test.each([true, false])('an allowance of 0 plans nothing (configurations: %s)', (configurations) => {
  const tunnels = many('t', 3, {});
  expect(planned(tunnels, { allowance: 0, configurations })).toMatchObject({ requests: [], waiting: 3 });
  expect(planned([], { allowance: 0, configurations })).toMatchObject({ requests: [], waiting: 0 });
});

test('routine requests do not use the reserve for changed and never observed tunnels', () => {
  const tunnels = [
    ...many('old', 5, { details: 9 }),
    known('never', {}),
    known('changed', { details: 2, changed: 1 }),
  ];
  expect(asked(tunnels, { allowance: 5, routine: 1 })).toEqual(['changed', 'never', 'old0']);
  expect(asked(tunnels, { allowance: 5, routine: 0 })).toEqual(['changed', 'never']);
  expect(asked(tunnels, { allowance: 1, routine: 1 })).toEqual(['changed']);
});

test('a tunnel observed recently is not observed again, unless it has changed since', () => {
  const tunnels = [
    known('young', { details: 1.9 }),
    known('due', { details: 2 }),
    known('changed', { details: 1, changed: 0.5 }),
  ];
  expect(asked(tunnels, { minAgeMs: 2 * MINUTE })).toEqual(['changed', 'due']);
  expect(planned(tunnels, { minAgeMs: 2 * MINUTE, allowance: 0 }).waiting).toBe(2);
});

const isInFlight: DetailPlanOptions['isInFlight'] = ({ kind, tunnel }) =>
  tunnel.name === 'changed' || (kind === 'configuration' && tunnel.name === 'a');

test('a request in flight is neither planned again nor waiting', () => {
  const tunnels = [
    known('a', { details: 1 }),
    known('b', { details: 1 }),
    known('changed', { details: 1, changed: 0 }),
  ];
  const { requests, waiting } = planned(tunnels, { ...CONFIGURATIONS, isInFlight });
  expect(requests.map(({ kind, tunnel }) => `${kind} ${tunnel.name}`)).toEqual([
    'connections a',
    'connections b',
    'configuration b',
  ]);
  expect(waiting).toBe(0);
});

/** A tunnel whose every attempt has failed from `since` to `last`, minutes ago. */
function failing(
  name: string,
  [since, last]: readonly [since: number, last: number],
  ages: Ages = { details: 9 },
): TunnelState {
  const state = known(name, ages);
  const times = { failingSince: ago(since), failedAt: ago(last) };
  return { ...state, connectors: { ...state.connectors, ...times } };
}

test('a failure is retried soon, then after as long as it has lasted, at most five minutes', () => {
  const second = 1 / 60;
  const tunnels = [
    failing('failed just now', [0, 0]),
    failing('failed a second ago', [second, second]),
    failing('failed for a minute', [2, 1]),
    failing('failed for two minutes', [3, 1]),
    failing('failed for an hour, asked 4.9 minutes ago', [65, 4.9]),
    failing('failed for an hour, asked 5 minutes ago', [65, 5]),
  ];
  expect(asked(tunnels)).toEqual([
    'failed for an hour, asked 5 minutes ago',
    'failed for a minute',
    'failed a second ago',
  ]);
});

test('failures before the token was replaced are retried at once, later ones are not', () => {
  const tunnels = [
    failing('with the old token', [65, 1]),
    failing('with the new token', [65, 0.2]),
    known('configuration', { details: 0, configured: 30 }),
  ].map((state) => ({
    ...state,
    configuration: { ...state.configuration, failingSince: ago(65), failedAt: ago(2) },
  }));
  const options = { ...CONFIGURATIONS, renewedAt: () => NOW - 0.5 * MINUTE };
  expect(asked(tunnels, { configurations: false })).toEqual(['configuration']);
  expect(asked(tunnels, options)).toContain('with the old token');
  expect(asked(tunnels, options)).not.toContain('with the new token');
  expect(asked(tunnels, options)).toContain('#configuration');
});

test('tunnels that keep failing do not displace others', () => {
  const tunnels = [
    failing('changed, failed twice', [2, 0.5], { details: 9, changed: 3 }),
    failing('never observed, failed twice', [2, 1], {}),
    known('old', { details: 8 }),
    known('young', { details: 2 }),
  ];
  expect(asked(tunnels, { now: NOW + 2 * MINUTE })).toEqual([
    'old',
    'young',
    'never observed, failed twice',
    'changed, failed twice',
  ]);
});

test('a changed tunnel whose first attempt failed is still urgent', () => {
  const tunnels = [known('old', { details: 30 }), failing('changed', [0.5, 0.5], { details: 9, changed: 1 })];
  expect(asked(tunnels, { routine: 0 })).toEqual(['changed']);
});

test('an observation from before the clock was set back is due', () => {
  const tunnels = [known('old', { details: 8 }), known('ahead', { details: -60 })];
  expect(asked(tunnels, { minAgeMs: MINUTE })).toEqual(['ahead', 'old']);
  expect(asked([failing('failed ahead', [-60, -60])])).toEqual(['failed ahead']);
});

test('every tunnel is observed before one is observed again', () => {
  let tunnels = many('t', 7, { details: 5 });
  const turns = Array.from({ length: 4 }, (_, poll) => {
    const now = NOW + poll * MINUTE;
    const names = asked(tunnels, { now, allowance: 2 });
    tunnels = tunnels.map((state) =>
      names.includes(state.tunnel.name) ? { ...state, detailedAt: now } : state,
    );
    return names;
  });
  expect(new Set(turns.flat().slice(0, 7)).size).toBe(7);
});

test('accounts that share a token share the allowance and the order by priority', () => {
  const one = anAccount({ id: 'one', tunnels: [known('a', { details: 1 }), known('b', { details: 9 })] });
  const two = anAccount({ id: 'two', tunnels: [known('c', { details: 5 }), known('d', {})] });
  const { requests, waiting } = planDetails([one, two], planOptions({ allowance: 3 }));
  expect(requests.map(({ tunnel }) => [tunnel.accountId, tunnel.name])).toEqual([
    ['two', 'd'],
    ['one', 'b'],
    ['two', 'c'],
  ]);
  expect(waiting).toBe(1);
});

test('hidden tunnels get no request', () => {
  const account = anAccount({ hidden: [known('a', {})] });
  expect(planDetails([account], planOptions(CONFIGURATIONS)).requests).toEqual([]);
});

test('configurations are not requested if the setting is off', () => {
  expect(asked([known('a', {})], { configurations: false })).toEqual(['a']);
});

test('configurations get their allowance while connections wait, the oldest first', () => {
  const tunnels = [
    ...many('never', 1, { details: 1 }),
    ...many('young', 40, { details: 1, configured: 11 }),
    ...many('old', 2, { details: 1, configured: 30 }),
  ];
  const requests = asked(tunnels, { ...CONFIGURATIONS, allowance: 30, configurationAllowance: 2.9 });
  expect(requests).toHaveLength(30);
  expect(requests.filter((name) => name.startsWith('#'))).toEqual(['#never0', '#old0']);
});

test('while connections wait, configurations get nothing before their allowance is a whole request', () => {
  const tunnels = many('t', 5, { details: 1 });
  const options = { ...CONFIGURATIONS, allowance: 3 };
  expect(asked(tunnels, { ...options, configurationAllowance: 1 })).toEqual(['t0', 't1', '#t0']);
  expect(asked(tunnels, { ...options, configurationAllowance: 0.9 })).toEqual(['t0', 't1', 't2']);
  expect(planned(tunnels, { ...options, configurationAllowance: 1 }).configurationsAhead).toBe(1);
});

test('configurations that precede no waiting connections do not count against their share', () => {
  const { requests, configurationsAhead } = planned(many('t', 2, { details: 1 }), CONFIGURATIONS);
  expect(requests).toHaveLength(4);
  expect(configurationsAhead).toBe(0);
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

test('connections get the share of configurations if none is due', () => {
  const tunnels = many('t', 20, { details: 1, configured: 1 });
  expect(asked(tunnels, { ...CONFIGURATIONS, allowance: 10 })).toHaveLength(10);
});

test('a configuration is requested every ten minutes, and soon after a failure', () => {
  const unrenewed = known('failing', { details: 1, configured: 2 });
  const tunnels = [
    known('young', { details: 1, configured: 9.9 }),
    known('due', { details: 1, configured: 10 }),
    known('never', { details: 1 }),
    { ...unrenewed, configuration: { ...unrenewed.configuration, failingSince: NOW - MINUTE } },
  ];
  expect(asked(tunnels, CONFIGURATIONS).filter((name) => name.startsWith('#'))).toEqual([
    '#never',
    '#due',
    '#failing',
  ]);
});

test('configurations kept on the origin are never requested, those of unknown source are', () => {
  const tunnels = [
    known('local', { details: 1 }, { configSource: 'local' }),
    known('untold', { details: 1 }, { configSource: '' }),
  ];
  expect(asked(tunnels, CONFIGURATIONS).filter((name) => name.startsWith('#'))).toEqual(['#untold']);
});

test('a configuration is requested earlier if a connector runs a newer one, but not in every poll', () => {
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

const idle = (tunnels: readonly TunnelState[], options: Partial<DetailPlanOptions> = {}) =>
  idleCollectors(anAccount({ tunnels }), planOptions(options));

test('a collector is idle if nothing is due for it', () => {
  expect(idle([], CONFIGURATIONS)).toEqual(['connections', 'warp_connections', 'configurations']);
  expect(idle([known('a', {})])).toEqual(['warp_connections', 'configurations']);
  expect(idle([known('m', {}, { type: 'warp_connector' })], CONFIGURATIONS)).toEqual(['connections']);
  expect(idle([known('a', { configured: 1 })], CONFIGURATIONS)).toEqual([
    'warp_connections',
    'configurations',
  ]);
});

test('a collector whose tunnels all wait is not idle', () => {
  expect(idle([known('a', {})], { ...CONFIGURATIONS, allowance: 0 })).toEqual(['warp_connections']);
});

/** A tunnel whose list embeds connections, as of now, and whose own endpoint was asked minutes ago. */
const embedded = (name: string, details: number, parts: TunnelParts = {}): TunnelState => ({
  ...known(name, { details, configured: 0 }, { connectors: [aConnector()], ...parts, connectorsAt: NOW }),
  detailedAt: NOW - details * MINUTE,
});

test('tunnels with connections embedded in the list are requested every five minutes', () => {
  const changed = embedded('changed', 1);
  const never = embedded('never', 1);
  const bare = { ...aConnector(), arch: undefined, startedAt: undefined };
  const tunnels = [
    embedded('told', 4.9),
    embedded('old', 5),
    embedded('failing', 1, { connectorsFailingSince: NOW - 1000 }),
    embedded('undescribed', 1, { connectors: [aConnector(), { ...bare, id: 'new' }] }),
    embedded('mesh', 1, { type: 'warp_connector' }),
    { ...changed, changedAt: NOW },
    { ...never, detailedAt: undefined },
  ];
  expect(asked(tunnels)).toEqual(['changed', 'never', 'old', 'undescribed', 'mesh', 'failing']);
});

test('tunnels with complete embedded connections do not wait', () => {
  expect(planned([embedded('told', 1)], { allowance: 0 })).toMatchObject({ waiting: 0 });
  expect(idle([embedded('told', 1)])).toEqual(['connections', 'warp_connections', 'configurations']);
});
