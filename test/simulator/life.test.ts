import { expect, test } from 'vitest';
import { createFleet } from '../../src/simulator/fleet.ts';
import type { Fleet, FleetTunnel } from '../../src/simulator/fleet-model.ts';
import { configVersionAt, statusOf } from '../../src/simulator/fleet-model.ts';
import type { LifeEvent } from '../../src/simulator/life.ts';
import { createLife, HAPPENINGS } from '../../src/simulator/life.ts';
import { sampleAccounts } from '../../src/simulator/sample.ts';
import { ACCOUNT, rig, START } from './support.ts';

const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;

function living(): {
  readonly fleet: Fleet;
  readonly tunnels: readonly FleetTunnel[];
  readonly advance: (now: number) => readonly LifeEvent[];
} {
  const [sample] = sampleAccounts({
    seed: 1,
    now: START,
    tunnels: 20,
    connectors: 2,
    down: 0.15,
    inactive: 0.05,
    warpConnectors: 4,
  });
  const configuration = { version: 3, config: { ingress: [{ service: 'http_status:404' }] } };
  const fleet = createFleet({
    seed: 1,
    now: START,
    accounts: [
      {
        id: ACCOUNT,
        name: 'One',
        tunnels: (sample?.tunnels ?? []).map((tunnel) => ({ ...tunnel, configuration })),
      },
    ],
  });
  const life = createLife({ fleet, seed: 1, start: START });
  return { fleet, tunnels: fleet.tunnels(ACCOUNT), advance: life.advance };
}

const state = (tunnels: readonly FleetTunnel[]): string => JSON.stringify(tunnels);

test('one large step and many small ones have the same result', () => {
  const once = living();
  const often = living();
  const events = once.advance(START + 60 * MINUTE);
  const inSteps: LifeEvent[] = [];
  for (let at = START; at <= START + 60 * MINUTE; at += 777) inSteps.push(...often.advance(at));
  inSteps.push(...often.advance(START + 60 * MINUTE));
  expect(events.length).toBeGreaterThan(240);
  expect(inSteps).toEqual(events);
  expect(state(often.tunnels)).toBe(state(once.tunnels));
});

test('something happens every 10 to 20 seconds, and everything happens within an hour', () => {
  const events = living().advance(START + 60 * MINUTE);
  const times = [START, ...events.filter(({ happening }) => happening !== 'repaired').map(({ at }) => at)];
  for (const [index, at] of times.entries()) {
    const gap = at - (times[index - 1] ?? at - 10_000);
    expect(gap).toBeGreaterThanOrEqual(10_000);
    expect(gap).toBeLessThanOrEqual(20_000);
  }
  const usual = HAPPENINGS.filter((happening) => happening !== 'route');
  expect(new Set(events.map(({ happening }) => happening))).toEqual(new Set([...usual, 'repaired']));
});

test('each happening changes the fleet as described', () => {
  const { tunnels, advance, fleet } = living();
  const results = new Map<string, Set<string>>();
  let before = state(tunnels);
  for (let at = START; at < START + 30 * MINUTE; at += 1000) {
    const events = advance(at);
    const after = state(tunnels);
    expect(after !== before).toBe(events.length > 0);
    before = after;
    const [event, ...more] = events;
    const tunnel = fleet.tunnel(event?.tunnelId ?? '');
    if (event === undefined || tunnel === undefined || more.length > 0) continue;
    results.set(event.happening, (results.get(event.happening) ?? new Set()).add(statusOf(tunnel)));
  }
  expect(results.get('outage')).toEqual(new Set(['down']));
  expect(results.get('lost_connection')).toEqual(new Set(['degraded']));
  expect(results.get('failover')).toEqual(new Set(['healthy']));
  expect(results.get('repaired')).toContain('healthy');
});

/** The inconsistencies of a tunnel at a time; there should be none. */
function flaws(tunnel: FleetTunnel, at: number): readonly string[] {
  const { activeAt, inactiveAt, haMode, configuration, connectors } = tunnel;
  const serving = connectors.filter(({ connections }) => connections.length > 0);
  const active = connectors.filter(({ haStatus }) => haStatus === 'active').length;
  const highlyAvailable = haMode === 'aws' || haMode === 'local';
  const { ingress } = { ingress: [], ...configuration.config };
  const found: readonly (readonly [boolean, string])[] = [
    [(activeAt === undefined) === (inactiveAt === undefined), 'active and inactive, or neither'],
    [(activeAt !== undefined) !== serving.length > 0, 'active is not serving'],
    [active !== (highlyAvailable && serving.length > 0 ? 1 : 0), `${active} connectors are active`],
    [ingress.length > 2, 'the configuration grows'],
    ...connectors.flatMap((connector): readonly (readonly [boolean, string])[] => [
      [connector.connections.length > connector.wantedConnections, 'too many connections'],
      [
        new Set(connector.connections.map(({ id }) => id)).size < connector.connections.length,
        'a connection id comes twice',
      ],
      [(configVersionAt(connector, at) ?? 0) > configuration.version, 'a configuration of the future'],
    ]),
  ];
  return found.filter(([wrong]) => wrong).map(([, what]) => `${tunnel.name}: ${what}`);
}

test('the fleet stays consistent for a day', () => {
  const { tunnels, advance } = living();
  const connectorsOf = (): readonly number[] => tunnels.map(({ connectors }) => connectors.length);
  const most = connectorsOf();
  expect(most.filter((count) => count === 0)).toHaveLength(4);
  let healthy = 0;
  let moments = 0;
  for (let at = START + 5 * MINUTE; at <= START + DAY; at += 5 * MINUTE) {
    advance(at);
    expect(tunnels.flatMap((tunnel) => flaws(tunnel, at))).toEqual([]);
    expect(connectorsOf().filter((count, index) => count > (most[index] ?? 0))).toEqual([]);
    healthy += tunnels.filter((tunnel) => statusOf(tunnel) === 'healthy').length / tunnels.length;
    moments += 1;
  }
  expect(healthy / moments).toBeGreaterThan(0.5);
});

test('tunnels in leaveAlone keep their connectors', () => {
  const fleet = createFleet({
    seed: 1,
    now: START,
    accounts: [
      {
        id: ACCOUNT,
        name: 'One',
        tunnels: [
          { name: 'a', connectors: [{}] },
          { name: 'b', connectors: [{}] },
        ],
      },
    ],
  });
  const [a, b] = fleet.tunnels(ACCOUNT);
  const before = a?.connectors[0]?.id;
  createLife({ fleet, seed: 1, start: START, leaveAlone: [a?.id ?? ''], weights: { drain: 0 } }).advance(
    START + 60 * MINUTE,
  );
  expect(a?.connectors.map(({ id }) => id)).toEqual([before]);
  expect(b?.connectors[0]?.id).not.toBe(before);
});

test('removed connectors connect again with their ids, except those of deleted tunnels', () => {
  const { ask, wait, simulation } = rig({
    accounts: [
      {
        id: ACCOUNT,
        name: 'One',
        tunnels: [
          { name: 'a', connectors: [{}] },
          { name: 'b', connectors: [{}] },
        ],
      },
    ],
    life: { everyMs: { low: DAY, high: DAY } },
  });
  const [a, b] = simulation.fleet.tunnels(ACCOUNT);
  const before = a?.connectors[0];
  ask({ method: 'DELETE', path: `/accounts/${ACCOUNT}/cfd_tunnel/${a?.id}/connections` });
  ask({ method: 'DELETE', path: `/accounts/${ACCOUNT}/cfd_tunnel/${b?.id}/connections` });
  ask({ method: 'DELETE', path: `/accounts/${ACCOUNT}/cfd_tunnel/${b?.id}` });
  expect(a?.connectors).toEqual([]);
  ask(`/accounts/${ACCOUNT}/tunnels`);
  wait(2 * MINUTE);
  ask(`/accounts/${ACCOUNT}/tunnels`);
  const after = a?.connectors[0];
  expect([after?.id, after?.startedAt]).toEqual([before?.id, before?.startedAt]);
  expect(after?.connections.map(({ id }) => id)).not.toEqual(before?.connections.map(({ id }) => id));
  expect(b?.connectors).toEqual([]);
});
