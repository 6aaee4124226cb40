import { airportOf } from '../core/colo.ts';
import { TUNNEL_STATUSES } from '../core/model.ts';
import type { Configuration, Connection, Connector } from '../core/model.ts';
import type { AccountState, Snapshot, TunnelCounters, TunnelState } from '../core/snapshot.ts';
import type { Rendered } from './document-route.ts';
import { json, textJson, timeJson } from './json.ts';

/**
 * The snapshot as JSON; `status`, `account_id` and `name` in the query select, each exactly, and any of several.
 * Unknown is null. Origin addresses, features and hostnames are sensitive and not in it.
 */
export function renderTunnels(snapshot: Snapshot, query: URLSearchParams): Rendered {
  const statuses = query.getAll('status');
  const unknown = statuses.find((status) => !(TUNNEL_STATUSES as readonly string[]).includes(status));
  if (unknown !== undefined)
    return {
      ok: false,
      problem: `Unknown status ${JSON.stringify(unknown)}; use one of ${TUNNEL_STATUSES.join(', ')}.`,
    };
  return { ok: true, parts: documentParts(snapshot, selector(query)) };
}

/** A part for each tunnel: a fleet of thousands is too much for one go. */
function* documentParts(snapshot: Snapshot, isAsked: Selector): Generator<string> {
  const accounts = [...snapshot.accounts.values()].filter(({ id }) => isAsked('account_id', id));
  const head = json({
    taken_at: timeJson(snapshot.takenAt),
    accounts: accounts.map(accountJson),
    tunnels: [],
  });
  yield head.slice(0, -']}'.length);
  let separator = '';
  for (const account of accounts) {
    for (const state of account.tunnels.values()) {
      const { status, name } = state.tunnel;
      if (!isAsked('status', status) || !isAsked('name', name)) continue;
      yield separator + json(tunnelJson(state));
      separator = ',';
    }
  }
  yield ']}\n';
}

type Selector = (key: string, value: string) => boolean;

/** Names are compared as they are shown, which is also the only way in which a URL can spell them. */
function selector(query: URLSearchParams): Selector {
  return (key, value) => {
    const wanted = query.getAll(key);
    return wanted.length === 0 || wanted.includes(value.toWellFormed());
  };
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

function tunnelJson({ tunnel, connectors, configuration, counters }: TunnelState): object {
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
    connectors: connectors.value?.map(connectorJson) ?? null,
    configuration: configuration.value === undefined ? null : configurationJson(configuration.value),
    counters: countersJson(counters),
  };
}

function connectorJson(connector: Connector): object {
  return {
    id: textJson(connector.id),
    version: connector.version ?? null,
    arch: connector.arch ?? null,
    started_at: timeJson(connector.startedAt),
    config_version: connector.configVersion ?? null,
    ha_status: connector.haStatus ?? null,
    connections: connector.connections.map(connectionJson),
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

/** Named as the metrics that count the same. */
function countersJson({ transitions, opened, closed, failovers }: TunnelCounters): object {
  return {
    status_transitions: transitions,
    connections_opened: opened,
    connections_closed: closed,
    ha_failovers: failovers,
  };
}
