import {
  type Collector,
  FAILURE_REASONS,
  type FailureReason,
  failureOf,
  type Observation,
  ROUTE_KINDS,
  type TunnelType,
} from './model.ts';
import { churnAfter } from './churn.ts';
import { listStaleAfter } from './intervals.ts';
import { routesExpiryOf, routesObserved, withoutStaleRoutes, withRoutesOf } from './routes.ts';
import { withoutStaleEdge } from './sidecar-state.ts';
import type { AccountState, CollectorState, ListState, Snapshot, TunnelState } from './snapshot.ts';
import {
  blamesCollector,
  configurationObserved,
  connectionsObserved,
  expiryOf,
  failingFor,
  withoutObservations,
  isFailing,
  listed,
  withoutStale,
} from './tunnel-state.ts';

export interface AdvanceOptions {
  readonly now: number;
  readonly staleAfterMs: number;
}

/**
 * The one place where time passes: the snapshot that follows from the previous one, what was observed since, and
 * `now`. A collector succeeds where none of its observations failed, and nothing that failed earlier is still to be
 * made good. A failed list removes nothing; data too old to show is hidden, and its counters go on when it comes back.
 */
export function advance(
  previous: Snapshot,
  observations: readonly Observation[],
  { now, staleAfterMs }: AdvanceOptions,
): Snapshot {
  const byAccount = Map.groupBy(observations, ({ accountId }) => accountId);
  const accounts = new Map<string, AccountState>();
  for (const account of previous.accounts.values()) {
    const observed = observe(account, byAccount.get(account.id) ?? []);
    const isAsBefore =
      observed === account && now >= previous.takenAt && now < expiryOfAccount(account, staleAfterMs);
    accounts.set(account.id, isAsBefore ? account : hideStale(observed, now, staleAfterMs));
  }
  const sidecar = withoutStaleEdge(previous.sidecar, { now, staleAfterMs });
  return { takenAt: now, accounts, sidecar };
}

/** When, without any observation, the next thing becomes too old to show; `undefined` where nothing is shown. */
export function nextExpiry(snapshot: Snapshot, staleAfterMs: number): number | undefined {
  let next = (snapshot.sidecar?.edge?.at ?? Infinity) + staleAfterMs;
  for (const account of snapshot.accounts.values())
    next = Math.min(next, expiryOfAccount(account, staleAfterMs));
  return next === Infinity ? undefined : next;
}

interface Expiry {
  readonly staleAfterMs: number;
  readonly at: number;
}

/** Each step for one account asks for that of all the others, which have not changed. */
const expiries = new WeakMap<AccountState, Expiry>();

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
  if (!lists.every(succeeded))
    // Not later than now, also after a clock has been set back: how long it has failed is what retries go by.
    return { ...list, answeredAt: at, failingSince: Math.min(list.failingSince ?? at, at) };
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

/** Whether a list shows tunnels that came, went or have changed. */
function isListChanged(before: AccountState['tunnels'], after: AccountState['tunnels']): boolean {
  if (before.size !== after.size) return true;
  for (const [id, { tunnel }] of after) if (before.get(id)?.tunnel !== tunnel) return true;
  return false;
}

/**
 * A complete list is the truth about its types: what it does not show is gone. A failed one says nothing. A tunnel of
 * unknown type can stand in any list: it is gone where every list of the poll is complete and none shows it.
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
  const seen = new Map<string, TunnelState>();
  for (const { entries, at } of complete) {
    for (const entry of entries) {
      const { id, type } = entry.tunnel;
      if (!covered.has(type)) continue;
      const shown = account.tunnels.get(id);
      const after = listed(shown ?? account.hidden.get(id), entry, at);
      // Those that are shown already have their routes.
      seen.set(id, shown === undefined ? withRoutesOf(after, account.routes) : after);
    }
  }
  const allComplete = complete.length === lists.length;
  const isToldOf = (type: TunnelType): boolean => covered.has(type) && (type !== 'unknown' || allComplete);
  const untold = (states: ReadonlyMap<string, TunnelState>): ReadonlyMap<string, TunnelState> => {
    const left = new Map<string, TunnelState>();
    for (const [id, state] of states) {
      if (!seen.has(id) && !isToldOf(state.tunnel.type)) left.set(id, state);
    }
    return left;
  };
  const others = untold(account.tunnels);
  return {
    ...account,
    listedAt: new Map([...account.listedAt, ...covered]),
    everListed: withAll(account.everListed, covered.keys()),
    tunnels: others.size === 0 ? seen : new Map([...others, ...seen]),
    hidden: untold(account.hidden),
  };
}

function withAll<T>(set: ReadonlySet<T>, values: Iterable<T>): ReadonlySet<T> {
  const all = new Set([...set, ...values]);
  return all.size === set.size ? set : all;
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

/** Of several good answers about the same thing the last: counters and events see one change for each step. */
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

function collectorsAfter(
  account: AccountState,
  observations: readonly Observation[],
): Readonly<Record<Collector, CollectorState>> {
  const collectors: Record<Collector, CollectorState> = { ...account.collectors };
  for (const [collector, group] of Map.groupBy(observations, (observation) =>
    collectorOf(account, observation),
  )) {
    if (collector === undefined) continue;
    const success = group.every(succeeded) && !isStillFailing(account, collector);
    const lastSuccessAt = success
      ? Math.max(...group.map(({ at }) => at))
      : collectors[collector].lastSuccessAt;
    const failedFor = success ? undefined : reasonOf(group, { account, collector });
    collectors[collector] = { success, lastSuccessAt, ...(failedFor === undefined ? {} : { failedFor }) };
  }
  return collectors;
}

function isStillFailing({ tunnels, routes }: AccountState, collector: Collector): boolean {
  if (collector === 'routes') return ROUTE_KINDS.some((kind) => routes[kind].failedFor !== undefined);
  return tunnels.values().some((state) => isFailing(state, collector));
}

/** Returns why a collector fails; of several reasons the one that stands first in FAILURE_REASONS. */
function reasonOf(
  group: readonly Observation[],
  { account, collector }: { readonly account: AccountState; readonly collector: Collector },
): FailureReason | undefined {
  const reasons = new Set<FailureReason | undefined>();
  for (const observation of group) if (!succeeded(observation)) reasons.add(failureOf(observation)?.reason);
  if (collector === 'routes') for (const kind of ROUTE_KINDS) reasons.add(account.routes[kind].failedFor);
  for (const state of account.tunnels.values()) reasons.add(failingFor(state, collector));
  return FAILURE_REASONS.find((reason) => reasons.has(reason));
}

function collectorOf(account: AccountState, observation: Observation): Collector | undefined {
  switch (observation.kind) {
    case 'list_interval':
      return undefined;
    case 'tunnels':
      return 'tunnels';
    case 'configuration':
      return 'configurations';
    case 'routes':
      return 'routes';
    case 'idle':
      return observation.collector;
    case 'connections':
      return typeOf(account, observation.tunnelId) === 'warp_connector' ? 'warp_connections' : 'connections';
  }
}

function typeOf({ tunnels, hidden }: AccountState, tunnelId: string): TunnelType | undefined {
  return (tunnels.get(tunnelId) ?? hidden.get(tunnelId))?.tunnel.type;
}

function succeeded(observation: Observation): boolean {
  const failure = failureOf(observation);
  if (failure === undefined) return true;
  const isDetail = observation.kind === 'connections' || observation.kind === 'configuration';
  return isDetail && !blamesCollector(failure.reason);
}

function hideStale(observed: AccountState, now: number, staleAfterMs: number): AccountState {
  const account = withoutStaleRoutes(observed, now, staleAfterMs);
  // Times far in the future are those of a clock that has been set back since: their age is not known.
  const listStaleAfterMs = listStaleAfter(account, staleAfterMs);
  const listedAt = new Map([...account.listedAt].filter(([, at]) => Math.abs(now - at) < listStaleAfterMs));
  const isStill = (state: TunnelState): boolean =>
    listedAt.has(state.tunnel.type) && withoutStale(state, now, staleAfterMs) === state;
  if (account.tunnels.values().every(isStill)) return { ...account, listedAt };
  const tunnels = new Map<string, TunnelState>();
  const hidden = new Map(account.hidden);
  for (const [id, state] of account.tunnels) {
    if (listedAt.has(state.tunnel.type)) tunnels.set(id, withoutStale(state, now, staleAfterMs));
    else hidden.set(id, withoutObservations(state));
  }
  return { ...account, listedAt, tunnels, hidden };
}
