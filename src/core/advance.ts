import { churnAfter } from './churn.ts';
import { collectorsAfter, succeeded } from './collectors.ts';
import { listStaleAfter } from './intervals.ts';
import { failureOf, type Observation, ROUTE_KINDS, type TunnelType } from './model.ts';
import { routesExpiryOf, routesObserved, withoutStaleRoutes, withRoutesOf } from './routes.ts';
import { withoutStaleEdge } from './sidecar-state.ts';
import {
  type AccountState,
  failingSince,
  type ListState,
  type Snapshot,
  type TunnelState,
} from './snapshot.ts';
import {
  configurationObserved,
  connectionsObserved,
  expiryOf,
  tunnelListed,
  withoutObservations,
  withoutStale,
} from './tunnel-state.ts';

/**
 * Computes the next snapshot from the previous one, the observations made since, and `now`. Pure:
 * all changes of state that depend on time happen here. A failed list removes no tunnel. Stale data
 * is hidden, and its counters continue when it returns.
 */
export function advance(
  previous: Snapshot,
  observations: readonly Observation[],
  { now, staleAfterMs }: { readonly now: number; readonly staleAfterMs: number },
): Snapshot {
  const byAccount = Map.groupBy(observations, ({ accountId }) => accountId);
  const accounts = new Map<string, AccountState>();
  for (const account of previous.accounts.values()) {
    const observed = observe(account, byAccount.get(account.id) ?? []);
    const isUnchanged =
      observed === account && now >= previous.takenAt && now < expiryOfAccount(account, staleAfterMs);
    accounts.set(account.id, isUnchanged ? account : hideStale(observed, now, staleAfterMs));
  }
  const sidecar = withoutStaleEdge(previous.sidecar, { now, staleAfterMs });
  return { takenAt: now, accounts, sidecar };
}

/** When the next thing becomes stale if nothing is observed; undefined if nothing can. */
export function nextExpiry(snapshot: Snapshot, staleAfterMs: number): number | undefined {
  let next = (snapshot.sidecar?.edge?.at ?? Infinity) + staleAfterMs;
  for (const account of snapshot.accounts.values())
    next = Math.min(next, expiryOfAccount(account, staleAfterMs));
  return next === Infinity ? undefined : next;
}

/** A cache: after each observation the expiry of all accounts is needed, and most are unchanged. */
const expiries = new WeakMap<AccountState, { readonly staleAfterMs: number; readonly at: number }>();

function expiryOfAccount(account: AccountState, staleAfterMs: number): number {
  const known = expiries.get(account);
  if (known?.staleAfterMs === staleAfterMs) return known.at;
  let at = Infinity;
  for (const listedAt of account.listedAt.values())
    at = Math.min(at, listedAt + listStaleAfter(account, staleAfterMs));
  for (const { connectors, configuration } of account.tunnels.values()) {
    at = Math.min(
      at,
      expiryOf(connectors, staleAfterMs) ?? Infinity,
      expiryOf(configuration, staleAfterMs) ?? Infinity,
    );
  }
  for (const kind of ROUTE_KINDS)
    at = Math.min(at, routesExpiryOf(account.routes[kind], staleAfterMs) ?? Infinity);
  expiries.set(account, { staleAfterMs, at });
  return at;
}

function observe(account: AccountState, observations: readonly Observation[]): AccountState {
  if (observations.length === 0) return account;
  const lists = observations.filter((observation) => observation.kind === 'tunnels');
  const afterLists = observeLists(account, lists);
  const tunnels = observeDetails(afterLists.tunnels, observations);
  const routes = observations.filter((observation) => observation.kind === 'routes');
  const observed = routesObserved({ ...afterLists, tunnels }, routes);
  return {
    ...observed,
    collectors: collectorsAfter(observed, observations),
    up: lists.length === 0 ? account.up : lists.every(succeeded),
    list: listStateAfter(account, afterLists, observations),
  };
}

type ListObservation = Extract<Observation, { readonly kind: 'tunnels' }>;

function listStateAfter(
  before: AccountState,
  after: AccountState,
  observations: readonly Observation[],
): ListState {
  let { list } = before;
  for (const observation of observations)
    if (observation.kind === 'list_interval') list = { ...list, intervalMs: observation.intervalMs };
  const lists = observations.filter((observation) => observation.kind === 'tunnels');
  if (lists.length === 0) return list;
  const at = Math.max(...lists.map((each) => each.at));
  if (!lists.every(succeeded)) return { ...list, answeredAt: at, failingSince: failingSince(list, at) };
  const requests = lists.reduce((sum, each) => sum + (each.requests ?? 1), 0);
  const elapsedMs = list.answeredAt === undefined ? 0 : at - list.answeredAt;
  const changed = before.listedAt.size > 0 && isListChanged(before.tunnels, after.tunnels);
  return {
    ...list,
    answeredAt: at,
    failingSince: undefined,
    requests,
    churn: churnAfter(list.churn, { elapsedMs, changed }),
  };
}

/** Whether a list shows tunnels that appeared, disappeared or have changed. */
function isListChanged(before: AccountState['tunnels'], after: AccountState['tunnels']): boolean {
  if (before.size !== after.size) return true;
  for (const [id, { tunnel }] of after) if (before.get(id)?.tunnel !== tunnel) return true;
  return false;
}

/**
 * A complete list replaces the tunnels of its types, and a failed one changes nothing. A tunnel of
 * unknown type can be in any list. It is removed if every list of the poll is complete and none
 * contains it.
 */
function observeLists(account: AccountState, lists: readonly ListObservation[]): AccountState {
  const complete = lists.flatMap(({ types, at, result }) =>
    result.ok ? [{ types, at, entries: result.value }] : [],
  );
  if (complete.length === 0) return account;
  const covered = new Map<TunnelType, number>(
    complete.flatMap(({ types, at }) =>
      [...types, 'unknown' as const].map((type): [TunnelType, number] => [type, at]),
    ),
  );
  const listed = new Map<string, TunnelState>();
  for (const { entries, at } of complete) {
    for (const entry of entries) {
      const { id, type } = entry.tunnel;
      if (!covered.has(type)) continue;
      const shown = account.tunnels.get(id);
      const after = tunnelListed(shown ?? account.hidden.get(id), entry, at);
      // Tunnels that are shown already have their routes.
      listed.set(id, shown === undefined ? withRoutesOf(after, account.routes) : after);
    }
  }
  const isEveryListComplete = complete.length === lists.length;
  const isReplaced = (type: TunnelType): boolean =>
    covered.has(type) && (type !== 'unknown' || isEveryListComplete);
  const notReplaced = (states: AccountState['tunnels']): AccountState['tunnels'] => {
    const kept = new Map<string, TunnelState>();
    for (const [id, state] of states)
      if (!listed.has(id) && !isReplaced(state.tunnel.type)) kept.set(id, state);
    return kept;
  };
  const others = notReplaced(account.tunnels);
  const everListed = account.everListed.union(covered);
  return {
    ...account,
    listedAt: new Map([...account.listedAt, ...covered]),
    everListed: everListed.size === account.everListed.size ? account.everListed : everListed,
    tunnels: others.size === 0 ? listed : new Map([...others, ...listed]),
    hidden: notReplaced(account.hidden),
  };
}

function observeDetails(
  tunnels: AccountState['tunnels'],
  observations: readonly Observation[],
): AccountState['tunnels'] {
  const details = observations.filter(({ kind }) => kind === 'connections' || kind === 'configuration');
  if (details.length === 0) return tunnels;
  const after = new Map(tunnels);
  for (const observation of newestOnly(details)) observeDetail(after, observation);
  return after;
}

/** Keeps the last of several successes about the same thing, so that a step is one change. */
function newestOnly(details: readonly Observation[]): readonly Observation[] {
  if (details.length === 1) return details;
  const newest = new Map<string, Observation>();
  for (const detail of details) if (failureOf(detail) === undefined) newest.set(keyOf(detail), detail);
  return details.filter((detail) => failureOf(detail) !== undefined || newest.get(keyOf(detail)) === detail);
}

function keyOf(detail: Observation): string {
  return 'tunnelId' in detail ? `${detail.kind} ${detail.tunnelId}` : detail.kind;
}

function observeDetail(tunnels: Map<string, TunnelState>, observation: Observation): void {
  if (observation.kind !== 'connections' && observation.kind !== 'configuration') return;
  const state = tunnels.get(observation.tunnelId);
  if (state === undefined) return;
  const after =
    observation.kind === 'connections'
      ? connectionsObserved(state, observation.result, observation.at)
      : configurationObserved(state, observation.result, observation.at);
  tunnels.set(observation.tunnelId, after);
}

function hideStale(observed: AccountState, now: number, staleAfterMs: number): AccountState {
  const account = withoutStaleRoutes(observed, now, staleAfterMs);
  // Times far in the future are from before the clock was set back, so their age is unknown.
  const listStaleAfterMs = listStaleAfter(account, staleAfterMs);
  const listedAt = new Map([...account.listedAt].filter(([, at]) => Math.abs(now - at) < listStaleAfterMs));
  const isFresh = (state: TunnelState): boolean =>
    listedAt.has(state.tunnel.type) && withoutStale(state, now, staleAfterMs) === state;
  if (account.tunnels.values().every(isFresh)) return { ...account, listedAt };
  const tunnels = new Map<string, TunnelState>();
  const hidden = new Map(account.hidden);
  for (const [id, state] of account.tunnels) {
    if (listedAt.has(state.tunnel.type)) tunnels.set(id, withoutStale(state, now, staleAfterMs));
    else hidden.set(id, withoutObservations(state));
  }
  return { ...account, listedAt, tunnels, hidden };
}
