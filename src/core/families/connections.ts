import { airportOf, UNKNOWN_COLO } from '../colo.ts';
import type { Connector } from '../model.ts';
import { hasConnectionsEndpoint, hasNoConnections, servingConnectors } from '../serving.ts';
import { type Emit, seconds, type TunnelFamily } from './family.ts';

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
    help: 'Connections that are gone but still tracked by Cloudflare; present only where there are any.',
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
    help: 'When the connections were last observed; absent for a tunnel listed down or inactive, which is not asked for.',
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
