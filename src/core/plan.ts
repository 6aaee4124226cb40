import { type Collector, COLLECTORS, type ListedTunnel } from './model.ts';
import { selectFirst } from './select-first.ts';
import { hasDetails, hasNoConnections } from './serving.ts';
import type { AccountState, Observed, TunnelState } from './snapshot.ts';
import { ageOf, createWorth } from './worth.ts';

export interface DetailRequest {
  readonly kind: 'connections' | 'configuration';
  readonly tunnel: ListedTunnel;
}

export interface Plan {
  /** In the order of their worth, no more than the allowance. */
  readonly requests: readonly DetailRequest[];
  /** Tunnels whose connections are due but not afforded now. */
  readonly waiting: number;
  /** Requests of either kind that are due but not afforded now. */
  readonly unafforded: number;
  /** Collectors with nothing due at all. */
  readonly idle: readonly Collector[];
}

export interface PlanOptions {
  readonly now: number;
  /** How many requests may be made now, for what cannot wait: changed and never observed tunnels. */
  readonly allowance: number;
  /** How many of these may be made for what can. */
  readonly routine: number;
  /** How old an observation gets when every tunnel takes its turn (see refresh.ts). */
  readonly fairShareMs: number;
  /** A tunnel observed less long ago has had its turn. */
  readonly minAgeMs: number;
  readonly configurations: boolean;
  /** When the token was last replaced: what failed before that is worth another attempt at once. */
  readonly renewedAt?: number | undefined;
  /** What is being asked right now. */
  readonly isInFlight?: (request: DetailRequest) => boolean;
}

/** A configuration changes by a person's hand: once in so long is soon enough, sooner where a connector is ahead. */
const CONFIGURATION_MAX_AGE_MS = 10 * 60_000;
/** A connector that stays ahead of the version that the API tells is asked about no more often than this. */
const CONFIGURATION_MIN_AGE_MS = 60_000;
/** While a list embeds connections, the endpoint is only asked for what the list lacks: versions, HA, start times. */
const EMBEDDED_MAX_AGE_MS = 5 * 60_000;
/** This share of the routine requests, and one at least, goes to configurations while connections wait. */
const CONFIGURATION_SHARE = 0.05;
/** A first failure is worth another attempt soon, but not within the same moment. */
const SHORTEST_BACKOFF_MS = 1_000;
/** What keeps failing is asked for after twice the time that it has failed, but at least this often. */
const LONGEST_BACKOFF_MS = 5 * 60_000;

/**
 * Which requests are worth making next for these accounts, which share one token. First what the list shows to have
 * changed, then what was never observed, then by worth (worth.ts); configurations at a small share. Tunnels listed down
 * or inactive cost nothing.
 */
export function plan(accounts: readonly AccountState[], options: PlanOptions): Plan {
  const { allowance, routine } = options;
  const tunnels = accounts.flatMap((account) => [...account.tunnels.values()].filter(isAskedFor));
  const due = tunnels.filter((state) => isDue(state, options));
  const details = due.filter((state) => !isInFlight(state, 'connections', options));
  const configured = options.configurations
    ? tunnels.filter(({ tunnel }) => tunnel.configSource !== 'local')
    : [];
  const dueVersions = configured.filter((state) => isConfigurationDue(state, options));
  const versions = dueVersions.filter((state) => !isInFlight(state, 'configuration', options));
  const urgent = selectFirst(details.filter(isUrgent), allowance, byUrgency);
  const rest = routineRequests(details, versions, {
    routine: Math.min(routine, allowance - urgent.length),
    worth: () => createWorth(tunnels, options),
  });
  const requests = [...urgent.map(connectionsOf), ...rest];
  const asked = requests.filter(({ kind }) => kind === 'connections').length;
  return {
    requests,
    waiting: details.length - asked,
    unafforded: details.length + versions.length - requests.length,
    idle: idleCollectors(
      [...due, ...tunnels.filter(({ connectors }) => connectors.failingSince !== undefined)],
      [...dueVersions, ...configured.filter(({ configuration }) => configuration.failingSince !== undefined)],
    ),
  };
}

/** What can wait its turn, the most worth first. */
function routineRequests(
  details: readonly TunnelState[],
  versions: readonly TunnelState[],
  { routine, worth }: { readonly routine: number; readonly worth: () => (state: TunnelState) => number },
): readonly DetailRequest[] {
  if (routine <= 0) return [];
  const waiting = details.filter((state) => !isUrgent(state));
  // One request alone is for connections: they must not starve.
  const share = routine > 1 ? Math.ceil(routine * CONFIGURATION_SHARE) : 0;
  const free = routine - waiting.length;
  const asked = mostBehind(versions, Math.max(share, free));
  return [
    ...most(waiting, routine - asked.length, worth()).map(connectionsOf),
    ...asked.map(({ tunnel }): DetailRequest => ({ kind: 'configuration', tunnel })),
  ];
}

function most(
  states: readonly TunnelState[],
  count: number,
  worth: (state: TunnelState) => number,
): readonly TunnelState[] {
  const weighed = states.values().map((state) => ({ state, worth: worth(state) }));
  return selectFirst(weighed, count, (a, b) =>
    a.worth === b.worth ? byAge(a.state, b.state) : b.worth - a.worth,
  ).map(({ state }) => state);
}

function connectionsOf({ tunnel }: TunnelState): DetailRequest {
  return { kind: 'connections', tunnel };
}

function isInFlight({ tunnel }: TunnelState, kind: DetailRequest['kind'], options: PlanOptions): boolean {
  return options.isInFlight?.({ kind, tunnel }) ?? false;
}

/** Nothing due, and nothing that keeps failing. */
function idleCollectors(
  details: readonly TunnelState[],
  versions: readonly TunnelState[],
): readonly Collector[] {
  const busy = new Set<Collector>(['tunnels']);
  for (const { tunnel } of details)
    busy.add(tunnel.type === 'warp_connector' ? 'warp_connections' : 'connections');
  if (versions.length > 0) busy.add('configurations');
  return COLLECTORS.filter((collector) => !busy.has(collector));
}

function isAskedFor({ tunnel }: TunnelState): boolean {
  return hasDetails(tunnel.type) && !hasNoConnections(tunnel.status);
}

function isDue(state: TunnelState, options: PlanOptions): boolean {
  const { now, minAgeMs } = options;
  const { detailedAt, connectors } = state;
  if (connectors.failingSince !== undefined) return isRetryDue(connectors, options);
  if (detailedAt === undefined || hasChanged(state)) return true;
  const age = ageOf(detailedAt, now);
  if (age < minAgeMs) return false;
  const embedded = connectors.at !== undefined && connectors.at > detailedAt;
  if (!embedded || state.tunnel.type === 'warp_connector') return true;
  return isUndescribed(state) || age >= EMBEDDED_MAX_AGE_MS;
}

/** A connector that only a list has told of. */
function isUndescribed({ connectors }: TunnelState): boolean {
  return (connectors.value ?? []).some(
    ({ startedAt, arch }) => startedAt === undefined && arch === undefined,
  );
}

function isConfigurationDue(state: TunnelState, options: PlanOptions): boolean {
  const { configuration } = state;
  if (configuration.failingSince !== undefined) return isRetryDue(configuration, options);
  return (
    ageOf(configuration.at, options.now) >=
    (isAhead(state) ? CONFIGURATION_MIN_AGE_MS : CONFIGURATION_MAX_AGE_MS)
  );
}

/** Soon after the first failure, then after as long again as it has failed. */
function isRetryDue(
  { failingSince, failedAt }: Observed<unknown>,
  { now, renewedAt = -Infinity }: PlanOptions,
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
  return askedAt(a.connectors) - askedAt(b.connectors);
}

/** Those with a connector ahead of what is known first: their versions are known to be old. */
function mostBehind(states: readonly TunnelState[], count: number): readonly TunnelState[] {
  const looked = states
    .values()
    .map((state) => ({ state, ahead: Number(isAhead(state)), askedAt: askedAt(state.configuration) }));
  return selectFirst(looked, count, (a, b) => b.ahead - a.ahead || a.askedAt - b.askedAt).map(
    ({ state }) => state,
  );
}

function isAhead({ configuration, connectors }: TunnelState): boolean {
  const known = configuration.value?.version ?? Infinity;
  return connectors.value?.some(({ configVersion }) => (configVersion ?? -1) > known) ?? false;
}

function askedAt({ at, failedAt }: Observed<unknown>): number {
  return Math.max(at ?? 0, failedAt ?? 0);
}
