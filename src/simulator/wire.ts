import type { FleetConnection, FleetConnector, FleetRoute, FleetTunnel } from './fleet-model.ts';
import { configVersionAt, statusOf } from './fleet-model.ts';
import { createRandom, hash } from './random.ts';

/**
 * The `connections` of list and get answers. Before October 2026: the connections. Since then: an
 * empty array according to the official SDK, no key according to the API changelog of 2026-07-09.
 */
export type EmbeddedConnections = 'populated' | 'empty' | 'missing';

/** Milliseconds with a fraction → RFC 3339 with microseconds. */
export function microseconds(at: number): string {
  const whole = Math.floor(at);
  const micros = Math.round((at - whole) * 1000) % 1000;
  return `${new Date(whole).toISOString().slice(0, -1)}${String(micros).padStart(3, '0')}Z`;
}

/** RFC 3339 with milliseconds, as the API shows for WARP connectors. */
export function milliseconds(at: number): string {
  return new Date(Math.floor(at)).toISOString();
}

/** Times of cloudflared tunnels have microseconds, those of other types milliseconds. */
export function timeFormat(tunnel: FleetTunnel): (at: number) => string {
  return tunnel.type === 'cfd_tunnel' ? microseconds : milliseconds;
}

/** The API's JSON, with the keys and their order as in recorded answers. */
export function tunnelRow(
  tunnel: FleetTunnel,
  embedded: EmbeddedConnections,
): Readonly<Record<string, unknown>> {
  const time = timeFormat(tunnel);
  const orNull = (at: number | undefined): string | null => (at === undefined ? null : time(at));
  const row: Record<string, unknown> = {
    id: tunnel.id,
    account_tag: tunnel.accountId,
    created_at: time(tunnel.createdAt),
    deleted_at: orNull(tunnel.deletedAt),
    name: tunnel.name,
  };
  if (embedded === 'populated')
    row['connections'] = tunnel.connectors.flatMap((c) => connectionRows(tunnel, c));
  if (embedded === 'empty') row['connections'] = [];
  row['conns_active_at'] = orNull(tunnel.activeAt);
  row['conns_inactive_at'] = orNull(tunnel.inactiveAt);
  row['tun_type'] = tunnel.type;
  row['metadata'] = {};
  row['status'] = statusOf(tunnel);
  if (tunnel.type !== 'cfd_tunnel') return row;
  row['remote_config'] = tunnel.deletedAt === undefined && tunnel.configSource === 'cloudflare';
  if (tunnel.deletedAt === undefined) row['config_src'] = tunnel.configSource;
  return row;
}

function connectionRows(
  tunnel: FleetTunnel,
  connector: FleetConnector,
): readonly Readonly<Record<string, unknown>>[] {
  const client = connector.version === undefined ? {} : { client_version: connector.version };
  return connector.connections.map((connection: FleetConnection) =>
    tunnel.type === 'cfd_tunnel'
      ? {
          colo_name: connection.colo,
          uuid: connection.id,
          id: connection.id,
          is_pending_reconnect: connection.pendingReconnect,
          origin_ip: connection.originIp,
          opened_at: microseconds(connection.openedAt),
          client_id: connector.id,
          ...client,
        }
      : {
          id: connection.id,
          colo_name: connection.colo,
          origin_ip: connection.originIp,
          opened_at: milliseconds(connection.openedAt),
          client_id: connector.id,
          ...client,
        },
  );
}

/**
 * One connector with its connections: an element of `…/connections`, or the result of
 * `…/connectors/{id}`.
 */
export function clientRow(
  tunnel: FleetTunnel,
  { connector, now }: { readonly connector: FleetConnector; readonly now: number },
): Readonly<Record<string, unknown>> {
  const { id, features, version, arch } = connector;
  const configVersion = configVersionAt(connector, now);
  const row: Record<string, unknown> = { id };
  if (features !== undefined) row['features'] = features;
  if (version !== undefined) row['version'] = version;
  if (arch !== undefined) row['arch'] = arch;
  if (tunnel.type === 'cfd_tunnel' && configVersion !== undefined) row['config_version'] = configVersion;
  row['conns'] = connectionRows(tunnel, connector);
  row['run_at'] = timeFormat(tunnel)(connector.startedAt);
  row['ha_status'] = connector.haStatus ?? null;
  return row;
}

export function configurationRow(tunnel: FleetTunnel): Readonly<Record<string, unknown>> {
  const { version, config, createdAt } = tunnel.configuration;
  return {
    tunnel_id: tunnel.id,
    version,
    config,
    source: tunnel.configSource,
    created_at: microseconds(createdAt),
  };
}

export function warpConfigurationRow(tunnel: FleetTunnel): Readonly<Record<string, unknown>> {
  return {
    tunnel_id: tunnel.id,
    ha_mode: tunnel.haMode ?? 'none',
    configuration_version: tunnel.configuration.version,
    created_at: milliseconds(tunnel.createdAt),
  };
}

/** The only virtual network of the simulated accounts. */
const DEFAULT_NETWORK = { id: '0c5e2c3e-3b1f-4f0a-9d6c-5b8f6f1d9a77', name: 'default' };

export function routeRow(
  route: FleetRoute,
  tunnel: FleetTunnel | undefined,
): Readonly<Record<string, unknown>> {
  const ends = {
    comment: route.comment,
    created_at: milliseconds(route.createdAt),
    deleted_at: route.deletedAt === undefined ? null : milliseconds(route.deletedAt),
    tunnel_id: route.tunnelId,
    tunnel_name: tunnel?.name ?? '',
  };
  if (route.kind === 'hostname') return { id: route.id, hostname: route.target, ...ends };
  return {
    id: route.id,
    network: route.target,
    ...ends,
    tun_type: tunnel?.type ?? 'cfd_tunnel',
    virtual_network_id: DEFAULT_NETWORK.id,
    virtual_network_name: DEFAULT_NETWORK.name,
  };
}

/**
 * A tunnel token for cloudflared: base64 of JSON with account, tunnel and secret (Cloudflare docs,
 * tunnel tokens).
 */
export function tunnelToken({ accountId, id, secret }: FleetTunnel): string {
  const s = secret ?? Buffer.from(createRandom(hash(id)).hex(64), 'hex').toString('base64');
  return Buffer.from(JSON.stringify({ a: accountId, t: id, s })).toString('base64');
}
