import { behind } from '../core/routes.ts';
import {
  airportOf,
  type Configuration,
  type Connection,
  type Connector,
  hasNoConnections,
} from '../core/model.ts';
import type { AccountState, Snapshot, TunnelCounters, TunnelState } from '../core/snapshot.ts';
import type { Rendered } from './document-route.ts';
import { json, textJson, timeJson } from './json.ts';
import { selectsAccount, selectsTunnel, parseFilter, type TunnelFilter } from './tunnel-filter.ts';

export interface TunnelsOptions {
  /** Whether to include the addresses of origins. */
  readonly showsOriginIps: boolean;
}

/** The snapshot as JSON, with null for unknown values. The query is parsed by `parseFilter`. */
export function renderTunnels(snapshot: Snapshot, query: URLSearchParams, options: TunnelsOptions): Rendered {
  const parsed = parseFilter(query);
  return parsed.ok ? { ok: true, parts: documentParts(snapshot, parsed.filter, options) } : parsed;
}

/** Yields a part for each tunnel, because a large fleet in one part would block the event loop. */
function* documentParts(
  snapshot: Snapshot,
  filter: TunnelFilter,
  options: TunnelsOptions,
): Generator<string> {
  const accounts = [...snapshot.accounts.values()].filter(({ id }) => selectsAccount(filter, id));
  const head = json({
    taken_at: timeJson(snapshot.takenAt),
    accounts: accounts.map(accountJson),
    tunnels: [],
  });
  yield head.slice(0, -']}'.length);
  let separator = '';
  for (const { tunnels } of accounts) {
    for (const state of tunnels.values()) {
      if (!selectsTunnel(filter, state.tunnel)) continue;
      yield separator + json(tunnelJson(state, options));
      separator = ',';
    }
  }
  yield ']}\n';
}

function accountJson({ id, name, up, listedAt, collectors }: AccountState): object {
  return {
    id,
    name: textJson(name),
    up: up ?? null,
    listed_at: Object.fromEntries([...listedAt].map(([type, at]) => [type, timeJson(at)])),
    collectors: Object.fromEntries(
      Object.entries(collectors).map(([collector, { success, lastSuccessAt }]) => [
        collector,
        { success: success ?? null, last_success_at: timeJson(lastSuccessAt) },
      ]),
    ),
  };
}

function tunnelJson(state: TunnelState, options: TunnelsOptions): object {
  const { tunnel, connectors, configuration, counters } = state;
  const lastServing = hasNoConnections(tunnel.status) ? state.lastServing : undefined;
  const connectorsJson = (all: readonly Connector[]): readonly object[] =>
    all.map((connector) => connectorJson(connector, options));
  return {
    account_id: tunnel.accountId,
    id: tunnel.id,
    name: tunnel.name,
    type: tunnel.type,
    status: tunnel.status,
    config_src: textJson(tunnel.configSource),
    created_at: timeJson(tunnel.createdAt),
    active_since: timeJson(tunnel.activeAt),
    inactive_since: timeJson(tunnel.inactiveAt),
    connections_observed_at: timeJson(connectors.at),
    connections_failing_since: timeJson(connectors.failingSince),
    connectors: connectors.value === undefined ? null : connectorsJson(connectors.value),
    last_observed_at: timeJson(lastServing?.at),
    last_connectors: lastServing === undefined ? null : connectorsJson(lastServing.connectors),
    configuration: configuration.value === undefined ? null : configurationJson(configuration.value),
    behind: behindJson(state),
    counters: countersJson(counters),
  };
}

/** A list is either complete or null. */
function behindJson(state: TunnelState): object {
  const { hostnames, privateHostnames } = behind(state);
  const { routes, knownConfiguration } = state;
  return {
    hostnames: knownConfiguration === undefined ? null : hostnames,
    private_hostnames: routes.hostname === undefined ? null : privateHostnames,
    networks:
      routes.network?.map(({ target, virtualNetwork }) => ({
        network: target,
        virtual_network: textJson(virtualNetwork),
      })) ?? null,
  };
}

function connectorJson(connector: Connector, { showsOriginIps }: TunnelsOptions): object {
  return {
    id: textJson(connector.id),
    version: connector.version ?? null,
    arch: connector.arch ?? null,
    started_at: timeJson(connector.startedAt),
    config_version: connector.configVersion ?? null,
    ha_status: connector.haStatus ?? null,
    connections: connector.connections.map((connection) => ({
      ...connectionJson(connection),
      ...(showsOriginIps ? { origin_ip: connection.originIp ?? null } : {}),
    })),
  };
}

function connectionJson({ id, colo, openedAt, pendingReconnect }: Connection): object {
  return {
    id: id ?? null,
    colo: colo ?? null,
    airport: textJson(airportOf(colo ?? '')),
    opened_at: timeJson(openedAt),
    pending_reconnect: pendingReconnect,
  };
}

function configurationJson({ version, ingress, haMode }: Configuration): object {
  return { version: version ?? null, ingress_rules: ingress?.length ?? null, ha_mode: haMode ?? null };
}

/** Has the names of the metrics. */
function countersJson({ transitions, opened, closed, failovers }: TunnelCounters): object {
  return {
    status_transitions: transitions,
    connections_opened: opened,
    connections_closed: closed,
    ha_failovers: failovers,
  };
}
