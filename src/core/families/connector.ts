import { HA_STATUSES } from '../model.ts';
import { releaseTime } from '../release.ts';
import { servingConnections } from '../serving.ts';
import { emitStateSet, seconds, type TunnelFamily } from './family.ts';

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
        // One connector can have an IPv4 and an IPv6 origin; it stays one series.
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
    help: 'Version of the remote configuration that the connector runs; absent where the API gives none.',
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
