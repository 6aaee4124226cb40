import { beforeAll, describe, expect, test } from 'vitest';
import { createBudget } from '../../src/cloudflare/budget.ts';
import type { ListedTunnel } from '../../src/core/model.ts';
import { refreshAge } from '../../src/core/intervals.ts';
import type { Client, ObservationOf } from '../../src/cloudflare/client.ts';
import type { CallOptions } from '../../src/cloudflare/http.ts';
import { createRandom } from '../../src/simulator/index.ts';
import { aListed } from '../support/core-builders.ts';
import { aClient, viewOf } from '../support/fake-client.ts';
import { createVirtualPolling } from '../support/virtual-polling.ts';
import { aConnection, aConnector, NOW } from '../support/snapshots.ts';

/**
 * Hours of a fleet's life, second by second of a virtual clock: the real planner and budget against a Cloudflare that
 * answers at once.
 */
const SECOND = 1_000;
const HOUR = 3_600 * SECOND;
const POLL_MS = 30 * SECOND;
const REQUESTS = 600;
const TUNNELS = 300;

interface Life {
  /** What happens to a tunnel in a second, given how many seconds have passed. */
  readonly live: (tunnel: FakeTunnel, index: number, second: number) => void;
  readonly hours: number;
  /** Whether a request for this tunnel fails. */
  readonly fails?: (index: number) => boolean;
}

interface FakeTunnel {
  readonly id: string;
  status: ListedTunnel['status'];
  /** Goes up with every restart of its connector. */
  generation: number;
  /** Goes up with every change that the list shows. */
  activeAt: number;
}

interface Outcome {
  /** The oldest observation of a serving tunnel, over the last half of the time, in fair shares. */
  readonly oldestShares: number;
  readonly sent: number;
  /** Requests for connections, by the tunnel's index, in the last half. */
  readonly asked: readonly number[];
  readonly configurations: number;
  /** How long after the list showed it a change was observed: 0 is in the same poll. */
  readonly changesSeenAfterMs: readonly number[];
}

async function simulate({ live, hours, fails = () => false }: Life): Promise<Outcome> {
  let now = NOW;
  const budget = createBudget(REQUESTS);
  const fleet = Array.from({ length: TUNNELS }, (_, index): FakeTunnel => ({
    id: `tunnel-${index}`,
    status: 'healthy',
    generation: 0,
    activeAt: NOW,
  }));
  const byId = new Map(fleet.map((tunnel, index) => [tunnel.id, { tunnel, index }]));
  const asked = fleet.map(() => 0);
  let sent = 0;
  let configurations = 0;
  const shownAt = new Map<string, number>();
  const changesSeenAfterMs: number[] = [];
  const isMeasured = (): boolean => now >= NOW + (hours / 2) * HOUR;

  const send = (call: CallOptions = {}): void => {
    if (call.hold?.use(now) !== true) throw new Error('a request was sent without a budget');
    sent += 1;
  };
  const client: Client = aClient({
    budget: viewOf(budget, () => now),
    listTunnels: (_, __, call) => {
      send(call);
      return Promise.resolve([list()]);
    },
    connections: ({ id, accountId }, call) => {
      send(call);
      const { tunnel, index } = byId.get(id) ?? {};
      if (tunnel === undefined || index === undefined) throw new Error(`no such tunnel: ${id}`);
      if (isMeasured()) asked[index] = (asked[index] ?? 0) + 1;
      const shown = shownAt.get(id);
      if (shown !== undefined && isMeasured()) changesSeenAfterMs.push(now - shown);
      shownAt.delete(id);
      const connection = aConnection({ id: `${id}-${tunnel.generation}` });
      return Promise.resolve({
        kind: 'connections',
        accountId,
        tunnelId: id,
        at: now,
        result: fails(index)
          ? { ok: false, failure: { reason: 'server', message: 'it fails' } }
          : { ok: true, value: [aConnector({ connections: [connection] })] },
      });
    },
    configuration: ({ id, accountId }, call) => {
      send(call);
      configurations += 1;
      const value = { version: 1, ingress: [], haMode: undefined };
      return Promise.resolve({
        kind: 'configuration',
        accountId,
        tunnelId: id,
        at: now,
        result: { ok: true, value },
      });
    },
  });
  const polling = createVirtualPolling({
    accountIds: ['acc'],
    client,
    now: () => now,
    pollIntervalMs: POLL_MS,
    staleAfterMs: 300 * SECOND,
  });
  const { store } = polling;
  const known = new Map(fleet.map(({ id, activeAt, status }) => [id, `${activeAt} ${status}`]));
  const list = (): ObservationOf<'tunnels'> => {
    const value = fleet.map(({ id, status, activeAt }) => {
      const entry = `${activeAt} ${status}`;
      if (known.get(id) !== entry && status !== 'down') shownAt.set(id, now);
      known.set(id, entry);
      return { tunnel: aListed(id, { status, activeAt }), embedded: undefined };
    });
    return { kind: 'tunnels', accountId: 'acc', types: ['cfd_tunnel'], at: now, result: { ok: true, value } };
  };
  const equalIntervalMs = refreshAge({
    serving: TUNNELS,
    listsPerMs: 1 / POLL_MS,
    pollIntervalMs: POLL_MS,
    requestBudget: REQUESTS,
  });
  const oldest = (): number => {
    const ages = [...(store.current().accounts.get('acc')?.tunnels.values() ?? [])].flatMap(
      ({ tunnel, detailedAt }, index) =>
        tunnel.status === 'down' || fails(index) ? [] : now - (detailedAt ?? -Infinity),
    );
    return Math.max(...ages);
  };

  let oldestMs = 0;
  for (let second = 0; second < hours * 3_600; second += 1) {
    now = NOW + second * SECOND;
    fleet.forEach((tunnel, index) => live(tunnel, index, second));
    await polling.step();
    if (isMeasured() && second % 10 === 0) oldestMs = Math.max(oldestMs, oldest());
  }
  store.stop();
  return { oldestShares: oldestMs / equalIntervalMs, sent, asked, configurations, changesSeenAfterMs };
}

const mean = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length;

describe('a fleet in which every tenth tunnel makes nine changes in ten, larger than the budget', () => {
  const hours = 6;
  let outcome: Outcome;
  beforeAll(async () => {
    const random = createRandom(3);
    outcome = await simulate({
      hours,
      live: (tunnel, index) => {
        const perHour = index % 10 === 0 ? 2 : 2 / 81;
        const chance = random.next();
        if (chance < perHour / 3_600) tunnel.generation += 1;
        // A tenth as often the list shows it too.
        else if (chance < (1.1 * perHour) / 3_600) {
          tunnel.generation += 1;
          tunnel.activeAt += SECOND;
        }
      },
    });
  });

  test('the oldest observation is younger than two equal intervals', () => {
    expect(outcome.oldestShares).toBeLessThan(2);
  });

  test('tunnels that have changed often are observed more often', () => {
    const hot = outcome.asked.filter((_, index) => index % 10 === 0);
    const cold = outcome.asked.filter((_, index) => index % 10 !== 0);
    expect(mean(hot) / mean(cold)).toBeGreaterThan(2.5);
  });

  test('a change that the list shows is observed in the same poll', () => {
    expect(outcome.changesSeenAfterMs.length).toBeGreaterThan(5);
    expect(Math.max(...outcome.changesSeenAfterMs)).toBe(0);
  });

  test('at least 95 % of the budget is used, and not more than the budget', () => {
    const allowed = (REQUESTS / 300) * hours * 3_600;
    expect(outcome.sent).toBeGreaterThan(0.95 * allowed);
    expect(outcome.sent).toBeLessThanOrEqual(allowed + REQUESTS / 4);
  });

  test('configurations get a small share', () => {
    expect(outcome.configurations / outcome.sent).toBeGreaterThan(0.02);
    expect(outcome.configurations / outcome.sent).toBeLessThan(0.15);
  });
});

test('a third of the fleet that cannot be observed does not delay the rest', async () => {
  const { oldestShares } = await simulate({
    hours: 2,
    fails: (index) => index % 3 === 0,
    live: () => undefined,
  });
  expect(oldestShares).toBeLessThan(2);
});

test('a tenth of the fleet that flaps at every poll does not delay the rest', async () => {
  const { oldestShares } = await simulate({
    hours: 2,
    live: (tunnel, index, second) => {
      if (index % 10 !== 0 || second % 30 !== 29) return;
      tunnel.status = tunnel.status === 'healthy' ? 'degraded' : 'healthy';
    },
  });
  expect(oldestShares).toBeLessThan(2.5);
});

test('half a fleet that goes down gets no requests, and the rest is observed twice as often', async () => {
  const { asked } = await simulate({
    hours: 1,
    live: (tunnel, index, second) => {
      if (second === 60 && index % 2 === 0) tunnel.status = 'down';
    },
  });
  expect(asked.filter((_, index) => index % 2 === 0)).toEqual(Array(TUNNELS / 2).fill(0));
  const requestsEach = (0.5 * 3_600 * REQUESTS) / 300 / (TUNNELS / 2);
  expect(mean(asked.filter((_, index) => index % 2 === 1))).toBeGreaterThan(0.85 * requestsEach);
});
