import {
  type Collector,
  COLLECTORS,
  type ListedTunnel,
  ROUTE_KINDS,
  hasConnectionsEndpoint,
  hasNoConnections,
} from './model.ts';
import { isRoutesDue } from './plan-lists.ts';
import { ageOf, createPriority, selectFirst } from './priority.ts';
import type { AccountState, Observed, TunnelState } from './snapshot.ts';

export interface DetailRequest {
  readonly kind: 'connections' | 'configuration';
  readonly tunnel: ListedTunnel;
}

export interface DetailPlan {
  /** By priority, at most `allowance`. */
  readonly requests: readonly DetailRequest[];
  /** Tunnels whose connections are due but not covered by the budget. */
  readonly waiting: number;
  /** Requests of either kind that are due but not covered by the budget. */
  readonly unafforded: number;
  /** Requests for configurations that precede waiting connections. */
  readonly configurationsAhead: number;
}

export interface DueOptions {
  readonly now: number;
  /** Minimum age of an observation before the tunnel is observed again. */
  readonly minAgeMs: number;
  readonly configurations: boolean;
  /** When an account's token was last replaced. Earlier failures are retried at once. */
  readonly renewedAt?: (accountId: string) => number | undefined;
}

export interface DetailPlanOptions extends DueOptions {
  /** The most requests. */
  readonly allowance: number;
  /** How many of these may be for tunnels that are not urgent. */
  readonly routine: number;
  /** How many of these may be for configurations while connections wait. */
  readonly configurationAllowance: number;
  /** The interval between two observations if it is the same for all tunnels (intervals.ts). */
  readonly equalIntervalMs: number;
  /** Requests that are in flight and not planned again. */
  readonly isInFlight?: (request: DetailRequest) => boolean;
}

/** People change configurations rarely, so this interval suffices unless a connector is ahead. */
const CONFIGURATION_MAX_AGE_MS = 10 * 60_000;
/** Interval if a connector runs a newer configuration than the API last returned. */
const CONFIGURATION_MIN_AGE_MS = 60_000;
/** Interval if lists embed connections, to which details add little. */
const EMBEDDED_MAX_AGE_MS = 5 * 60_000;
/** The part of the detail requests that configurations may use while connections wait. */
export const DETAIL_CONFIGURATION_SHARE = 0.05;
const MIN_BACKOFF_MS = 1_000;
/** Each retry waits as long as the failure has lasted, but at most this long. */
const MAX_BACKOFF_MS = 5 * 60_000;

/**
 * Plans the next detail requests of accounts that share one budget. Urgent ones come first: tunnels
 * whose list entry changed, then tunnels that were never observed. The others follow by priority
 * (priority.ts). Configurations get a small share, also those of tunnels that are down, because
 * they show what is affected. Tunnels listed inactive get no request.
 */
export function planDetails(accounts: readonly AccountState[], options: DetailPlanOptions): DetailPlan {
  const { allowance, routine } = options;
  const tunnels = accounts.flatMap((account) => [...account.tunnels.values()].filter(mayHaveConnections));
  const details = tunnels.filter(
    (state) => isDue(state, options) && !isInFlight(state, 'connections', options),
  );
  const configurable = accounts.flatMap((account) =>
    [...account.tunnels.values()].filter(mayHaveConfiguration),
  );
  const versions = configurable.filter(
    (state) =>
      isConfigured(state, options) &&
      isConfigurationDue(state, options) &&
      !isInFlight(state, 'configuration', options),
  );
  const urgent = selectFirst(details.filter(isUrgent), allowance, byUrgency);
  const rest = routineRequests(details, versions, {
    routine: Math.min(routine, allowance - urgent.length),
    configurationAllowance: options.configurationAllowance,
    priority: () => createPriority(tunnels, options),
  });
  const requests = [...urgent.map(connectionsOf), ...rest];
  const connections = requests.filter(({ kind }) => kind === 'connections').length;
  return {
    requests,
    waiting: details.length - connections,
    unafforded: details.length + versions.length - requests.length,
    configurationsAhead: Math.min(details.length - connections, requests.length - connections),
  };
}

/** The collectors of an account for which nothing is due and nothing keeps failing. */
export function idleCollectors(account: AccountState, options: DueOptions): readonly Collector[] {
  const { tunnels, routes } = account;
  const busy = new Set<Collector>(['tunnels']);
  for (const state of tunnels.values()) {
    const { tunnel, connectors, configuration } = state;
    if (mayHaveConnections(state) && (connectors.failingSince !== undefined || isDue(state, options)))
      busy.add(tunnel.type === 'warp_connector' ? 'warp_connections' : 'connections');
    if (!mayHaveConfiguration(state) || !isConfigured(state, options)) continue;
    if (configuration.failingSince !== undefined || isConfigurationDue(state, options))
      busy.add('configurations');
  }
  const isFailing = ROUTE_KINDS.some((kind) => routes[kind].failingSince !== undefined);
  if (isFailing || isRoutesDue(account, options.now)) busy.add('routes');
  return COLLECTORS.filter((collector) => !busy.has(collector));
}

/** Requests that are not urgent, by priority. */
function routineRequests(
  details: readonly TunnelState[],
  versions: readonly TunnelState[],
  {
    routine,
    configurationAllowance,
    priority,
  }: {
    readonly routine: number;
    readonly configurationAllowance: number;
    readonly priority: () => (state: TunnelState) => number;
  },
): readonly DetailRequest[] {
  if (routine <= 0) return [];
  const waiting = details.filter((state) => !isUrgent(state));
  const free = routine - waiting.length;
  const configurations = mostOutdated(
    versions,
    Math.min(routine, Math.max(Math.floor(configurationAllowance), free)),
  );
  return [
    ...highest(waiting, routine - configurations.length, priority()).map(connectionsOf),
    ...configurations.map(({ tunnel }): DetailRequest => ({ kind: 'configuration', tunnel })),
  ];
}

function highest(
  states: readonly TunnelState[],
  count: number,
  priority: (state: TunnelState) => number,
): readonly TunnelState[] {
  const weighed = states.values().map((state) => ({ state, priority: priority(state) }));
  return selectFirst(weighed, count, (a, b) =>
    a.priority === b.priority ? byAge(a.state, b.state) : b.priority - a.priority,
  ).map(({ state }) => state);
}

function connectionsOf({ tunnel }: TunnelState): DetailRequest {
  return { kind: 'connections', tunnel };
}

function isInFlight(
  { tunnel }: TunnelState,
  kind: DetailRequest['kind'],
  options: DetailPlanOptions,
): boolean {
  return options.isInFlight?.({ kind, tunnel }) ?? false;
}

function mayHaveConnections({ tunnel }: TunnelState): boolean {
  return hasConnectionsEndpoint(tunnel.type) && !hasNoConnections(tunnel.status);
}

/** Includes tunnels that are down, because the configuration shows what is affected. */
function mayHaveConfiguration({ tunnel }: TunnelState): boolean {
  return hasConnectionsEndpoint(tunnel.type) && tunnel.status !== 'inactive';
}

function isDue(state: TunnelState, options: DueOptions): boolean {
  const { now, minAgeMs } = options;
  const { detailedAt, connectors } = state;
  if (connectors.failingSince !== undefined)
    return isRetryDue(connectors, { now, renewedAt: renewedAtOf(state, options) });
  if (detailedAt === undefined || hasChanged(state)) return true;
  const age = ageOf(detailedAt, now);
  if (age < minAgeMs) return false;
  const embedded = connectors.at !== undefined && connectors.at > detailedAt;
  if (!embedded || state.tunnel.type === 'warp_connector') return true;
  return lacksDetails(state) || age >= EMBEDDED_MAX_AGE_MS;
}

function renewedAtOf({ tunnel }: TunnelState, { renewedAt }: DueOptions): number | undefined {
  return renewedAt?.(tunnel.accountId);
}

function isConfigured({ tunnel }: TunnelState, { configurations }: DueOptions): boolean {
  return configurations && tunnel.configSource !== 'local';
}

/** Whether a connector is known only from a list. */
function lacksDetails({ connectors }: TunnelState): boolean {
  return (connectors.value ?? []).some(
    ({ startedAt, arch }) => startedAt === undefined && arch === undefined,
  );
}

function isConfigurationDue(state: TunnelState, options: DueOptions): boolean {
  const { configuration } = state;
  if (configuration.failingSince !== undefined)
    return isRetryDue(configuration, { now: options.now, renewedAt: renewedAtOf(state, options) });
  return (
    ageOf(configuration.at, options.now) >=
    (isAhead(state) ? CONFIGURATION_MIN_AGE_MS : CONFIGURATION_MAX_AGE_MS)
  );
}

/** Retries soon after the first failure, then with a backoff as long as the failure has lasted. */
function isRetryDue(
  { failingSince, failedAt }: Observed<unknown>,
  { now, renewedAt = -Infinity }: { readonly now: number; readonly renewedAt: number | undefined },
): boolean {
  if (failedAt !== undefined && failedAt <= renewedAt) return true;
  const failedFor = (failedAt ?? 0) - (failingSince ?? 0);
  const backoff = Math.min(MAX_BACKOFF_MS, Math.max(MIN_BACKOFF_MS, failedFor));
  return ageOf(failedAt, now) >= backoff;
}

/** Whether the tunnel changed since, or was never observed. False after more than one failure. */
function isUrgent(state: TunnelState): boolean {
  const { failingSince, failedAt } = state.connectors;
  if (failingSince !== undefined && failedAt !== failingSince) return false;
  return state.detailedAt === undefined || hasChanged(state);
}

function hasChanged({ changedAt, detailedAt }: TunnelState): boolean {
  return changedAt !== undefined && changedAt > (detailedAt ?? -Infinity);
}

function byUrgency(a: TunnelState, b: TunnelState): number {
  return Number(hasChanged(b)) - Number(hasChanged(a)) || byAge(a, b);
}

/** Failures count as attempts, so that tunnels that cannot be observed do not displace others. */
function byAge(a: TunnelState, b: TunnelState): number {
  return attemptedAt(a.connectors) - attemptedAt(b.connectors);
}

/** First those with a connector that is ahead, whose known version is certainly outdated. */
function mostOutdated(states: readonly TunnelState[], count: number): readonly TunnelState[] {
  const candidates = states.values().map((state) => ({
    state,
    ahead: Number(isAhead(state)),
    attemptedAt: attemptedAt(state.configuration),
  }));
  return selectFirst(candidates, count, (a, b) => b.ahead - a.ahead || a.attemptedAt - b.attemptedAt).map(
    ({ state }) => state,
  );
}

function isAhead({ configuration, connectors }: TunnelState): boolean {
  const known = configuration.value?.version ?? Infinity;
  return connectors.value?.some(({ configVersion }) => (configVersion ?? -1) > known) ?? false;
}

function attemptedAt({ at, failedAt }: Observed<unknown>): number {
  return Math.max(at ?? 0, failedAt ?? 0);
}
