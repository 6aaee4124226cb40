import {
  type Collector,
  COLLECTORS,
  type ListedTunnel,
  ROUTE_KINDS,
  hasConnectionsEndpoint,
  hasNoConnections,
} from './model.ts';
import { isRoutesDue } from './routes.ts';
import { selectFirst, ageOf, createPriority } from './priority.ts';
import type { AccountState, Observed, TunnelState } from './snapshot.ts';

export interface DetailRequest {
  readonly kind: 'connections' | 'configuration';
  readonly tunnel: ListedTunnel;
}

export interface DetailPlan {
  /** By priority, no more than the allowance. */
  readonly requests: readonly DetailRequest[];
  /** Tunnels whose connections are due but not afforded now. */
  readonly waiting: number;
  /** Requests of either kind that are due but not afforded now. */
  readonly unafforded: number;
  /** Requests for configurations that connections wait for. */
  readonly configurationsAhead: number;
}

/** Whether a request is due now. */
export interface DueOptions {
  readonly now: number;
  /** A tunnel observed less long ago is not observed again yet. */
  readonly minAgeMs: number;
  readonly configurations: boolean;
  /** When an account's token was last replaced. What failed before that is retried at once. */
  readonly renewedAt?: (accountId: string) => number | undefined;
}

export interface DetailPlanOptions extends DueOptions {
  /** Requests that may be made now for what is urgent: changed and never observed tunnels. */
  readonly allowance: number;
  /** How many of these may be made for everything else. */
  readonly routine: number;
  /** How many of these may be made for configurations while connections wait. */
  readonly configurationAllowance: number;
  /** How old an observation gets if all tunnels share equally (see intervals.ts). */
  readonly equalIntervalMs: number;
  /** Requests that are not to be planned again. */
  readonly isInFlight?: (request: DetailRequest) => boolean;
}

/** A configuration changes by a person's hand: once in so long is soon enough, sooner where a connector is ahead. */
const CONFIGURATION_MAX_AGE_MS = 10 * 60_000;
/** A connector that stays ahead of the version that the API tells is asked about no more often than this. */
const CONFIGURATION_MIN_AGE_MS = 60_000;
/** While a list embeds connections, the endpoint is only asked for what the list lacks: versions, HA, start times. */
const EMBEDDED_MAX_AGE_MS = 5 * 60_000;
/** Configurations may take this part of the detail requests while connections wait. */
export const DETAIL_CONFIGURATION_SHARE = 0.05;
/** A first failure is priority another attempt soon, but not within the same moment. */
const SHORTEST_BACKOFF_MS = 1_000;
/** What keeps failing is asked for after twice the time that it has failed, but at least this often. */
const LONGEST_BACKOFF_MS = 5 * 60_000;

/**
 * Plans the next detail requests of accounts that share one budget. Urgent ones come first: tunnels that a list shows to
 * have changed, then tunnels that were never observed. The others follow by priority (priority.ts), with a small share for
 * configurations, those of tunnels that are down as well: they tell who is affected. Tunnels listed inactive cost nothing.
 */
export function planDetails(accounts: readonly AccountState[], options: DetailPlanOptions): DetailPlan {
  const { allowance, routine } = options;
  const tunnels = accounts.flatMap((account) => [...account.tunnels.values()].filter(isAskedFor));
  const details = tunnels.filter(
    (state) => isDue(state, options) && !isInFlight(state, 'connections', options),
  );
  const configurable = accounts.flatMap((account) => [...account.tunnels.values()].filter(mayBeConfigured));
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
  const asked = requests.filter(({ kind }) => kind === 'connections').length;
  return {
    requests,
    waiting: details.length - asked,
    unafforded: details.length + versions.length - requests.length,
    configurationsAhead: Math.min(details.length - asked, requests.length - asked),
  };
}

/** The collectors of an account for which nothing is due and nothing keeps failing. */
export function idleCollectors(account: AccountState, options: DueOptions): readonly Collector[] {
  const { tunnels, routes } = account;
  const busy = new Set<Collector>(['tunnels']);
  for (const state of tunnels.values()) {
    const { tunnel, connectors, configuration } = state;
    if (isAskedFor(state) && (connectors.failingSince !== undefined || isDue(state, options)))
      busy.add(tunnel.type === 'warp_connector' ? 'warp_connections' : 'connections');
    if (!mayBeConfigured(state) || !isConfigured(state, options)) continue;
    if (configuration.failingSince !== undefined || isConfigurationDue(state, options))
      busy.add('configurations');
  }
  const isFailing = ROUTE_KINDS.some((kind) => routes[kind].failingSince !== undefined);
  if (isFailing || isRoutesDue(account, options.now)) busy.add('routes');
  return COLLECTORS.filter((collector) => !busy.has(collector));
}

/** What is not urgent, by priority. */
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
  const asked = mostBehind(versions, Math.min(routine, Math.max(Math.floor(configurationAllowance), free)));
  return [
    ...most(waiting, routine - asked.length, priority()).map(connectionsOf),
    ...asked.map(({ tunnel }): DetailRequest => ({ kind: 'configuration', tunnel })),
  ];
}

function most(
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

function isAskedFor({ tunnel }: TunnelState): boolean {
  return hasConnectionsEndpoint(tunnel.type) && !hasNoConnections(tunnel.status);
}

/** The configuration of a tunnel that is down tells what is affected; one that never ran affects nothing. */
function mayBeConfigured({ tunnel }: TunnelState): boolean {
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
  return isUndescribed(state) || age >= EMBEDDED_MAX_AGE_MS;
}

function renewedAtOf({ tunnel }: TunnelState, { renewedAt }: DueOptions): number | undefined {
  return renewedAt?.(tunnel.accountId);
}

function isConfigured({ tunnel }: TunnelState, { configurations }: DueOptions): boolean {
  return configurations && tunnel.configSource !== 'local';
}

/** A connector that only a list has told of. */
function isUndescribed({ connectors }: TunnelState): boolean {
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

/** Soon after the first failure, then after as long again as it has failed. */
function isRetryDue(
  { failingSince, failedAt }: Observed<unknown>,
  { now, renewedAt = -Infinity }: { readonly now: number; readonly renewedAt: number | undefined },
): boolean {
  if (failedAt !== undefined && failedAt <= renewedAt) return true;
  const failedFor = (failedAt ?? 0) - (failingSince ?? 0);
  const backoff = Math.min(LONGEST_BACKOFF_MS, Math.max(SHORTEST_BACKOFF_MS, failedFor));
  return ageOf(failedAt, now) >= backoff;
}

/** What the list shows to be another than we know, or what we know nothing of; not what has failed more than once. */
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

/** Failures count as asked: what cannot be observed must not push aside what can. */
function byAge(a: TunnelState, b: TunnelState): number {
  return attemptedAt(a.connectors) - attemptedAt(b.connectors);
}

/** Those with a connector ahead of what is known first: their versions are known to be old. */
function mostBehind(states: readonly TunnelState[], count: number): readonly TunnelState[] {
  const looked = states.values().map((state) => ({
    state,
    ahead: Number(isAhead(state)),
    attemptedAt: attemptedAt(state.configuration),
  }));
  return selectFirst(looked, count, (a, b) => b.ahead - a.ahead || a.attemptedAt - b.attemptedAt).map(
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
