import { createVirtualPolling } from '../../support/virtual-polling.ts';
import { type Scenario, TOKEN } from './scenario.ts';
import { pagesOf } from '../../../src/core/intervals.ts';
import { createVirtualClient, type VirtualClient } from './virtual-client.ts';

/** A strategy to spend requests, called for every second of virtual time. */
export interface Strategy {
  readonly step: () => Promise<void>;
  readonly sentAt: () => readonly number[];
  /** When the least recently observed serving tunnel was observed; undefined while one never was. */
  readonly oldestAt: () => number | undefined;
  /** When the least recently listed account was listed; undefined while one never was. */
  readonly oldestListAt: () => number | undefined;
}

/**
 * `in turn`: every list and every tunnel in turn. `lists alone`: every list in turn, with half of
 * the budget.
 */
export const STRATEGIES = ['planner', 'round-robin', 'in turn', 'lists alone', 'naive loop'] as const;
export type StrategyName = (typeof STRATEGIES)[number];

export function isStrategyName(name: string): name is StrategyName {
  return STRATEGIES.some((known) => known === name);
}

const POLL_MS = 30_000;
const CONCURRENCY = 8;
const LATENCY_S = 0.3;
const STALE_MS = 600_000;

export function createStrategy(name: StrategyName, scenario: Scenario, requestBudget: number): Strategy {
  switch (name) {
    case 'planner':
      return createPlanner(scenario, requestBudget);
    case 'round-robin':
      return createRoundRobin(scenario, requestBudget);
    case 'in turn':
      return createInTurn(scenario, requestBudget);
    case 'lists alone':
      return createListsAlone(scenario, requestBudget / 2);
    case 'naive loop':
      return createNaiveLoop(scenario);
  }
}

/** The exporter's own loop and snapshot, under the virtual clock. */
function createPlanner(scenario: Scenario, requestBudget: number): Strategy {
  const { accountIds, now } = scenario;
  const client = createVirtualClient(scenario, requestBudget);
  const { store, step } = createVirtualPolling({
    accountIds,
    client,
    now,
    pollIntervalMs: POLL_MS,
    staleAfterMs: STALE_MS,
  });
  return {
    step,
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
    oldestListAt: () => {
      let oldest = Infinity;
      for (const { list } of store.current().accounts.values()) {
        if (list.answeredAt === undefined) return undefined;
        oldest = Math.min(oldest, list.answeredAt);
      }
      return oldest;
    },
  };
}

interface Act {
  readonly key: string;
  readonly act: () => unknown;
  readonly requests: number;
  /** Minimum time between two executions. */
  readonly minAgeMs: number;
}

/** Executes actions in turn, as the budget allows. */
function createTurns(
  client: VirtualClient,
  acts: readonly Act[],
): {
  readonly step: () => Promise<void>;
  readonly oldestAt: (keys: readonly string[]) => number | undefined;
} {
  const actedAt = new Map<string, number>();
  let next = 0;
  return {
    step: async () => {
      for (let left = acts.length; left > 0; left -= 1) {
        const turn = acts[next % acts.length];
        if (turn === undefined || client.budget.available() < turn.requests) return;
        if (client.now() - (actedAt.get(turn.key) ?? -Infinity) < turn.minAgeMs) return;
        next += 1;
        await turn.act();
        actedAt.set(turn.key, client.now());
      }
    },
    oldestAt: (keys) => {
      const times = keys.map((key) => actedAt.get(key));
      return times.includes(undefined) ? undefined : times.reduce((a = 0, b = 0) => Math.min(a, b));
    },
  };
}

/** Every account's list and every tunnel in turn. */
function createInTurn(scenario: Scenario, requestBudget: number): Strategy {
  const { accountIds, simulation } = scenario;
  const client = createVirtualClient(scenario, requestBudget);
  const tunnels = accountIds.flatMap((id) => simulation.fleet.tunnels(id));
  const turns = createTurns(client, [
    ...listsIn(scenario, client),
    ...tunnels.map((tunnel) => ({
      key: tunnel.id,
      act: () => client.connections(tunnel),
      requests: 1,
      minAgeMs: 0,
    })),
  ]);
  return {
    step: turns.step,
    sentAt: () => client.sentAt,
    oldestAt: () => turns.oldestAt(tunnels.map(({ id }) => id)),
    oldestListAt: () => turns.oldestAt(accountIds),
  };
}

function createListsAlone(scenario: Scenario, requestBudget: number): Strategy {
  const client = createVirtualClient(scenario, requestBudget);
  const turns = createTurns(client, listsIn(scenario, client));
  return {
    step: turns.step,
    sentAt: () => client.sentAt,
    oldestAt: () => undefined,
    oldestListAt: () => turns.oldestAt(scenario.accountIds),
  };
}

function listsIn({ accountIds, simulation }: Scenario, client: VirtualClient): readonly Act[] {
  return accountIds.map((id) => ({
    key: id,
    act: () => client.list(id),
    requests: pagesOf(simulation.fleet.tunnels(id).length),
    // As often as the schedule allows.
    minAgeMs: POLL_MS,
  }));
}

/** The same lists and budget as the planner, and every tunnel in turn, without configurations. */
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
    oldestListAt: () => undefined,
  };
}

/**
 * Like exporters without a plan: every minute the list, then every tunnel, limited only by
 * Cloudflare.
 */
function createNaiveLoop(scenario: Scenario): Strategy {
  const { accountIds, simulation, now, start } = scenario;
  const tunnels = accountIds.flatMap((id) => simulation.fleet.tunnels(id));
  const sentAt: number[] = [];
  let queue: (() => void)[] = [];

  const send = (act: () => void): void => {
    sentAt.push(now());
    if (simulation.rateLimit.take(TOKEN, now()) === undefined) act();
    // Stops after a refusal.
    else queue = [];
  };
  return {
    step: () => {
      if ((now() - start) % 60_000 === 0 && queue.length === 0) {
        queue = [
          ...accountIds.map((id) => () => scenario.listed(id, 0)),
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
    oldestListAt: () => undefined,
  };
}
