import { presenceIn } from '../expected.ts';
import { TUNNEL_STATUSES, type TunnelType } from '../model.ts';
import type { AccountState } from '../snapshot.ts';
import type { FleetFamily } from './family.ts';

export const fleetFamilies: readonly FleetFamily[] = [
  {
    scope: 'fleet',
    name: 'cloudflare_tunnel_expected',
    help: 'A tunnel that the configuration file declares, by name or id.',
    type: 'gauge',
    labels: ['account_id', 'tunnel'],
    samples: (_snapshot, emit, { expected }) => {
      for (const { accountId, tunnel } of expected) emit(1, accountId ?? '', tunnel);
    },
  },
  {
    scope: 'fleet',
    name: 'cloudflare_tunnel_expected_min_connectors',
    help: 'How many connectors a declared tunnel should have at least.',
    type: 'gauge',
    labels: ['account_id', 'tunnel'],
    samples: (_snapshot, emit, { expected }) => {
      for (const { accountId, tunnel, minConnectors } of expected) {
        if (minConnectors !== undefined) emit(minConnectors, accountId ?? '', tunnel);
      }
    },
  },
  {
    scope: 'fleet',
    name: 'cloudflare_tunnel_expected_present',
    help: 'Whether a listed tunnel matches a declared one; absent while there is no complete, fresh list.',
    type: 'gauge',
    labels: ['account_id', 'tunnel'],
    samples: (snapshot, emit, { expected, types }) => {
      if (expected.length === 0) return;
      const isPresent = presenceIn(snapshot, types);
      for (const declared of expected) {
        const present = isPresent(declared);
        if (present !== undefined) emit(present ? 1 : 0, declared.accountId ?? '', declared.tunnel);
      }
    },
  },
  {
    scope: 'fleet',
    name: 'cloudflare_tunnel_account_info',
    help: 'An account that is watched; its name as configured, else as Cloudflare gives it.',
    type: 'info',
    labels: ['account_id', 'account_name'],
    samples: ({ accounts }, emit) => {
      for (const { id, name } of accounts.values()) emit(1, id, name);
    },
  },
  {
    scope: 'fleet',
    name: 'cloudflare_tunnel_account_tunnels',
    help: 'Listed tunnels per type and status, zeros included; absent while the list is not fresh.',
    type: 'gauge',
    labels: ['account_id', 'tunnel_type', 'status'],
    samples: ({ accounts }, emit, { types }) => {
      for (const account of accounts.values()) {
        const counts = countByTypeAndStatus(account);
        const fresh = types.filter((type) => account.listedAt.has(type));
        const shown: readonly TunnelType[] = counts.has('unknown') ? [...fresh, 'unknown'] : fresh;
        for (const type of shown) {
          for (const status of TUNNEL_STATUSES)
            emit(counts.get(type)?.get(status) ?? 0, account.id, type, status);
        }
      }
    },
  },
];

export const sidecarFamilies: readonly FleetFamily[] = [
  {
    scope: 'fleet',
    name: 'cloudflare_tunnel_sidecar_ready',
    help: 'Whether the cloudflared beside the exporter reports to be ready; 0 also if it does not answer.',
    type: 'gauge',
    labels: ['connector_id'],
    samples: ({ sidecar }, emit) => {
      if (sidecar !== undefined) emit(sidecar.ready ? 1 : 0, sidecar.connectorId);
    },
  },
  {
    scope: 'fleet',
    name: 'cloudflare_tunnel_sidecar_ready_connections',
    help: 'Connections that the cloudflared beside the exporter reports; absent if it does not answer.',
    type: 'gauge',
    labels: ['connector_id'],
    samples: ({ sidecar }, emit) => {
      if (sidecar?.readyConnections !== undefined) emit(sidecar.readyConnections, sidecar.connectorId);
    },
  },
  {
    scope: 'fleet',
    name: 'cloudflare_tunnel_sidecar_edge_connections',
    help: 'Serving connections of the same connector as Cloudflare reports them; absent while unknown or stale.',
    type: 'gauge',
    labels: ['connector_id'],
    samples: ({ sidecar }, emit) => {
      if (sidecar?.edge !== undefined) emit(sidecar.edge.connections, sidecar.connectorId);
    },
  },
];

function countByTypeAndStatus({
  tunnels,
}: AccountState): ReadonlyMap<TunnelType, ReadonlyMap<string, number>> {
  const counts = new Map<TunnelType, Map<string, number>>();
  for (const { tunnel } of tunnels.values()) {
    const byStatus = counts.get(tunnel.type) ?? new Map<string, number>();
    byStatus.set(tunnel.status, (byStatus.get(tunnel.status) ?? 0) + 1);
    counts.set(tunnel.type, byStatus);
  }
  return counts;
}
