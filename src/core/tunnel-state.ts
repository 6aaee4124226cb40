import {
  type Collector,
  type Configuration,
  type Connector,
  type Failure,
  type FailureReason,
  type ListEntry,
  type ListedTunnel,
  type Result,
  type TunnelStatus,
  hasNoConnections,
  servingConnectors,
} from './model.ts';
import { connectionChanges, hasFailedOver, hasNewStatus } from './changes.ts';
import { type Churn, churnAfter, NO_CHURN } from './churn.ts';
import { isEqual } from './equal.ts';
import {
  type LastServing,
  type Observed,
  type TunnelCounters,
  type TunnelState,
  UNKNOWN_ROUTES,
  UNOBSERVED,
} from './snapshot.ts';

/**
 * How one tunnel's state follows from what was observed of it. Every function returns the same object where nothing
 * has changed.
 */

const GOOD = { failingSince: undefined, failedAt: undefined, failedFor: undefined } as const;
const NO_TRANSITIONS: Readonly<Record<TunnelStatus, number>> = {
  healthy: 0,
  degraded: 0,
  down: 0,
  inactive: 0,
  unknown: 0,
};

/** A tunnel that a list shows: for the first time where `previous` is undefined. */
export function listed(previous: TunnelState | undefined, entry: ListEntry, at: number): TunnelState {
  const relisted = previous === undefined ? firstListed(entry.tunnel) : relist(previous, entry.tunnel, at);
  if (hasNoConnections(entry.tunnel.status)) return withoutConnections(relisted);
  if (entry.embedded === undefined) return relisted;
  return withConnectors(relisted, describe(entry.embedded, relisted.connectors.value), at);
}

/** What the connections endpoint answered. A tunnel listed down or inactive stays without connections. */
export function connectionsObserved(
  state: TunnelState,
  result: Result<readonly Connector[]>,
  at: number,
): TunnelState {
  if (hasNoConnections(state.tunnel.status)) return state;
  if (!result.ok) return failing(state, 'connectors', { at, failure: result.failure });
  const observed = withConnectors(state, result.value, at);
  return { ...observed, detailedAt: at, churn: churnOf(state, observed, at) };
}

/** After the first sight of a tunnel, its calm before then counts no more than this: it may have been another tunnel's life. */
const FIRST_SIGHT_MS = 6 * 3_600_000;
/** cloudflared opens its connections one after the other. */
const COMING_UP_MS = 60_000;

/**
 * How restless a tunnel's connections are, which the list does not tell. The youngest connector or connection says when
 * the last change was: a first sight already tells the calm ones from the others, and a change is known to be followed
 * by calm. What happened between two observations before that is not known, and counts for nothing.
 */
function churnOf(before: TunnelState, after: TunnelState, at: number): Churn {
  const since = before.detailedAt;
  const youngest = youngestOf(after.connectors.value ?? [], at);
  const cameUp = after.tunnel.activeAt ?? -Infinity;
  const told =
    (youngest !== undefined && youngest >= cameUp && youngest - cameUp < COMING_UP_MS) ||
    (since !== undefined && before.changedAt !== undefined && before.changedAt > since);
  if (since === undefined) {
    if (youngest === undefined) return before.churn;
    const calmMs = Math.min(FIRST_SIGHT_MS, at - youngest);
    return churnAfter(before.churn, {
      elapsedMs: Math.max(1, calmMs),
      changed: !told && calmMs < FIRST_SIGHT_MS,
    });
  }
  if (at < since) return before.churn;
  const changed = before.knownConnectors !== after.knownConnectors || before.counters !== after.counters;
  const calmSince = changed && youngest !== undefined ? Math.max(since, youngest) : since;
  return churnAfter(before.churn, { elapsedMs: Math.max(1, at - calmSince), changed: changed && !told });
}

/** When the youngest connector was started or the youngest connection opened, as far as that is not in the future. */
function youngestOf(connectors: readonly Connector[], at: number): number | undefined {
  let youngest: number | undefined;
  for (const { startedAt, connections } of connectors) {
    for (const time of [startedAt, ...connections.map(({ openedAt }) => openedAt)]) {
      if (time !== undefined && time <= at && time > (youngest ?? -Infinity)) youngest = time;
    }
  }
  return youngest;
}

/** What the configurations endpoint answered. */
export function configurationObserved(
  state: TunnelState,
  result: Result<Configuration | undefined>,
  at: number,
): TunnelState {
  if (!result.ok) return failing(state, 'configuration', { at, failure: result.failure });
  const known = state.configuration.value;
  const value = isEqual(known, result.value) ? known : result.value;
  return { ...state, configuration: { value, at, ...GOOD }, knownConfiguration: value };
}

/**
 * Drops what is older than `staleAfterMs` while every attempt to renew it fails. Data that merely waits for its turn
 * under the request budget stays: its age is a metric.
 */
export function withoutStale(state: TunnelState, now: number, staleAfterMs: number): TunnelState {
  const stale = (observed: Observed<unknown>): boolean => {
    const expiry = expiryOf(observed, staleAfterMs);
    // Far in the future: observed by a clock that has been set back since, so of unknown age.
    return expiry !== undefined && (expiry <= now || expiry >= now + 2 * staleAfterMs);
  };
  const connectors = stale(state.connectors) ? { ...state.connectors, value: undefined } : state.connectors;
  const configuration = stale(state.configuration)
    ? { ...state.configuration, value: undefined }
    : state.configuration;
  if (connectors === state.connectors && configuration === state.configuration) return state;
  const lastServing = connectors === state.connectors ? state.lastServing : lastServingOf(state);
  return { ...state, connectors, configuration, lastServing };
}

/** Only what counters go on from: observations made before a list was lost would lie when it comes back. */
export function withoutObservations(state: TunnelState): TunnelState {
  return {
    ...state,
    connectors: UNOBSERVED,
    detailedAt: undefined,
    changedAt: undefined,
    configuration: UNOBSERVED,
    lastServing: lastServingOf(state),
  };
}

/** As if its configuration had never been asked for. */
export function withoutConfiguration(state: TunnelState): TunnelState {
  if (state.configuration === UNOBSERVED && state.knownConfiguration === undefined) return state;
  return { ...state, configuration: UNOBSERVED, knownConfiguration: undefined };
}

/** When a value that fails to be renewed becomes too old to show; `undefined` for one that does not fail. */
export function expiryOf(observed: Observed<unknown>, staleAfterMs: number): number | undefined {
  if (observed.value === undefined || observed.failingSince === undefined) return undefined;
  return (observed.at ?? observed.failingSince) + staleAfterMs;
}

function firstListed(tunnel: ListedTunnel): TunnelState {
  return {
    tunnel,
    connectors: UNOBSERVED,
    detailedAt: undefined,
    changedAt: undefined,
    configuration: UNOBSERVED,
    counters: { transitions: NO_TRANSITIONS, opened: 0, closed: 0, failovers: 0 },
    routes: UNKNOWN_ROUTES,
    knownConnectors: undefined,
    lastServing: undefined,
    knownConfiguration: undefined,
    lastActiveConnector: undefined,
    churn: NO_CHURN,
  };
}

function relist(previous: TunnelState, tunnel: ListedTunnel, at: number): TunnelState {
  const before = previous.tunnel;
  if (isEqual(before, tunnel)) return previous;
  const changed =
    before.status !== tunnel.status ||
    before.activeAt !== tunnel.activeAt ||
    before.inactiveAt !== tunnel.inactiveAt;
  return {
    ...previous,
    tunnel,
    changedAt: changed ? at : previous.changedAt,
    counters: hasNewStatus(before, tunnel)
      ? transitionTo(previous.counters, tunnel.status)
      : previous.counters,
  };
}

function transitionTo(counters: TunnelCounters, status: TunnelStatus): TunnelCounters {
  return {
    ...counters,
    transitions: { ...counters.transitions, [status]: counters.transitions[status] + 1 },
  };
}

function withoutConnections(state: TunnelState): TunnelState {
  const { knownConnectors, counters } = state;
  const clean = state.connectors.value === undefined && state.connectors.failingSince === undefined;
  if (clean && state.connectors.at === undefined && knownConnectors?.length === 0) return state;
  const { closed } = connectionChanges(knownConnectors ?? NO_CONNECTORS, NO_CONNECTORS);
  return {
    ...state,
    connectors: UNOBSERVED,
    detailedAt: undefined,
    knownConnectors: NO_CONNECTORS,
    lastServing: lastServingOf(state),
    counters: { ...counters, closed: counters.closed + closed },
  };
}

const NO_CONNECTORS: readonly Connector[] = [];

/** What is known of connectors that may be gone: as last observed with a serving connection. */
function lastServingOf({ connectors: { value, at }, lastServing }: TunnelState): LastServing | undefined {
  if (value === undefined || at === undefined || servingConnectors(value).length === 0) return lastServing;
  return { connectors: value, at };
}

function withConnectors(state: TunnelState, connectors: readonly Connector[], at: number): TunnelState {
  const known = state.connectors.value;
  const value = known !== undefined && isEqual(known, connectors) ? known : connectors;
  const active = activeConnector(connectors, state.lastActiveConnector);
  return {
    ...state,
    connectors: { value, at, ...GOOD },
    knownConnectors: value,
    lastServing: servingConnectors(value).length > 0 ? undefined : lastServingOf(state),
    lastActiveConnector: active ?? state.lastActiveConnector,
    counters: countConnections(state, value, active),
  };
}

function countConnections(
  { knownConnectors, lastActiveConnector, counters }: TunnelState,
  connectors: readonly Connector[],
  active: string | undefined,
): TunnelCounters {
  const failedOver = hasFailedOver(lastActiveConnector, active);
  // The first observation is what later ones are counted against, not an event of its own.
  if (knownConnectors === undefined || (knownConnectors === connectors && !failedOver)) return counters;
  const { opened, closed } = connectionChanges(knownConnectors, connectors);
  return {
    ...counters,
    opened: counters.opened + opened,
    closed: counters.closed + closed,
    failovers: counters.failovers + (failedOver ? 1 : 0),
  };
}

/** The active connector; where several claim to be (split brain), the one that was active before, else the first. */
function activeConnector(connectors: readonly Connector[], before: string | undefined): string | undefined {
  const active = connectors.filter(({ haStatus }) => haStatus === 'active').map(({ id }) => id);
  return active.find((id) => id === before) ?? active.toSorted()[0];
}

/** Connectors from a list's embedded connections, with what the connections endpoint has told of them before. */
function describe(
  embedded: readonly Connector[],
  known: readonly Connector[] | undefined,
): readonly Connector[] {
  const byId = new Map(known?.map((connector) => [connector.id, connector]));
  return embedded.map((connector) => {
    const described = byId.get(connector.id);
    if (described === undefined) return connector;
    return {
      ...described,
      version: connector.version ?? described.version,
      connections: connector.connections,
    };
  });
}

function failing(
  state: TunnelState,
  what: 'connectors' | 'configuration',
  { at, failure }: { readonly at: number; readonly failure: Failure },
): TunnelState {
  // Not later than now, also after a clock has been set back: how long it has failed is what retries go by.
  const failingSince = Math.min(state[what].failingSince ?? at, at);
  return { ...state, [what]: { ...state[what], failingSince, failedAt: at, failedFor: failure.reason } };
}

/** Why a tunnel's detail requests fail says whether the collector is to blame: a tunnel deleted since the list is not. */
export function blamesCollector(reason: FailureReason): boolean {
  return reason !== 'not_found';
}

function blamed({ failedFor }: Observed<unknown>): FailureReason | undefined {
  return failedFor !== undefined && blamesCollector(failedFor) ? failedFor : undefined;
}

/** Whether what a collector last asked of a tunnel, for which it would ask again, failed. */
export function isFailing(state: TunnelState, collector: Collector): boolean {
  return failingFor(state, collector) !== undefined;
}

/** Returns why what a collector last asked of a tunnel, for which it would ask again, failed; `undefined` if it did not. */
export function failingFor(
  { tunnel, connectors, configuration }: TunnelState,
  collector: Collector,
): FailureReason | undefined {
  const serves = !hasNoConnections(tunnel.status);
  switch (collector) {
    case 'tunnels':
      return undefined;
    case 'connections':
      return serves && tunnel.type !== 'warp_connector' ? blamed(connectors) : undefined;
    case 'warp_connections':
      return serves && tunnel.type === 'warp_connector' ? blamed(connectors) : undefined;
    case 'configurations':
      // Those of tunnels that are down are asked for as well.
      return tunnel.status === 'inactive' || tunnel.configSource === 'local'
        ? undefined
        : blamed(configuration);
    case 'routes':
      return undefined;
  }
}
