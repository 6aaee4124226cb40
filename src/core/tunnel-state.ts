import type {
  Configuration,
  Connector,
  Failure,
  ListEntry,
  ListedTunnel,
  Result,
  TunnelStatus,
} from './model.ts';
import { hasNoConnections } from './serving.ts';
import type { Observed, TunnelCounters, TunnelState } from './snapshot.ts';

/**
 * How one tunnel's state follows from what was observed of it. Every function returns the same object where nothing
 * has changed.
 */

const UNOBSERVED = { value: undefined, at: undefined, failingSince: undefined } as const;
const NO_TRANSITIONS: Readonly<Record<TunnelStatus, number>> = {
  healthy: 0,
  degraded: 0,
  down: 0,
  inactive: 0,
  unknown: 0,
};

/** A tunnel that a list walk shows: for the first time where `previous` is undefined. */
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
  if (!result.ok) return failing(state, 'connectors', at);
  return { ...withConnectors(state, result.value, at), detailedAt: at };
}

/** What the configurations endpoint answered. */
export function configurationObserved(
  state: TunnelState,
  result: Result<Configuration | undefined>,
  at: number,
): TunnelState {
  if (!result.ok) return failing(state, 'configuration', at);
  const known = state.configuration.value;
  const value = same(known, result.value) ? known : result.value;
  return { ...state, configuration: { value, at, failingSince: undefined } };
}

/**
 * Drops what is older than `staleAfterMs` while every attempt to renew it fails. Data that merely waits for its turn
 * under the request budget stays: its age is a metric.
 */
export function withoutStale(state: TunnelState, now: number, staleAfterMs: number): TunnelState {
  const stale = (observed: Observed<unknown>): boolean =>
    observed.value !== undefined && (expiryOf(observed, staleAfterMs) ?? Infinity) <= now;
  const connectors = stale(state.connectors) ? { ...state.connectors, value: undefined } : state.connectors;
  const configuration = stale(state.configuration)
    ? { ...state.configuration, value: undefined }
    : state.configuration;
  if (connectors === state.connectors && configuration === state.configuration) return state;
  return { ...state, connectors, configuration };
}

/** Only what counters go on from: observations made before a list was lost would lie when it comes back. */
export function forgetful(state: TunnelState): TunnelState {
  return {
    ...state,
    connectors: UNOBSERVED,
    detailedAt: undefined,
    changedAt: undefined,
    configuration: UNOBSERVED,
  };
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
    connectionIds: undefined,
    lastActiveConnector: undefined,
  };
}

function relist(previous: TunnelState, tunnel: ListedTunnel, at: number): TunnelState {
  const before = previous.tunnel;
  if (same(before, tunnel)) return previous;
  const changed =
    before.status !== tunnel.status ||
    before.activeAt !== tunnel.activeAt ||
    before.inactiveAt !== tunnel.inactiveAt;
  return {
    ...previous,
    tunnel,
    changedAt: changed ? at : previous.changedAt,
    counters:
      before.status === tunnel.status ? previous.counters : transitionTo(previous.counters, tunnel.status),
  };
}

function transitionTo(counters: TunnelCounters, status: TunnelStatus): TunnelCounters {
  return {
    ...counters,
    transitions: { ...counters.transitions, [status]: counters.transitions[status] + 1 },
  };
}

function withoutConnections(state: TunnelState): TunnelState {
  const known = state.connectionIds;
  const clean = state.connectors.value === undefined && state.connectors.failingSince === undefined;
  if (clean && state.connectors.at === undefined && known?.length === 0) return state;
  return {
    ...state,
    connectors: UNOBSERVED,
    detailedAt: undefined,
    connectionIds: [],
    counters: { ...state.counters, closed: state.counters.closed + (known?.length ?? 0) },
  };
}

function withConnectors(state: TunnelState, connectors: readonly Connector[], at: number): TunnelState {
  const known = state.connectors.value;
  const value = same(known, connectors) ? known : connectors;
  const ids = value === known && state.connectionIds !== undefined ? state.connectionIds : idsOf(connectors);
  const active = activeConnector(connectors, state.lastActiveConnector);
  return {
    ...state,
    connectors: { value, at, failingSince: undefined },
    connectionIds: ids,
    lastActiveConnector: active ?? state.lastActiveConnector,
    counters: countConnections(state, ids, active),
  };
}

function countConnections(
  state: TunnelState,
  ids: readonly string[],
  active: string | undefined,
): TunnelCounters {
  const before = state.connectionIds;
  const failedOver =
    active !== undefined && state.lastActiveConnector !== undefined && active !== state.lastActiveConnector;
  // The first observation is what later ones are counted against, not an event of its own.
  if (before === undefined || (before === ids && !failedOver)) return state.counters;
  const known = new Set(before);
  const now = new Set(ids);
  return {
    ...state.counters,
    opened: state.counters.opened + ids.filter((id) => !known.has(id)).length,
    closed: state.counters.closed + before.filter((id) => !now.has(id)).length,
    failovers: state.counters.failovers + (failedOver ? 1 : 0),
  };
}

function idsOf(connectors: readonly Connector[]): readonly string[] {
  const ids = connectors.flatMap(({ connections }) =>
    connections.flatMap(({ id }) => (id === undefined ? [] : [id])),
  );
  return [...new Set(ids)];
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

function failing(state: TunnelState, what: 'connectors' | 'configuration', at: number): TunnelState {
  if (state[what].failingSince !== undefined) return state;
  return { ...state, [what]: { ...state[what], failingSince: at } };
}

/** Structural equality of plain data. */
export function same(a: unknown, b: unknown): boolean {
  if (Object.is(a, b)) return true;
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false;
  if (Array.isArray(a) !== Array.isArray(b)) return false;
  const left = Object.entries(a);
  const right = new Map(Object.entries(b));
  return (
    left.length === right.size && left.every(([key, value]) => right.has(key) && same(value, right.get(key)))
  );
}

/** Why a tunnel's detail requests fail says whether the collector is to blame: a tunnel deleted since the walk is not. */
export function blamesCollector(failure: Failure): boolean {
  return failure.reason !== 'not_found';
}
