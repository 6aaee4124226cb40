import pLimit from 'p-limit';
import type { Client } from '../cloudflare/client.ts';
import type { Token } from '../cloudflare/token.ts';
import type { Config } from '../config/config.ts';
import { type Collector, type Failure, failureOf, type Observation } from '../core/model.ts';
import { type DetailRequest, plan, type Plan } from '../core/plan.ts';
import { refreshAge, WINDOW_MS } from '../core/refresh.ts';
import { hasNoConnections } from '../core/serving.ts';
import type { AccountState } from '../core/snapshot.ts';
import { owedToWalks, pagesOf } from '../core/walks.ts';
import { turn } from '../turn.ts';
import { createRefusals } from './refusals.ts';
import type { SnapshotStore } from './store.ts';

export interface DetailsOptions {
  readonly accounts: readonly { readonly id: string }[];
  readonly client: Pick<Client, 'connections' | 'configuration' | 'budget'>;
  /** What was refused is asked anew when it is replaced. */
  readonly token?: Pick<Token, 'current'>;
  readonly store: SnapshotStore;
  readonly clock: () => number;
  readonly tunnels: Config['tunnels'];
  readonly concurrency: number;
  readonly pollIntervalMs: number;
}

export interface RoundOptions {
  readonly signal: AbortSignal;
  /** Only these accounts of the token. Default: all. */
  readonly accounts?: readonly { readonly id: string }[];
  /**
   * `urgent`: only what cannot wait, tunnels that a list shows to have changed or that were never observed. `once`: every
   * tunnel, nothing kept back. Default: `routine`.
   */
  readonly scope?: 'urgent' | 'routine' | 'once';
  /** What earlier rounds have asked for, which is not asked for again; grows. */
  readonly asked?: Set<string> | undefined;
}

interface RoundBounds {
  readonly allowance: number;
  readonly scope: RoundOptions['scope'];
  readonly asked?: ReadonlySet<string> | undefined;
}

export interface RoundOutcome {
  readonly observations: readonly Observation[];
  /** Tunnels that are due and that the budget did not allow to be observed. */
  readonly waiting: number;
  /** Requests of any kind that are due and that the budget did not allow. */
  readonly unafforded: number;
}

/** Observes the tunnels of one token, as much as its budget allows at a time. */
export interface Details {
  /** One plan, carried out and applied. Rounds may overlap: nothing is asked twice at once. */
  readonly round: (options: RoundOptions) => Promise<RoundOutcome>;
  /** How long until the budget allows a round worth making, in milliseconds. */
  readonly nextRoundMs: () => number;
  /** Observations for the collectors that have nothing to do, which is a success. */
  readonly idle: () => Promise<readonly Observation[]>;
}

/** Kept of the bucket for what cannot wait, when a data center drains and many tunnels change at once. */
const URGENT_REQUESTS = 36;
/** But no more than this part of it. */
const URGENT_SHARE = 0.5;
/** Between polls the budget is let to grow by this part of the bucket before the next plan: planning a large fleet costs. */
const ROUND_SHARE = 1 / 16;
/** Observed so much of a poll interval ago, a tunnel has had its turn in this poll. */
const TURN_SHARE = 0.75;
const SHORTEST_PAUSE_MS = 1_000;

export function createDetails(options: DetailsOptions): Details {
  const { client, store, clock, tunnels, pollIntervalMs } = options;
  const { budget } = client;
  const inFlight = new Set<string>();
  let token = options.token?.current();
  let renewedAt: number | undefined;
  const perMs = budget.requests / WINDOW_MS;

  const statesOf = (accounts: readonly { readonly id: string }[]): readonly AccountState[] =>
    accounts.flatMap(({ id }) => store.current().accounts.get(id) ?? []);

  const planRound = (
    accounts: readonly { readonly id: string }[],
    { allowance, scope, asked }: RoundBounds,
  ): Plan => {
    if (options.token?.current() !== token) {
      token = options.token?.current();
      renewedAt = clock();
    }
    const all = statesOf(options.accounts);
    const serving = all.reduce((sum, account) => sum + servingIn(account), 0);
    const listRequests = all.reduce((sum, account) => sum + pagesOf(account.tunnels.size), 0);
    const busy = new Set([...inFlight, ...(asked ?? [])].map(tunnelIdIn));
    const reserve =
      scope === 'once' ? 0 : Math.floor(Math.min(budget.capacity * URGENT_SHARE, URGENT_REQUESTS, serving));
    return plan(statesOf(accounts), {
      now: clock(),
      allowance,
      routine: scope === 'urgent' ? 0 : Math.max(0, allowance - reserve),
      fairShareMs: refreshAge({ serving, listRequests, pollIntervalMs, requestBudget: budget.requests }),
      minAgeMs: scope === 'once' ? 0 : pollIntervalMs * TURN_SHARE,
      renewedAt,
      configurations: tunnels.configurations,
      // No key is made for the thousands of tunnels that nothing is asked of.
      isInFlight: (request) =>
        busy.has(request.tunnel.id) && (inFlight.has(keyOf(request)) || asked?.has(keyOf(request)) === true),
    });
  };

  const ask = ({ kind, tunnel }: DetailRequest, signal: AbortSignal): Promise<Observation> =>
    kind === 'connections' ? client.connections(tunnel, signal) : client.configuration(tunnel, signal);

  const observe = async (
    requests: readonly DetailRequest[],
    signal: AbortSignal,
  ): Promise<readonly Observation[]> => {
    const limit = pLimit(options.concurrency);
    const refusals = createRefusals();
    const observeOne = async (request: DetailRequest): Promise<Observation> => {
      const endpoint = `${request.kind} ${request.tunnel.type} ${request.tunnel.accountId}`;
      const refused = refusals.of(endpoint);
      if (refused !== undefined) return unasked(request, refused, clock());
      const observation = await ask(request, signal);
      refusals.answered(endpoint, failureOf(observation));
      return observation;
    };
    return Promise.all(requests.map((request) => limit(observeOne, request)));
  };

  return {
    round: async ({ signal, accounts = options.accounts, scope, asked }) => {
      // A plan, and what is applied, are each a piece of work for a large fleet.
      await turn();
      const owed = owedToWalks(statesOf(options.accounts), {
        now: clock(),
        pollIntervalMs,
        requestBudget: budget.requests,
      });
      // Not all of the bucket: accounts whose lists keep failing are always due.
      const kept = Math.min(owed, budget.capacity / 2);
      const allowance = Math.max(0, Math.floor(budget.available() - kept));
      const { requests, waiting, unafforded } = planRound(accounts, { allowance, scope, asked });
      const keys = requests.map(keyOf);
      for (const key of keys) {
        asked?.add(key);
        inFlight.add(key);
      }
      try {
        const observations = await observe(requests, signal);
        if (observations.length > 0) await turn();
        if (signal.aborted) return { observations: [], waiting, unafforded };
        if (observations.length > 0) store.apply(observations);
        return { observations, waiting, unafforded };
      } finally {
        for (const key of keys) inFlight.delete(key);
      }
    },
    nextRoundMs: () => {
      const wanted = Math.max(options.concurrency, budget.capacity * ROUND_SHARE);
      // A small bucket overflows before it holds so many.
      const requests = Math.min(wanted, budget.capacity * URGENT_SHARE);
      return Math.max(SHORTEST_PAUSE_MS, Math.ceil(requests / perMs));
    },
    idle: async () => {
      await turn();
      const polled = polledCollectors(tunnels);
      const now = clock();
      return statesOf(options.accounts)
        .filter(({ up }) => up === true)
        .flatMap(({ id }) =>
          planRound([{ id }], { allowance: 0, scope: 'routine' })
            .idle.filter((collector) => polled.has(collector))
            .map((collector): Observation => ({ kind: 'idle', accountId: id, collector, at: now })),
        );
    },
  };
}

function polledCollectors({ types, configurations }: Config['tunnels']): ReadonlySet<Collector> {
  const polled = new Set<Collector>();
  if (types.includes('cfd_tunnel')) polled.add('connections');
  if (types.includes('warp_connector')) polled.add('warp_connections');
  if (configurations && polled.size > 0) polled.add('configurations');
  return polled;
}

function servingIn({ tunnels }: AccountState): number {
  let serving = 0;
  for (const { tunnel } of tunnels.values()) if (!hasNoConnections(tunnel.status)) serving += 1;
  return serving;
}

function keyOf({ kind, tunnel }: DetailRequest): string {
  return `${kind} ${tunnel.accountId} ${tunnel.id}`;
}

/** No id holds a space. */
function tunnelIdIn(key: string): string {
  return key.slice(key.lastIndexOf(' ') + 1);
}

/** What is known to fail is not asked for again in this round, yet the tunnel's data is as unknown as if it were. */
function unasked({ kind, tunnel }: DetailRequest, failure: Failure, at: number): Observation {
  return { kind, accountId: tunnel.accountId, tunnelId: tunnel.id, at, result: { ok: false, failure } };
}
