import { type Collector, failureOf, type Observation, type TunnelType } from './model.ts';
import type { AccountState, CollectorState, Snapshot, TunnelState } from './snapshot.ts';
import {
  blamesCollector,
  configurationObserved,
  connectionsObserved,
  expiryOf,
  forgetful,
  listed,
  withoutStale,
} from './tunnel-state.ts';

export interface AdvanceOptions {
  readonly now: number;
  readonly staleAfterMs: number;
}

/**
 * The one place where time passes: the snapshot that follows from the previous one, what was observed since, and
 * `now`. Observations of one account in one call are one pass: a collector succeeded where none of its observations
 * failed. A failed walk removes nothing; data too old to show is hidden, and its counters go on when it comes back.
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
    accounts.set(account.id, hideStale(observed, now, staleAfterMs));
  }
  return { takenAt: now, accounts };
}

/** When, without any observation, the next thing becomes too old to show; `undefined` where nothing is shown. */
export function nextExpiry(snapshot: Snapshot, staleAfterMs: number): number | undefined {
  let next = Infinity;
  for (const account of snapshot.accounts.values()) {
    for (const at of account.listedAt.values()) next = Math.min(next, at + staleAfterMs);
    for (const { connectors, configuration } of account.tunnels.values()) {
      next = Math.min(
        next,
        expiryOf(connectors, staleAfterMs) ?? Infinity,
        expiryOf(configuration, staleAfterMs) ?? Infinity,
      );
    }
  }
  return next === Infinity ? undefined : next;
}

function observe(account: AccountState, observations: readonly Observation[]): AccountState {
  if (observations.length === 0) return account;
  const walks = observations.filter((observation) => observation.kind === 'tunnels');
  const afterWalks = observeWalks(account, walks);
  const tunnels = new Map(afterWalks.tunnels);
  for (const observation of observations) observeDetail(tunnels, observation);
  return {
    ...afterWalks,
    tunnels,
    collectors: collectorsAfter(afterWalks, observations),
    up: walks.length === 0 ? account.up : walks.every(succeeded),
  };
}

type Walk = Extract<Observation, { readonly kind: 'tunnels' }>;

/**
 * A complete walk is the truth about its types: what it does not show is gone. A failed one says nothing. A tunnel of
 * unknown type can stand in any list: it is gone where every list of the pass is complete and none shows it.
 */
function observeWalks(account: AccountState, walks: readonly Walk[]): AccountState {
  const complete = walks.flatMap(({ types, at, result }) =>
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
      seen.set(id, listed(account.tunnels.get(id) ?? account.hidden.get(id), entry, at));
    }
  }
  const allComplete = complete.length === walks.length;
  const isToldOf = (type: TunnelType): boolean => covered.has(type) && (type !== 'unknown' || allComplete);
  const untold = (states: ReadonlyMap<string, TunnelState>): [string, TunnelState][] =>
    [...states].filter(([id, { tunnel }]) => !seen.has(id) && !isToldOf(tunnel.type));
  return {
    ...account,
    listedAt: new Map([...account.listedAt, ...covered]),
    tunnels: new Map([...untold(account.tunnels), ...seen]),
    hidden: new Map(untold(account.hidden)),
  };
}

function observeDetail(tunnels: Map<string, TunnelState>, observation: Observation): void {
  if (observation.kind === 'tunnels' || observation.kind === 'idle') return;
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
    const success = group.every(succeeded);
    const lastSuccessAt = success
      ? Math.max(...group.map(({ at }) => at))
      : collectors[collector].lastSuccessAt;
    collectors[collector] = { success, lastSuccessAt };
  }
  return collectors;
}

function collectorOf(account: AccountState, observation: Observation): Collector {
  switch (observation.kind) {
    case 'tunnels':
      return 'tunnels';
    case 'configuration':
      return 'configurations';
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
  return failure === undefined || (observation.kind !== 'tunnels' && !blamesCollector(failure));
}

function hideStale(account: AccountState, now: number, staleAfterMs: number): AccountState {
  const listedAt = new Map([...account.listedAt].filter(([, at]) => now - at < staleAfterMs));
  const tunnels = new Map<string, TunnelState>();
  const hidden = new Map(account.hidden);
  for (const [id, state] of account.tunnels) {
    if (listedAt.has(state.tunnel.type)) tunnels.set(id, withoutStale(state, now, staleAfterMs));
    else hidden.set(id, forgetful(state));
  }
  return { ...account, listedAt, tunnels, hidden };
}
