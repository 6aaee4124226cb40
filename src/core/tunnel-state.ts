import { connectionChanges, hasFailedOver, hasNewStatus } from './changes.ts';
import { connectionChurn } from './churn.ts';
import { isEqual } from './equal.ts';
import {
  type Configuration,
  type Connector,
  hasNoConnections,
  type ListEntry,
  type ListedTunnel,
  type Result,
  servingConnectors,
  type TunnelStatus,
} from './model.ts';
import {
  afterFailure,
  afterSuccess,
  type LastServing,
  NO_CHURN,
  type Observed,
  type TunnelCounters,
  type TunnelState,
  UNKNOWN_ROUTES,
  UNOBSERVED,
} from './snapshot.ts';

/** Computes a tunnel's next state. Returns the same object if nothing has changed. */

const NO_TRANSITIONS: Readonly<Record<TunnelStatus, number>> = {
  healthy: 0,
  degraded: 0,
  down: 0,
  inactive: 0,
  unknown: 0,
};

/** The tunnel after a list that contains it. `previous` is undefined if no earlier list did. */
export function tunnelListed(previous: TunnelState | undefined, entry: ListEntry, at: number): TunnelState {
  const state = previous === undefined ? firstListed(entry.tunnel) : listedAgain(previous, entry.tunnel, at);
  if (hasNoConnections(entry.tunnel.status)) return withoutConnections(state);
  if (entry.embedded === undefined) return state;
  return withConnectors(state, withDetails(entry.embedded, state.connectors.value), at);
}

/** Ignored for a tunnel listed down or inactive, which has no connections. */
export function connectionsObserved(
  state: TunnelState,
  result: Result<readonly Connector[]>,
  at: number,
): TunnelState {
  if (hasNoConnections(state.tunnel.status)) return state;
  if (!result.ok) return { ...state, connectors: afterFailure(state.connectors, result.failure, at) };
  const observed = withConnectors(state, result.value, at);
  return { ...observed, detailedAt: at, churn: connectionChurn(state, observed, at) };
}

export function configurationObserved(
  state: TunnelState,
  result: Result<Configuration | undefined>,
  at: number,
): TunnelState {
  if (!result.ok) return { ...state, configuration: afterFailure(state.configuration, result.failure, at) };
  const known = state.configuration.value;
  const value = isEqual(known, result.value) ? known : result.value;
  return { ...state, configuration: afterSuccess(value, at), knownConfiguration: value };
}

/**
 * Drops values older than `staleAfterMs` whose every renewal fails. A value that waits for the
 * request budget stays; its age is a metric.
 */
export function withoutStale(state: TunnelState, now: number, staleAfterMs: number): TunnelState {
  const isStale = (observed: Observed<unknown>): boolean => {
    const expiry = expiryOf(observed, staleAfterMs);
    // Far in the future: observed before the clock was set back, so the age is unknown.
    return expiry !== undefined && (expiry <= now || expiry >= now + 2 * staleAfterMs);
  };
  const connectors = isStale(state.connectors) ? { ...state.connectors, value: undefined } : state.connectors;
  const configuration = isStale(state.configuration)
    ? { ...state.configuration, value: undefined }
    : state.configuration;
  if (connectors === state.connectors && configuration === state.configuration) return state;
  const lastServing = connectors === state.connectors ? state.lastServing : lastServingOf(state);
  return { ...state, connectors, configuration, lastServing };
}

/** Keeps only what counters continue from, for when a lost list returns. */
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

export function withoutConfiguration(state: TunnelState): TunnelState {
  if (state.configuration === UNOBSERVED && state.knownConfiguration === undefined) return state;
  return { ...state, configuration: UNOBSERVED, knownConfiguration: undefined };
}

/** When a value whose renewal fails becomes stale; undefined if its renewal does not fail. */
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

function listedAgain(previous: TunnelState, tunnel: ListedTunnel, at: number): TunnelState {
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

const NO_CONNECTORS: readonly Connector[] = [];

function withoutConnections(state: TunnelState): TunnelState {
  const { knownConnectors, counters, connectors } = state;
  const isUnobserved =
    connectors.value === undefined && connectors.failingSince === undefined && connectors.at === undefined;
  if (isUnobserved && knownConnectors?.length === 0) return state;
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

/** The connectors last observed with a serving connection, for when they are gone. */
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
    connectors: afterSuccess(value, at),
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
  // The first observation is what later ones are compared with. It counts nothing itself.
  if (knownConnectors === undefined || (knownConnectors === connectors && !failedOver)) return counters;
  const { opened, closed } = connectionChanges(knownConnectors, connectors);
  return {
    ...counters,
    opened: counters.opened + opened,
    closed: counters.closed + closed,
    failovers: counters.failovers + (failedOver ? 1 : 0),
  };
}

/** If several report to be active (split brain), the previous one, else the first by id. */
function activeConnector(connectors: readonly Connector[], before: string | undefined): string | undefined {
  const active = connectors.filter(({ haStatus }) => haStatus === 'active').map(({ id }) => id);
  return active.find((id) => id === before) ?? active.toSorted()[0];
}

/** Completes embedded connectors with earlier details from the connections endpoint. */
function withDetails(
  embedded: readonly Connector[],
  known: readonly Connector[] | undefined,
): readonly Connector[] {
  const byId = new Map(known?.map((connector) => [connector.id, connector]));
  return embedded.map((connector) => {
    const detailed = byId.get(connector.id);
    if (detailed === undefined) return connector;
    return {
      ...detailed,
      version: connector.version ?? detailed.version,
      connections: connector.connections,
    };
  });
}
