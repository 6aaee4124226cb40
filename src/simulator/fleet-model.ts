import type { HaMode, KnownTunnelType, RouteKind, TunnelStatus } from '../core/model.ts';

/** Times are milliseconds since the epoch; the fraction holds microseconds, which the API shows of cloudflared. */

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
  /** How many connections it wants: cloudflared's `--ha-connections`. */
  readonly wantedConnections: number;
  /** The data centers it prefers, in order of its connections. */
  readonly colos: readonly string[];
  readonly originIps: readonly string[];
  readonly connections: readonly FleetConnection[];
  /** `undefined` for cloudflared and for WARP connectors without HA. */
  readonly haStatus: FleetHaStatus | undefined;
  /** Versions of the remote configuration and when this connector has or will have picked them up. */
  readonly deliveries: readonly Delivery[];
  /** False for one that never picks up a new configuration. */
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

/** A time in which the tunnel had connections; `until` is undefined while it has. */
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
  /** Base64, where one was given; otherwise it follows from the id. */
  readonly secret: string | undefined;
  readonly connectors: readonly FleetConnector[];
}

/** A private network or host name that leads to a tunnel. */
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
 * healthy: every connector has the connections it wants, for cloudflared four or more in all; degraded: serving with fewer;
 * down: it has run and has none; inactive: it never ran (Cloudflare docs, tunnel status).
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

/** The configuration version that a connector runs; `undefined` before its first. */
export function configVersionAt(connector: FleetConnector, now: number): number | undefined {
  let version: number | undefined;
  for (const delivery of connector.deliveries) if (delivery.at <= now) version = delivery.version;
  return version;
}
