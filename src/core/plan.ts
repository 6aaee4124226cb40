import { type Collector, COLLECTORS, type ListedTunnel } from './model.ts';
import { hasDetails, hasNoConnections } from './serving.ts';
import type { AccountState, TunnelState } from './snapshot.ts';

export interface DetailRequest {
  readonly kind: 'connections' | 'configuration';
  readonly tunnel: ListedTunnel;
}

export interface Plan {
  /** In the order of their worth, no more than the allowance. */
  readonly requests: readonly DetailRequest[];
  /** Tunnels whose connections are due but not afforded now. */
  readonly waiting: number;
  /** Collectors that are polled and have nothing due at all. */
  readonly idle: readonly Collector[];
}

export interface PlanOptions {
  readonly now: number;
  /** How many requests may be made now. */
  readonly allowance: number;
  readonly configurations: boolean;
}

/** A configuration changes by a person's hand: once in so long is soon enough, sooner where a connector is ahead. */
const CONFIGURATION_MAX_AGE_MS = 10 * 60_000;
/** A connector that stays ahead of the version that the API tells is asked about no more often than this. */
const CONFIGURATION_MIN_AGE_MS = 60_000;
/** While a list embeds connections, the endpoint is only asked for what the list lacks: versions, HA, start times. */
const EMBEDDED_MAX_AGE_MS = 5 * 60_000;
/** This share of an allowance, and one request at least, goes to configurations while connections wait. */
const CONFIGURATION_SHARE = 0.1;

/**
 * Which requests are worth making next for these accounts, which share one token: changed tunnels first, then never
 * observed ones, then the oldest observations. Tunnels listed down or inactive cost nothing.
 */
export function plan(
  accounts: readonly AccountState[],
  { now, allowance, configurations }: PlanOptions,
): Plan {
  const tunnels = accounts.flatMap((account) => [...account.tunnels.values()].filter(isAskedFor));
  const details = tunnels.filter((state) => isDue(state, now)).toSorted(byWorth);
  const versions = configurations ? tunnels.filter((state) => isConfigurationDue(state, now)) : [];
  // An allowance of one is for connections: they must not starve.
  const share = allowance > 1 ? Math.ceil(allowance * CONFIGURATION_SHARE) : 0;
  const versionShare = Math.min(versions.length, Math.max(share, allowance - details.length));
  const chosen = details.slice(0, Math.max(0, allowance - versionShare));
  return {
    requests: [
      ...chosen.map(({ tunnel }): DetailRequest => ({ kind: 'connections', tunnel })),
      ...versions
        .toSorted((a, b) => (a.configuration.at ?? 0) - (b.configuration.at ?? 0))
        .slice(0, Math.min(versionShare, allowance - chosen.length))
        .map(({ tunnel }): DetailRequest => ({ kind: 'configuration', tunnel })),
    ],
    waiting: details.length - chosen.length,
    idle: idleCollectors(details, versions),
  };
}

function idleCollectors(
  details: readonly TunnelState[],
  versions: readonly TunnelState[],
): readonly Collector[] {
  const warp = details.filter(({ tunnel }) => tunnel.type === 'warp_connector').length;
  const due: Record<Collector, number> = {
    tunnels: 1,
    connections: details.length - warp,
    warp_connections: warp,
    configurations: versions.length,
  };
  return COLLECTORS.filter((collector) => due[collector] === 0);
}

function isAskedFor({ tunnel }: TunnelState): boolean {
  return hasDetails(tunnel.type) && !hasNoConnections(tunnel.status);
}

function isDue(state: TunnelState, now: number): boolean {
  const { detailedAt, connectors } = state;
  if (detailedAt === undefined || connectors.failingSince !== undefined || hasChanged(state)) return true;
  const embedded = connectors.at !== undefined && connectors.at > detailedAt;
  if (!embedded || state.tunnel.type === 'warp_connector') return true;
  const undescribed = connectors.value?.some(
    ({ startedAt, arch }) => startedAt === undefined && arch === undefined,
  );
  return undescribed === true || now - detailedAt >= EMBEDDED_MAX_AGE_MS;
}

function isConfigurationDue({ tunnel, configuration, connectors }: TunnelState, now: number): boolean {
  if (tunnel.configSource === 'local') return false;
  if (configuration.at === undefined || configuration.failingSince !== undefined) return true;
  const known = configuration.value?.version ?? Infinity;
  const ahead = connectors.value?.some(({ configVersion }) => (configVersion ?? -1) > known) ?? false;
  return now - configuration.at >= (ahead ? CONFIGURATION_MIN_AGE_MS : CONFIGURATION_MAX_AGE_MS);
}

function hasChanged({ changedAt, detailedAt }: TunnelState): boolean {
  return changedAt !== undefined && changedAt > (detailedAt ?? -Infinity);
}

function byWorth(a: TunnelState, b: TunnelState): number {
  return rank(a) - rank(b) || (a.detailedAt ?? 0) - (b.detailedAt ?? 0);
}

function rank(state: TunnelState): number {
  if (hasChanged(state)) return 0;
  return state.detailedAt === undefined ? 1 : 2;
}
