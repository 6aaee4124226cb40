/**
 * The domain: what Cloudflare reports about tunnels, in terms of this project. Wire names live in
 * cloudflare/schema/ only. Times are milliseconds since the epoch; `undefined` means that the API
 * did not return the value (null, missing or the zero time).
 */

export const TUNNEL_TYPES = [
  'cfd_tunnel',
  'warp_connector',
  'warp',
  'magic',
  'ip_sec',
  'gre',
  'cni',
] as const;
/** The seven values of `tun_types`, which a user can ask for. */
export type KnownTunnelType = (typeof TUNNEL_TYPES)[number];
export type TunnelType = KnownTunnelType | 'unknown';

export const TUNNEL_STATUSES = ['healthy', 'degraded', 'down', 'inactive', 'unknown'] as const;
export type TunnelStatus = (typeof TUNNEL_STATUSES)[number];

export const HA_STATUSES = ['active', 'passive', 'offline', 'unknown'] as const;
export type HaStatus = (typeof HA_STATUSES)[number];

export const HA_MODES = ['none', 'disabled', 'aws', 'local'] as const;
export type HaMode = (typeof HA_MODES)[number];

export const COLLECTORS = ['tunnels', 'connections', 'warp_connections', 'configurations', 'routes'] as const;
export type Collector = (typeof COLLECTORS)[number];

export const FAILURE_REASONS = [
  'auth',
  'permission',
  'rate_limited',
  'timeout',
  'network',
  'server',
  'malformed',
  'not_found',
] as const;
export type FailureReason = (typeof FAILURE_REASONS)[number];

/** Why a request or list failed. `message` is one actionable line without secrets. */
export interface Failure {
  readonly reason: FailureReason;
  readonly message: string;
}

export type Result<T> =
  { readonly ok: true; readonly value: T } | { readonly ok: false; readonly failure: Failure };

export interface Account {
  readonly id: string;
  /** '' if it has none. */
  readonly name: string;
}

export interface Connection {
  /** Changes with every reconnect. */
  readonly id: string | undefined;
  /** Data center, in lower case (`khh01`). */
  readonly colo: string | undefined;
  /** Disconnected but still tracked by Cloudflare. Such a connection carries no traffic. */
  readonly pendingReconnect: boolean;
  readonly openedAt: number | undefined;
  readonly originIp: string | undefined;
}

/** A running cloudflared or WARP connector process. The API calls it a client. */
export interface Connector {
  /** Random, new at every start of the process; '' if the API returned none. */
  readonly id: string;
  readonly version: string | undefined;
  readonly arch: string | undefined;
  readonly features: readonly string[];
  readonly startedAt: number | undefined;
  readonly configVersion: number | undefined;
  readonly haStatus: HaStatus | undefined;
  readonly connections: readonly Connection[];
}

export interface ListedTunnel {
  readonly id: string;
  readonly accountId: string;
  readonly name: string;
  readonly type: TunnelType;
  readonly status: TunnelStatus;
  /** `local` or `cloudflare`; '' if the API returned none. */
  readonly configSource: string;
  readonly createdAt: number | undefined;
  readonly activeAt: number | undefined;
  readonly inactiveAt: number | undefined;
}

/**
 * An entry of a list. `embedded` is undefined unless the API still fills its `connections` array.
 * Embedded connectors have no arch, start time, features, configuration version and HA status.
 */
export interface ListEntry {
  readonly tunnel: ListedTunnel;
  readonly embedded: readonly Connector[] | undefined;
}

export interface IngressRule {
  /** '' in the catch-all rule. */
  readonly hostname: string;
  readonly service: string;
  readonly path: string;
}

/** A tunnel's remote configuration. */
export interface Configuration {
  readonly version: number | undefined;
  /** Undefined for WARP connectors, for which the API returns none. */
  readonly ingress: readonly IngressRule[] | undefined;
  /** WARP connectors only; undefined also for an unknown mode. */
  readonly haMode: HaMode | undefined;
}

export const ROUTE_KINDS = ['network', 'hostname'] as const;
export type RouteKind = (typeof ROUTE_KINDS)[number];

/** A private network or private host name that leads to a tunnel. */
export interface Route {
  readonly id: string;
  /** CIDR or host name; '' if the API returned none. */
  readonly target: string;
  /** '' if the API returned none. */
  readonly tunnelId: string;
  /** Undefined if the API returned none, which is so for every host name. */
  readonly tunnelType: TunnelType | undefined;
  /** The name of the virtual network, or its id if it has no name; '' for host names. */
  readonly virtualNetwork: string;
}

/** An answer of Cloudflare, or why there is none. `at` is when the answer was complete. */
export type Observation =
  | {
      readonly kind: 'tunnels';
      readonly accountId: string;
      /** The types that this list covers, completely or not at all. */
      readonly types: readonly KnownTunnelType[];
      readonly at: number;
      /** Requests that the list took, including those for entries that were not selected. */
      readonly requests?: number;
      readonly result: Result<readonly ListEntry[]>;
    }
  | {
      readonly kind: 'connections';
      readonly accountId: string;
      readonly tunnelId: string;
      readonly at: number;
      readonly result: Result<readonly Connector[]>;
    }
  | {
      readonly kind: 'configuration';
      readonly accountId: string;
      readonly tunnelId: string;
      readonly at: number;
      /** Undefined if the tunnel has no remote configuration. */
      readonly result: Result<Configuration | undefined>;
    }
  | {
      /** The planned interval of the account's lists has changed. */
      readonly kind: 'list_interval';
      readonly accountId: string;
      readonly intervalMs: number;
      readonly at: number;
    }
  | {
      /** A complete list of an account's routes of one kind. */
      readonly kind: 'routes';
      readonly accountId: string;
      readonly routeKind: RouteKind;
      readonly at: number;
      readonly result: Result<readonly Route[]>;
    }
  | {
      /** No request was due for this collector, which counts as a success. */
      readonly kind: 'idle';
      readonly accountId: string;
      readonly collector: Collector;
      readonly at: number;
    };

export function failureOf(observation: Observation): Failure | undefined {
  return !('result' in observation) || observation.result.ok ? undefined : observation.result.failure;
}

/** Connections that carry traffic: excludes those pending reconnect. */
export function servingConnections(connector: Connector): readonly Connection[] {
  return connector.connections.filter((connection) => !connection.pendingReconnect);
}

/** The connectors with at least one serving connection. */
export function servingConnectors(connectors: readonly Connector[]): readonly Connector[] {
  return connectors.filter((connector) =>
    connector.connections.some(({ pendingReconnect }) => !pendingReconnect),
  );
}

/** Whether a tunnel with this status has no connections, so that requesting them is pointless. */
export function hasNoConnections(status: TunnelStatus): boolean {
  return status === 'down' || status === 'inactive';
}

export function hasConnectionsEndpoint(type: TunnelType): boolean {
  return type === 'cfd_tunnel' || type === 'warp_connector';
}

/**
 * The airport of a data center: the first three letters of its name, in upper case (`khh01` →
 * `KHH`); '' if the name does not start with exactly three letters. Names of data centers start
 * with an IATA code (Cloudflare's documentation).
 */
export function airportOf(colo: string): string {
  const code = /^[a-z]{3}(?![a-z])/i.exec(colo)?.[0];
  return code === undefined ? '' : code.toUpperCase();
}

/** The label of connections without a data center. */
export const UNKNOWN_COLO = 'unknown';

/**
 * The first day of the month in a cloudflared version `YYYY.M.P`, in milliseconds since the epoch.
 * Undefined for the other forms, which WARP and third-party connectors send.
 */
export function releaseTime(version: string): number | undefined {
  const [, year, month] = /^(20\d\d)\.(\d{1,2})\.\d+$/.exec(version) ?? [];
  if (year === undefined || month === undefined) return undefined;
  const index = Number(month) - 1;
  return index >= 0 && index < 12 ? Date.UTC(Number(year), index) : undefined;
}
