import type { FleetFamily } from './family.ts';

/** About the cloudflared beside us; nothing where there is none. */
export const sidecarFamilies: readonly FleetFamily[] = [
  {
    scope: 'fleet',
    name: 'cloudflare_tunnel_sidecar_ready',
    help: 'Whether the cloudflared beside the exporter says that it is ready; 0 also where it does not answer.',
    type: 'gauge',
    labels: ['connector_id'],
    samples: ({ sidecar }, emit) => {
      if (sidecar !== undefined) emit(sidecar.ready ? 1 : 0, sidecar.connectorId);
    },
  },
  {
    scope: 'fleet',
    name: 'cloudflare_tunnel_sidecar_ready_connections',
    help: 'Connections that the cloudflared beside the exporter says it has; absent where it does not answer.',
    type: 'gauge',
    labels: ['connector_id'],
    samples: ({ sidecar }, emit) => {
      if (sidecar?.readyConnections !== undefined) emit(sidecar.readyConnections, sidecar.connectorId);
    },
  },
  {
    scope: 'fleet',
    name: 'cloudflare_tunnel_sidecar_edge_connections',
    help: 'Serving connections of the same connector as Cloudflare sees them; absent while unknown or too old.',
    type: 'gauge',
    labels: ['connector_id'],
    samples: ({ sidecar }, emit) => {
      if (sidecar?.edge !== undefined) emit(sidecar.edge.connections, sidecar.connectorId);
    },
  },
];
