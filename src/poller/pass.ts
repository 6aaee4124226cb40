import { setTimeout as sleep } from 'node:timers/promises';
import pLimit from 'p-limit';
import type { Client } from '../cloudflare/client.ts';
import type { Token } from '../cloudflare/token.ts';
import type { Config } from '../config/config.ts';
import { type Collector, type Failure, failureOf, type Observation } from '../core/model.ts';
import { type DetailRequest, plan, type Plan } from '../core/plan.ts';
import { isSelected } from '../core/select.ts';
import type { AccountState } from '../core/snapshot.ts';
import { createRefusals } from './refusals.ts';
import type { SnapshotStore } from './store.ts';

/** The accounts that one API token, and so one request budget, serves. */
export interface TokenGroup {
  readonly accounts: readonly { readonly id: string }[];
  readonly token: Token;
  readonly client: Client;
}

export interface PassOptions {
  readonly tunnels: Config['tunnels'];
  readonly concurrency: number;
  readonly store: SnapshotStore;
  readonly clock: () => number;
  readonly signal: AbortSignal;
  /** Observe every tunnel now, however long the budget makes that take. */
  readonly exhaustive: boolean;
}

export interface PassOutcome {
  /** Failures by account and collector, for the log. */
  readonly observations: readonly Observation[];
  /** Tunnels whose connections the budget did not allow to be observed. */
  readonly waiting: number;
}

/** A list walk's page size: what the next pass needs of the budget before any detail. */
const TUNNELS_PER_PAGE = 1000;
const BUDGET_CHECK_MS = 100;

/**
 * One pass with one token: lists first, each account published as soon as its walk is done; then the details that the
 * plan finds worth the budget.
 */
export async function runPass(group: TokenGroup, options: PassOptions): Promise<PassOutcome> {
  const { store, signal, tunnels } = options;
  const walks = await Promise.all(
    group.accounts.map(async (account) => {
      const observations = await group.client.listTunnels(account, tunnels.types, signal);
      const selected = observations.map((observation) => select(observation, tunnels));
      if (!signal.aborted) store.apply(selected);
      return selected;
    }),
  );
  if (signal.aborted) return { observations: [], waiting: 0 };

  const next = planDetails(group, options);
  const idle = idleObservations(group, options);
  const details = await observeDetails(group, next.requests, options);
  if (signal.aborted) return { observations: [], waiting: 0 };
  store.apply([...details, ...idle]);
  return { observations: [...walks.flat(), ...details, ...idle], waiting: next.waiting };
}

function select(observation: Observation, tunnels: Config['tunnels']): Observation {
  if (observation.kind !== 'tunnels' || !observation.result.ok) return observation;
  const value = observation.result.value.filter(({ tunnel }) => isSelected(tunnel, tunnels));
  return { ...observation, result: { ok: true, value } };
}

function planDetails(group: TokenGroup, { store, clock, tunnels, exhaustive }: PassOptions): Plan {
  const accounts = accountStates(group, store);
  const nextLists = accounts.reduce(
    (sum, { tunnels: listed }) => sum + Math.ceil((listed.size || 1) / TUNNELS_PER_PAGE),
    0,
  );
  const affordable = Math.max(0, Math.floor(group.client.budget.available()) - nextLists);
  return plan(accounts, {
    now: clock(),
    allowance: exhaustive ? Number.MAX_SAFE_INTEGER : affordable,
    configurations: tunnels.configurations,
  });
}

function accountStates({ accounts }: TokenGroup, store: SnapshotStore): readonly AccountState[] {
  return accounts.flatMap(({ id }) => store.current().accounts.get(id) ?? []);
}

async function observeDetails(
  { client }: TokenGroup,
  requests: readonly DetailRequest[],
  { concurrency, clock, signal, exhaustive }: PassOptions,
): Promise<readonly Observation[]> {
  const limit = pLimit(concurrency);
  const refusals = createRefusals();
  const observe = async (request: DetailRequest): Promise<Observation> => {
    const { kind, tunnel } = request;
    const endpoint = `${kind} ${tunnel.type} ${tunnel.accountId}`;
    const refused = refusals.of(endpoint);
    if (refused !== undefined) return unasked(request, refused, clock());
    const observation =
      kind === 'connections'
        ? await client.connections(tunnel, signal)
        : await client.configuration(tunnel, signal);
    refusals.answered(endpoint, failureOf(observation));
    return observation;
  };
  const observations: Observation[] = [];
  while (observations.length < requests.length && !signal.aborted) {
    const affordable = exhaustive ? await whatBudgetAllows(client.budget, signal) : requests.length;
    const slice = requests.slice(observations.length, observations.length + affordable);
    observations.push(...(await Promise.all(slice.map((request) => limit(observe, request)))));
  }
  return observations;
}

/** Waits until there is budget for one request at least: the client itself waits no longer than a request may take. */
async function whatBudgetAllows(budget: Client['budget'], signal: AbortSignal): Promise<number> {
  // While Cloudflare refuses, the rest fails at once.
  while (budget.available() < 1 && budget.blockedUntil() === undefined && !signal.aborted) {
    await sleep(BUDGET_CHECK_MS, undefined, { signal }).catch(() => undefined);
  }
  return budget.blockedUntil() === undefined ? Math.max(1, Math.floor(budget.available())) : Infinity;
}

/** What is known to fail is not asked for again in this pass, yet the tunnel's data is as unknown as if it were. */
function unasked({ kind, tunnel }: DetailRequest, failure: Failure, at: number): Observation {
  return { kind, accountId: tunnel.accountId, tunnelId: tunnel.id, at, result: { ok: false, failure } };
}

/** A collector with nothing due in a listed account has succeeded there, whatever is due in other accounts. */
function idleObservations(group: TokenGroup, { store, clock, tunnels }: PassOptions): readonly Observation[] {
  const polled = new Set<Collector>();
  if (tunnels.types.includes('cfd_tunnel')) polled.add('connections');
  if (tunnels.types.includes('warp_connector')) polled.add('warp_connections');
  if (tunnels.configurations && polled.size > 0) polled.add('configurations');
  const now = clock();
  const idleIn = (account: AccountState): readonly Collector[] =>
    plan([account], { now, allowance: 0, configurations: tunnels.configurations }).idle;
  return accountStates(group, store)
    .filter(({ up }) => up === true)
    .flatMap((account) =>
      idleIn(account)
        .filter((collector) => polled.has(collector))
        .map((collector): Observation => ({ kind: 'idle', accountId: account.id, collector, at: now })),
    );
}
