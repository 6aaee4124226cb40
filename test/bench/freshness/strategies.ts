import { createDetails } from '../../../src/poller/details.ts';
import { createSnapshotStore } from '../../../src/poller/store.ts';
import { type Scenario, TOKEN } from './scenario.ts';
import { createVirtualClient } from './virtual-client.ts';

/** One way to spend requests; steps through time second by second. */
export interface Strategy {
  readonly step: () => Promise<void>;
  readonly sentAt: () => readonly number[];
  /** When the least recently observed serving tunnel was observed; undefined while one never was. */
  readonly oldestAt: () => number | undefined;
}

export const STRATEGIES = ['planner', 'round-robin', 'naive loop'] as const;
export type StrategyName = (typeof STRATEGIES)[number];

export function isStrategyName(name: string): name is StrategyName {
  return STRATEGIES.some((known) => known === name);
}

const POLL_MS = 30_000;
const CONCURRENCY = 8;
const LATENCY_S = 0.3;

export function createStrategy(name: StrategyName, scenario: Scenario, requestBudget: number): Strategy {
  switch (name) {
    case 'planner':
      return createPlanner(scenario, requestBudget);
    case 'round-robin':
      return createRoundRobin(scenario, requestBudget);
    case 'naive loop':
      return createNaiveLoop(scenario);
  }
}

/** The exporter's own details and snapshot, under the virtual clock. */
function createPlanner(scenario: Scenario, requestBudget: number): Strategy {
  const { accountIds, now, start } = scenario;
  const client = createVirtualClient(scenario, requestBudget);
  const accounts = accountIds.map((id) => ({ id, name: '' }));
  const store = createSnapshotStore({
    accounts,
    staleAfterMs: 300_000,
    clock: now,
    onChange: () => undefined,
  });
  const { signal } = new AbortController();
  const details = createDetails({
    accounts,
    client,
    store,
    clock: now,
    concurrency: CONCURRENCY,
    pollIntervalMs: POLL_MS,
    tunnels: {
      types: ['cfd_tunnel', 'warp_connector'],
      include: [],
      exclude: [],
      intermittent: [],
      ids: [],
      configurations: true,
    },
  });
  let nextRound = Infinity;

  const poll = async (): Promise<void> => {
    for (const account of accounts) {
      store.apply([client.list(account.id)]);
      await details.round({ signal, accounts: [account], scope: 'urgent' });
    }
  };
  return {
    step: async () => {
      const isPoll = (now() - start) % POLL_MS === 0;
      if (isPoll) await poll();
      if (!isPoll && now() < nextRound) return;
      const { waiting } = await details.round({ signal });
      nextRound = waiting > 0 ? now() + details.nextRoundMs() : Infinity;
    },
    sentAt: () => client.sentAt,
    oldestAt: () => {
      store.stop();
      let oldest: number | undefined = Infinity;
      for (const { tunnels } of store.current().accounts.values()) {
        for (const { tunnel, detailedAt } of tunnels.values()) {
          if (tunnel.status !== 'healthy') continue;
          if (detailedAt === undefined) return undefined;
          oldest = Math.min(oldest, detailedAt);
        }
      }
      return oldest;
    },
  };
}

/** The same lists and the same budget; every tunnel in turn. Configurations cost it nothing. */
function createRoundRobin(scenario: Scenario, requestBudget: number): Strategy {
  const { accountIds, simulation, now, start } = scenario;
  const client = createVirtualClient(scenario, requestBudget);
  const tunnels = accountIds.flatMap((id) => simulation.fleet.tunnels(id));
  const observedAt = new Map<string, number>();
  let turn = 0;
  return {
    step: async () => {
      if ((now() - start) % POLL_MS === 0) for (const id of accountIds) client.list(id);
      for (
        let left = Math.min(tunnels.length, Math.floor(client.budget.available()) - accountIds.length);
        left > 0;
        left -= 1
      ) {
        const tunnel = tunnels[turn % tunnels.length];
        turn += 1;
        if (tunnel === undefined) return;
        await client.connections(tunnel);
        observedAt.set(tunnel.id, now());
      }
    },
    sentAt: () => client.sentAt,
    oldestAt: () =>
      observedAt.size < tunnels.length
        ? undefined
        : [...observedAt.values()].reduce((a, b) => Math.min(a, b)),
  };
}

/** What exporters without a plan do: every minute the list, then every tunnel. No budget but Cloudflare's. */
function createNaiveLoop(scenario: Scenario): Strategy {
  const { accountIds, simulation, now, start } = scenario;
  const tunnels = accountIds.flatMap((id) => simulation.fleet.tunnels(id));
  const sentAt: number[] = [];
  let queue: (() => void)[] = [];

  const send = (act: () => void): void => {
    sentAt.push(now());
    if (simulation.rateLimit.take(TOKEN, now()) === undefined) act();
    // Refused: the pass is given up.
    else queue = [];
  };
  return {
    step: () => {
      if ((now() - start) % 60_000 === 0 && queue.length === 0) {
        queue = [
          () => scenario.listed(0),
          ...tunnels.map(
            ({ id }) =>
              () =>
                scenario.observed(id),
          ),
        ];
      }
      for (let left = Math.floor(CONCURRENCY / LATENCY_S); left > 0; left -= 1) {
        const act = queue.shift();
        if (act === undefined) break;
        send(act);
      }
      return Promise.resolve();
    },
    sentAt: () => sentAt,
    oldestAt: () => undefined,
  };
}
