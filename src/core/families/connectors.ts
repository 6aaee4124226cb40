import {
  airportOf,
  type Connector,
  HA_STATUSES,
  hasConnectionsEndpoint,
  hasNoConnections,
  releaseTime,
  servingConnections,
  servingConnectors,
  UNKNOWN_COLO,
} from '../model.ts';
import { type Emit, emitStateSet, seconds, type TunnelFamily } from './family.ts';

export const connectionFamilies: readonly TunnelFamily[] = [
  {
    scope: 'tunnel',
    name: 'cloudflare_tunnel_active_connections',
    help: 'Connections that serve traffic, per Cloudflare data center (colo).',
    type: 'gauge',
    labels: ['colo', 'airport'],
    samples: ({ connectors }, emit) => {
      emitPerColo(connectors.value, emit, { pendingReconnect: false });
    },
  },
  {
    scope: 'tunnel',
    name: 'cloudflare_tunnel_pending_reconnect_connections',
    help: 'Connections that are gone but still tracked by Cloudflare; absent if there are none.',
    type: 'gauge',
    labels: ['colo', 'airport'],
    samples: ({ connectors }, emit) => {
      emitPerColo(connectors.value, emit, { pendingReconnect: true });
    },
  },
  {
    scope: 'tunnel',
    name: 'cloudflare_tunnel_connectors',
    help: 'Connectors (replicas) with at least one serving connection; 0 for a tunnel listed down or inactive.',
    type: 'gauge',
    labels: [],
    samples: ({ tunnel, connectors }, emit) => {
      if (hasNoConnections(tunnel.status)) emit(0);
      else if (connectors.value !== undefined) emit(servingConnectors(connectors.value).length);
    },
  },
  {
    scope: 'tunnel',
    name: 'cloudflare_tunnel_observed_timestamp_seconds',
    help: 'When the connections were last observed; absent for a tunnel listed down or inactive.',
    type: 'gauge',
    labels: [],
    samples: ({ connectors }, emit) => {
      if (connectors.value !== undefined && connectors.at !== undefined) emit(seconds(connectors.at));
    },
  },
  {
    scope: 'tunnel',
    name: 'cloudflare_tunnel_last_observed_timestamp_seconds',
    help: 'When the connections of a tunnel that is down were last observed; absent if they never were.',
    type: 'gauge',
    labels: [],
    samples: ({ tunnel, lastServing }, emit) => {
      if (tunnel.status === 'down' && lastServing !== undefined) emit(seconds(lastServing.at));
    },
  },
  {
    scope: 'tunnel',
    name: 'cloudflare_tunnel_connections_opened_total',
    help: 'Connections that appeared between two observations.',
    type: 'counter',
    labels: [],
    samples: ({ tunnel, counters }, emit) => {
      if (hasConnectionsEndpoint(tunnel.type)) emit(counters.opened);
    },
  },
  {
    scope: 'tunnel',
    name: 'cloudflare_tunnel_connections_closed_total',
    help: 'Connections that disappeared between two observations.',
    type: 'counter',
    labels: [],
    samples: ({ tunnel, counters }, emit) => {
      if (hasConnectionsEndpoint(tunnel.type)) emit(counters.closed);
    },
  },
];

function emitPerColo(
  connectors: readonly Connector[] | undefined,
  emit: Emit,
  { pendingReconnect }: { readonly pendingReconnect: boolean },
): void {
  const counts = new Map<string, number>();
  for (const { connections } of connectors ?? []) {
    for (const connection of connections) {
      if (connection.pendingReconnect !== pendingReconnect) continue;
      const colo = connection.colo ?? UNKNOWN_COLO;
      counts.set(colo, (counts.get(colo) ?? 0) + 1);
    }
  }
  for (const [colo, count] of counts) emit(count, colo, colo === UNKNOWN_COLO ? '' : airportOf(colo));
}

export const connectorFamilies: readonly TunnelFamily[] = [
  {
    scope: 'tunnel',
    name: 'cloudflare_tunnel_connector_info',
    help: 'A connector (replica): one running cloudflared or WARP connector process.',
    type: 'info',
    labels: ['connector_id', 'version', 'arch'],
    optionalLabel: { name: 'origin_ip', option: 'originIp' },
    samples: ({ connectors }, emit) => {
      for (const { id, version, arch, connections } of connectors.value ?? []) {
        // A connector with an IPv4 and an IPv6 origin stays one series.
        const origins = new Set(
          connections.flatMap(({ originIp }) => (originIp === undefined ? [] : [originIp])),
        );
        emit(1, id, version ?? '', arch ?? '', [...origins].toSorted().join(','));
      }
    },
  },
  {
    scope: 'tunnel',
    name: 'cloudflare_tunnel_connector_active_connections',
    help: 'Serving connections of the connector.',
    type: 'gauge',
    labels: ['connector_id'],
    samples: ({ connectors }, emit) => {
      for (const connector of connectors.value ?? [])
        emit(servingConnections(connector).length, connector.id);
    },
  },
  {
    scope: 'tunnel',
    name: 'cloudflare_tunnel_connector_started_timestamp_seconds',
    help: 'When the connector was started.',
    type: 'gauge',
    labels: ['connector_id'],
    samples: ({ connectors }, emit) => {
      for (const { id, startedAt } of connectors.value ?? []) {
        if (startedAt !== undefined) emit(seconds(startedAt), id);
      }
    },
  },
  {
    scope: 'tunnel',
    name: 'cloudflare_tunnel_connector_release_timestamp_seconds',
    help: "First day of the month that the connector's version YYYY.M.P names; absent for other versions.",
    type: 'gauge',
    labels: ['connector_id'],
    samples: ({ connectors }, emit) => {
      for (const { id, version } of connectors.value ?? []) {
        const released = releaseTime(version ?? '');
        if (released !== undefined) emit(seconds(released), id);
      }
    },
  },
  {
    scope: 'tunnel',
    name: 'cloudflare_tunnel_connector_config_version',
    help: 'Version of the remote configuration that the connector runs; absent if the API returns none.',
    type: 'gauge',
    labels: ['connector_id'],
    samples: ({ connectors }, emit) => {
      for (const { id, configVersion } of connectors.value ?? []) {
        if (configVersion !== undefined) emit(configVersion, id);
      }
    },
  },
  {
    scope: 'tunnel',
    name: 'cloudflare_tunnel_connector_feature_info',
    help: 'A feature that the connector has enabled.',
    type: 'info',
    option: 'features',
    labels: ['connector_id', 'feature'],
    samples: ({ connectors }, emit) => {
      for (const { id, features } of connectors.value ?? []) {
        for (const feature of new Set(features)) emit(1, id, feature);
      }
    },
  },
  {
    scope: 'tunnel',
    name: 'cloudflare_tunnel_connector_ha_status',
    help: 'High-availability status of a WARP connector: 1 for the current status, 0 for the others.',
    type: 'stateset',
    labels: ['connector_id', 'ha_status'],
    samples: ({ connectors }, emit) => {
      for (const { id, haStatus } of connectors.value ?? []) {
        if (haStatus === undefined) continue;
        emitStateSet(HA_STATUSES, haStatus, (value, status) => {
          emit(value, id, status);
        });
      }
    },
  },
];
