import { NO_CHURN } from '../../src/core/snapshot.ts';
import type { Configuration, Connection, Connector, ListedTunnel } from '../../src/core/model.ts';
import {
  type AccountState,
  type CollectorState,
  type LastServing,
  NO_ROUTE_TABLES,
  type Snapshot,
  type TunnelCounters,
  type TunnelRoutes,
  type TunnelState,
  UNKNOWN_ROUTES,
} from '../../src/core/snapshot.ts';

/** The moment at which the snapshots built here were taken: 2026-03-01 12:00 UTC. */
export const NOW = Date.UTC(2026, 2, 1, 12);

const ACCOUNT_ID = '023e105f4ecef8ad9ca31a8372d0c353';
const MINUTE = 60_000;

export function aConnection(parts: Partial<Connection> = {}): Connection {
  return {
    id: '1bedc50d-42b3-473c-b108-ff3d10c0d925',
    colo: 'fra08',
    pendingReconnect: false,
    openedAt: NOW - 90 * MINUTE,
    originIp: '203.0.113.10',
    ...parts,
  };
}

/** Four connections to two data centers. */
export function aConnector(parts: Partial<Connector> = {}): Connector {
  return {
    id: '7d2f9b1e-6a55-4b0e-9c3e-2f3c0f2f8a01',
    version: '2026.2.0',
    arch: 'linux_amd64',
    features: ['serialized_headers', 'support_quic_eof'],
    startedAt: NOW - 90 * MINUTE,
    configVersion: 3,
    haStatus: undefined,
    connections: connectionsTo('fra08', 'fra08', 'ams06', 'ams06'),
    ...parts,
  };
}

export function connectionsTo(...colos: readonly string[]): readonly Connection[] {
  return colos.map((colo, index) =>
    aConnection({ colo, id: `00000000-0000-4000-8000-${String(index).padStart(12, '0')}` }),
  );
}

export interface TunnelParts extends Partial<ListedTunnel> {
  readonly connectors?: readonly Connector[] | undefined;
  readonly connectorsAt?: number | undefined;
  readonly connectorsFailingSince?: number | undefined;
  readonly configuration?: Configuration | undefined;
  readonly lastServing?: LastServing;
  readonly routes?: TunnelRoutes;
  readonly counters?: Partial<TunnelCounters>;
}

/**
 * A healthy cloudflared tunnel with one connector, unless the parts say otherwise; `connectors:
 * undefined` is unobserved.
 */
export function aTunnel(parts: TunnelParts = {}): TunnelState {
  const { connectorsAt, connectorsFailingSince, configuration, counters, lastServing, routes, ...rest } =
    parts;
  const { connectors: _, ...listed } = rest;
  const connectors = 'connectors' in parts ? parts.connectors : [aConnector()];
  const observedAt = connectorsAt ?? (connectors === undefined ? undefined : NOW - 12_000);
  return {
    tunnel: {
      id: 'f70ff985-a4ef-4643-bbbc-4a0ed4fc8415',
      accountId: ACCOUNT_ID,
      name: 'web',
      type: 'cfd_tunnel',
      status: 'healthy',
      configSource: 'cloudflare',
      createdAt: NOW - 30 * 24 * 60 * MINUTE,
      activeAt: NOW - 90 * MINUTE,
      inactiveAt: undefined,
      ...listed,
    },
    connectors: {
      value: connectors,
      at: observedAt,
      failingSince: connectorsFailingSince,
      failedAt: connectorsFailingSince,
      failedFor: connectorsFailingSince === undefined ? undefined : 'server',
    },
    detailedAt: observedAt,
    changedAt: undefined,
    configuration: {
      value: configuration,
      at: configuration === undefined ? undefined : NOW - 5 * MINUTE,
      failingSince: undefined,
      failedAt: undefined,
      failedFor: undefined,
    },
    counters: {
      transitions: { healthy: 0, degraded: 0, down: 0, inactive: 0, unknown: 0 },
      opened: 0,
      closed: 0,
      failovers: 0,
      ...counters,
    },
    routes: routes ?? UNKNOWN_ROUTES,
    knownConnectors: undefined,
    lastServing,
    knownConfiguration: configuration,
    lastActiveConnector: undefined,
    churn: { changes: 0, observedMs: 0 },
  };
}

/** A tunnel that was connected and is not. */
export function aDownTunnel(parts: TunnelParts = {}): TunnelState {
  return aTunnel({
    status: 'down',
    activeAt: undefined,
    inactiveAt: NOW - 133 * MINUTE,
    connectors: undefined,
    ...parts,
  });
}

export interface AccountParts extends Partial<Omit<AccountState, 'tunnels' | 'hidden'>> {
  readonly tunnels?: readonly TunnelState[];
  readonly hidden?: readonly TunnelState[];
}

/** An account whose last list, 14 seconds ago, was complete. The tunnels become its own. */
export function anAccount(parts: AccountParts = {}): AccountState {
  const { tunnels = [], hidden = [], ...rest } = parts;
  const id = parts.id ?? ACCOUNT_ID;
  const good: CollectorState = { success: true, lastSuccessAt: NOW - 14_000 };
  return {
    id,
    name: '',
    up: true,
    list: {
      answeredAt: NOW - 14_000,
      failingSince: undefined,
      intervalMs: 30_000,
      requests: 1,
      churn: NO_CHURN,
    },
    listedAt: new Map([
      ['cfd_tunnel', NOW - 14_000],
      ['warp_connector', NOW - 14_000],
    ]),
    collectors: {
      tunnels: good,
      connections: good,
      warp_connections: good,
      configurations: good,
      routes: good,
    },
    routes: NO_ROUTE_TABLES,
    everListed: new Set(['cfd_tunnel', 'warp_connector']),
    tunnels: byId(tunnels, id),
    hidden: byId(hidden, id),
    ...rest,
  };
}

export function aSnapshot(...accounts: readonly AccountState[]): Snapshot {
  return {
    takenAt: NOW,
    accounts: new Map(accounts.map((account) => [account.id, account])),
    sidecar: undefined,
  };
}

function byId(tunnels: readonly TunnelState[], accountId: string): ReadonlyMap<string, TunnelState> {
  return new Map(
    tunnels.map((state) => [state.tunnel.id, { ...state, tunnel: { ...state.tunnel, accountId } }]),
  );
}
