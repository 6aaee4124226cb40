import {
  type Collector,
  FAILURE_REASONS,
  type FailureReason,
  failureOf,
  hasNoConnections,
  type KnownTunnelType,
  type Observation,
  ROUTE_KINDS,
} from './model.ts';
import type { AccountState, CollectorState, Observed, TunnelState } from './snapshot.ts';

export interface CollectorSettings {
  readonly types: readonly KnownTunnelType[];
  readonly configurations: boolean;
  readonly routes: boolean;
  /** If not empty, only these tunnels are observed. */
  readonly ids: readonly string[];
}

/** The collectors that run beside `tunnels`. Routes are not read for single tunnels. */
export function polledCollectors(settings: CollectorSettings): ReadonlySet<Collector> {
  const polled = new Set<Collector>();
  if (settings.types.includes('cfd_tunnel')) polled.add('connections');
  if (settings.types.includes('warp_connector')) polled.add('warp_connections');
  if (settings.configurations && polled.size > 0) polled.add('configurations');
  if (settings.routes && settings.ids.length === 0) polled.add('routes');
  return polled;
}

/**
 * The collectors of an account after these observations. A collector succeeds if none of its
 * observations failed and no earlier failure remains. `account` already contains the observations.
 */
export function collectorsAfter(
  account: AccountState,
  observations: readonly Observation[],
): AccountState['collectors'] {
  const collectors: Record<Collector, CollectorState> = { ...account.collectors };
  for (const [collector, group] of Map.groupBy(observations, (each) => collectorOf(account, each))) {
    if (collector === undefined) continue;
    const failedFor = reasonOf(group, { account, collector });
    collectors[collector] =
      failedFor === undefined
        ? { success: true, lastSuccessAt: Math.max(...group.map(({ at }) => at)) }
        : { success: false, lastSuccessAt: collectors[collector].lastSuccessAt, failedFor };
  }
  return collectors;
}

/** The first reason in the order of FAILURE_REASONS; undefined if it does not fail. */
function reasonOf(
  group: readonly Observation[],
  { account, collector }: { readonly account: AccountState; readonly collector: Collector },
): FailureReason | undefined {
  const reasons = new Set<FailureReason | undefined>(group.map(blamedReason));
  if (collector === 'routes') for (const kind of ROUTE_KINDS) reasons.add(account.routes[kind].failedFor);
  for (const state of account.tunnels.values()) reasons.add(failingFor(state, collector));
  return FAILURE_REASONS.find((reason) => reasons.has(reason));
}

function collectorOf({ tunnels, hidden }: AccountState, observation: Observation): Collector | undefined {
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
    case 'connections': {
      const { tunnel } = tunnels.get(observation.tunnelId) ?? hidden.get(observation.tunnelId) ?? {};
      return tunnel?.type === 'warp_connector' ? 'warp_connections' : 'connections';
    }
  }
}

export function succeeded(observation: Observation): boolean {
  return blamedReason(observation) === undefined;
}

/** A tunnel deleted after its list was read does not fail the collector. */
function blamedReason(observation: Observation): FailureReason | undefined {
  const reason = failureOf(observation)?.reason;
  const isDetail = observation.kind === 'connections' || observation.kind === 'configuration';
  return isDetail && reason === 'not_found' ? undefined : reason;
}

/** Why the last request about a tunnel failed; undefined if it succeeded or is not repeated. */
function failingFor(
  { tunnel, connectors, configuration }: TunnelState,
  collector: Collector,
): FailureReason | undefined {
  const hasConnections = !hasNoConnections(tunnel.status);
  switch (collector) {
    case 'connections':
      return hasConnections && tunnel.type !== 'warp_connector' ? reasonIn(connectors) : undefined;
    case 'warp_connections':
      return hasConnections && tunnel.type === 'warp_connector' ? reasonIn(connectors) : undefined;
    case 'configurations':
      // Configurations of tunnels that are down are requested as well.
      return tunnel.status === 'inactive' || tunnel.configSource === 'local'
        ? undefined
        : reasonIn(configuration);
    case 'tunnels':
    case 'routes':
      return undefined;
  }
}

function reasonIn({ failedFor }: Observed<unknown>): FailureReason | undefined {
  return failedFor === 'not_found' ? undefined : failedFor;
}
