import type { HaMode, KnownTunnelType, RouteKind, TunnelStatus } from '../core/model.ts';

/**
 * Times are milliseconds since the epoch. The fraction holds the microseconds that the API shows
 * for cloudflared.
 */

export interface FleetAccount {
  /** 32 hexadecimal digits. */
  readonly id: string;
  readonly name: string;
}

export interface FleetConnection {
  readonly id: string;
  readonly colo: string;
  readonly originIp: string;
  readonly openedAt: number;
  readonly pendingReconnect: boolean;
}

export type FleetHaStatus = 'active' | 'passive' | 'offline';

export interface FleetConnector {
  readonly id: string;
  readonly version: string | undefined;
  readonly arch: string | undefined;
  readonly features: readonly string[] | undefined;
  readonly startedAt: number;
  /** The number of connections that it tries to keep open: cloudflared's `--ha-connections`. */
  readonly wantedConnections: number;
  /** The data centers of its connections, in order. */
  readonly colos: readonly string[];
  readonly originIps: readonly string[];
  readonly connections: readonly FleetConnection[];
  /** Undefined for cloudflared and for WARP connectors without HA. */
  readonly haStatus: FleetHaStatus | undefined;
  /** When this connector applies each version of the remote configuration; may be in the future. */
  readonly deliveries: readonly Delivery[];
  /** False if it never applies a new configuration. */
  readonly takesConfiguration: boolean;
}

export interface Delivery {
  readonly version: number;
  readonly at: number;
}

export interface FleetConfiguration {
  /** 0: never set. */
  readonly version: number;
  readonly config: Readonly<Record<string, unknown>> | null;
  readonly createdAt: number;
}

/** A period in which the tunnel had connections; `until` is undefined if it has not ended. */
export interface ActiveSpan {
  readonly from: number;
  readonly until: number | undefined;
}

export interface FleetTunnel {
  readonly id: string;
  readonly accountId: string;
  readonly type: KnownTunnelType;
  readonly name: string;
  readonly configSource: 'local' | 'cloudflare';
  readonly createdAt: number;
  readonly deletedAt: number | undefined;
  readonly activeAt: number | undefined;
  /** Equal to `createdAt` for a tunnel that never ran. */
  readonly inactiveAt: number | undefined;
  readonly activeSpans: readonly ActiveSpan[];
  readonly configuration: FleetConfiguration;
  /** WARP connectors only. */
  readonly haMode: HaMode | undefined;
  /** Base64. Undefined: derived from the id. */
  readonly secret: string | undefined;
  readonly connectors: readonly FleetConnector[];
}

/** A private network or host name that is routed to a tunnel. */
export interface FleetRoute {
  readonly id: string;
  readonly accountId: string;
  readonly kind: RouteKind;
  /** CIDR or host name. */
  readonly target: string;
  readonly tunnelId: string;
  readonly comment: string;
  readonly createdAt: number;
  readonly deletedAt: number | undefined;
}

export function servingConnections(connector: FleetConnector): number {
  let serving = 0;
  for (const connection of connector.connections) if (!connection.pendingReconnect) serving += 1;
  return serving;
}

/** The fewest connections of a healthy cloudflared tunnel (Cloudflare docs, tunnel status). */
const HEALTHY_CONNECTIONS = 4;

/**
 * Cloudflare docs, tunnel status. healthy: every connector has all its connections, and cloudflared
 * tunnels have at least four; degraded: fewer connections; down: it ran before and has none;
 * inactive: it never ran.
 */
export function statusOf(tunnel: FleetTunnel): Exclude<TunnelStatus, 'unknown'> {
  if (tunnel.activeSpans.length === 0) return 'inactive';
  let serving = 0;
  let complete = true;
  for (const connector of tunnel.connectors) {
    const here = servingConnections(connector);
    serving += here;
    if (here < connector.wantedConnections) complete = false;
  }
  if (serving === 0) return 'down';
  const enough = tunnel.type !== 'cfd_tunnel' || serving >= HEALTHY_CONNECTIONS;
  return complete && enough ? 'healthy' : 'degraded';
}

export function isHighlyAvailable(mode: HaMode | undefined): boolean {
  return mode === 'aws' || mode === 'local';
}

/** The configuration version that a connector runs; `undefined` before its first. */
export function configVersionAt(connector: FleetConnector, now: number): number | undefined {
  let version: number | undefined;
  for (const delivery of connector.deliveries) if (delivery.at <= now) version = delivery.version;
  return version;
}

export interface ConnectorSpec {
  readonly id?: string;
  /** Null: the API reports none. Also below. */
  readonly version?: string | null;
  readonly arch?: string | null;
  readonly features?: readonly string[] | null;
  /** Must not be in the future. Default: now. */
  readonly startedAt?: number;
  /** One per open connection, in order. Default: `wantedConnections`, in two data centers. */
  readonly colos?: readonly string[];
  /** Default: 4 for cloudflared, 1 for a WARP connector. */
  readonly wantedConnections?: number;
  /** Assigned to the connections round-robin. */
  readonly originIps?: readonly string[];
  /** The configuration version at its start. Default: the tunnel's; null: it never reports one. */
  readonly configVersion?: number | null;
  /** False: it keeps its configuration version. Default: true. */
  readonly takesConfiguration?: boolean;
  /** Only if the tunnel has HA. Default: the first connector is active, later ones are passive. */
  readonly haStatus?: FleetHaStatus;
}

export interface TunnelSpec {
  readonly name: string;
  readonly id?: string;
  /** Default: cfd_tunnel. */
  readonly type?: KnownTunnelType;
  /** Default: cloudflare. */
  readonly configSource?: 'local' | 'cloudflare';
  readonly createdAt?: number;
  /** Default: none; the tunnel is then inactive, or down with `downSince`. */
  readonly connectors?: readonly ConnectorSpec[];
  /** The tunnel ran before, and has had no connections since then. */
  readonly downSince?: number;
  /** The tunnel is deleted and has no connectors. */
  readonly deletedAt?: number;
  readonly configuration?: { readonly version: number; readonly config: Readonly<Record<string, unknown>> };
  /** WARP connectors; aws and local are highly available. Default: none. */
  readonly haMode?: HaMode;
  /** Base64. */
  readonly secret?: string;
  /** Private networks behind it, in CIDR. */
  readonly networks?: readonly string[];
  /** Private host names behind it. */
  readonly hostnames?: readonly string[];
}

export interface AccountSpec {
  readonly name: string;
  /** Default: 32 hexadecimal digits drawn from the seed. */
  readonly id?: string;
  readonly tunnels?: readonly TunnelSpec[];
}

export interface FleetOptions {
  readonly seed: number;
  /** The start, milliseconds since the epoch. */
  readonly now: number;
  readonly accounts: readonly AccountSpec[];
  /** How long connectors take to apply a new configuration, drawn per connector. Default: 2 s to 90 s. */
  readonly configurationDelayMs?: { readonly low: number; readonly high: number };
}

/** A connector that the API removed while its process continues. It will connect again. */
export interface Evicted {
  readonly tunnelId: string;
  readonly connector: FleetConnector;
  readonly at: number;
}

/**
 * The state behind the simulated API. Returned values are live views; do not keep them. Operations
 * take the time as their last argument, in milliseconds since the epoch, and throw an Error for an
 * unknown id.
 */
export interface Fleet {
  readonly accounts: () => readonly FleetAccount[];
  readonly account: (accountId: string) => FleetAccount | undefined;
  /** Includes deleted ones; in order of creation. */
  readonly tunnels: (accountId: string) => readonly FleetTunnel[];
  readonly tunnel: (tunnelId: string) => FleetTunnel | undefined;
  /** Ignores deleted tunnels. */
  readonly tunnelNamed: (accountId: string, name: string) => FleetTunnel | undefined;
  readonly connector: (connectorId: string) => FleetConnector | undefined;
  /** Includes deleted ones; in order of creation. */
  readonly routes: (accountId: string) => readonly FleetRoute[];

  readonly createAccount: (spec: AccountSpec, now: number) => FleetAccount;
  readonly renameAccount: (change: { readonly accountId: string; readonly name: string }) => void;
  /** No token reaches it any more. */
  readonly deleteAccount: (accountId: string) => void;

  readonly createTunnel: (spec: TunnelSpec & { readonly accountId: string }, now: number) => FleetTunnel;
  readonly renameTunnel: (change: { readonly tunnelId: string; readonly name: string }, now: number) => void;
  readonly rotateSecret: (
    change: { readonly tunnelId: string; readonly secret: string },
    now: number,
  ) => void;
  /** Closes its connections and marks it as deleted. */
  readonly deleteTunnel: (tunnelId: string, now: number) => void;

  readonly addRoute: (
    route: {
      readonly tunnelId: string;
      readonly kind: RouteKind;
      readonly target: string;
      readonly comment?: string;
    },
    now: number,
  ) => FleetRoute;
  /** Marks it as deleted. */
  readonly removeRoute: (routeId: string, now: number) => void;

  readonly startConnector: (
    start: ConnectorSpec & { readonly tunnelId: string },
    now: number,
  ) => FleetConnector;
  /**
   * A highly available WARP connector stays as offline and another is promoted; others are removed.
   * Returns its previous state.
   */
  readonly stopConnector: (connectorId: string, now: number) => FleetConnector;
  /** Replaces it by a new process on the same machine, with another id. */
  readonly restartConnector: (connectorId: string, now: number) => FleetConnector;

  readonly closeConnection: (
    which: { readonly connectorId: string; readonly connectionId: string },
    now: number,
  ) => void;
  /** Opens the connections that the connector lacks. */
  readonly openConnections: (connectorId: string, now: number) => void;
  /** Reopens the connection with another id, at `colo` if given. */
  readonly reconnect: (
    which: { readonly connectorId: string; readonly connectionId: string; readonly colo?: string },
    now: number,
  ) => void;
  readonly setPendingReconnect: (
    which: { readonly connectorId: string; readonly connectionId: string; readonly pending: boolean },
    now: number,
  ) => void;
  /** Moves every connection of the data center to a neighbour. Returns their number. */
  readonly drainColo: (colo: string, now: number) => number;

  /** Sets the next version, which connectors apply one by one, later. */
  readonly putConfiguration: (
    change: { readonly tunnelId: string; readonly config: Readonly<Record<string, unknown>> },
    now: number,
  ) => FleetConfiguration;
  /** Removes one connector, or all. */
  readonly cleanUpConnections: (
    which: { readonly tunnelId: string; readonly clientId?: string },
    now: number,
  ) => void;
  /** Returns the connectors removed by clean-ups since the last call. */
  readonly takeEvicted: () => readonly Evicted[];
  /** Connects a removed connector again, with its old id. */
  readonly readmitConnector: (
    which: { readonly tunnelId: string; readonly connector: FleetConnector },
    now: number,
  ) => void;
  /** Makes the connector the active one. */
  readonly failOver: (which: { readonly tunnelId: string; readonly clientId: string }, now: number) => void;
}
