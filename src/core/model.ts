/**
 * The domain: what Cloudflare tells of tunnels, in our terms. Wire names live in cloudflare/schema/ only.
 * Times are milliseconds since the epoch; `undefined` means that the API did not say (null, missing or the zero time).
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
/** A type that a user can ask for; the seven values of `tun_types`. */
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

/** Failure is data: why a request or a list gave no answer, in a line that a person can act on. Holds no secret. */
export interface Failure {
  readonly reason: FailureReason;
  readonly message: string;
}

export type Result<T> =
  { readonly ok: true; readonly value: T } | { readonly ok: false; readonly failure: Failure };

export interface Account {
  readonly id: string;
  /** '' if nobody has given it one. */
  readonly name: string;
}

export interface Connection {
  /** Changes with every reconnect. */
  readonly id: string | undefined;
  /** Data center as given, lower-cased (`khh01`). */
  readonly colo: string | undefined;
  /** Disconnected but still tracked by Cloudflare; such a connection serves nothing. */
  readonly pendingReconnect: boolean;
  readonly openedAt: number | undefined;
  readonly originIp: string | undefined;
}

/** One running cloudflared or WARP connector process: the API's client. */
export interface Connector {
  /** Random per process start; '' where the API gave none. */
  readonly id: string;
  readonly version: string | undefined;
  readonly arch: string | undefined;
  readonly features: readonly string[];
  readonly startedAt: number | undefined;
  readonly configVersion: number | undefined;
  readonly haStatus: HaStatus | undefined;
  readonly connections: readonly Connection[];
}

/** A tunnel as a list shows it. */
export interface ListedTunnel {
  readonly id: string;
  readonly accountId: string;
  readonly name: string;
  readonly type: TunnelType;
  readonly status: TunnelStatus;
  /** `local` or `cloudflare`; '' where the API did not say. */
  readonly configSource: string;
  readonly createdAt: number | undefined;
  readonly activeAt: number | undefined;
  readonly inactiveAt: number | undefined;
}

/**
 * What one list entry gave: the tunnel, and its connectors where the API still embeds a populated `connections`
 * array (connectors then lack arch, start, features, config version and HA status).
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
  /** `undefined` where the API gives none (WARP connectors). */
  readonly ingress: readonly IngressRule[] | undefined;
  /** WARP connectors only; `undefined` also for a mode that we do not know. */
  readonly haMode: HaMode | undefined;
}

export const ROUTE_KINDS = ['network', 'hostname'] as const;
export type RouteKind = (typeof ROUTE_KINDS)[number];

/** A private network or a private host name that leads to a tunnel. */
export interface Route {
  readonly id: string;
  /** CIDR or host name; '' if the API did not say. */
  readonly target: string;
  /** '' if the API did not say. */
  readonly tunnelId: string;
  /** `undefined` if the API did not say, which is so for every host name. */
  readonly tunnelType: TunnelType | undefined;
  /** Name of the virtual network, else its id; '' for host names. */
  readonly virtualNetwork: string;
}

/** What came back from Cloudflare, or why nothing did. `at` is when the answer was complete. */
export type Observation =
  | {
      readonly kind: 'tunnels';
      readonly accountId: string;
      /** The types that this list covers, whole or not at all. */
      readonly types: readonly KnownTunnelType[];
      readonly at: number;
      /** Requests that it took, of the entries that were not selected as well. */
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
      /** `undefined` where the tunnel has no remote configuration. */
      readonly result: Result<Configuration | undefined>;
    }
  | {
      /** The plan has another interval for the account's lists. */
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
      /** Nothing was due for this collector: as good as a success. */
      readonly kind: 'idle';
      readonly accountId: string;
      readonly collector: Collector;
      readonly at: number;
    };

export function failureOf(observation: Observation): Failure | undefined {
  return !('result' in observation) || observation.result.ok ? undefined : observation.result.failure;
}

/** The connections that carry traffic: those that Cloudflare does not merely keep in mind. */
export function servingConnections(connector: Connector): readonly Connection[] {
  return connector.connections.filter((connection) => !connection.pendingReconnect);
}

/** The connectors with at least one serving connection. */
export function servingConnectors(connectors: readonly Connector[]): readonly Connector[] {
  return connectors.filter((connector) =>
    connector.connections.some(({ pendingReconnect }) => !pendingReconnect),
  );
}

/** Whether the list already tells that a tunnel has no connection, so that asking for them would tell nothing. */
export function hasNoConnections(status: TunnelStatus): boolean {
  return status === 'down' || status === 'inactive';
}

/** Whether the API has a connections endpoint for tunnels of this type. */
export function hasConnectionsEndpoint(type: TunnelType): boolean {
  return type === 'cfd_tunnel' || type === 'warp_connector';
}

/**
 * The airport of a data center: the first three letters of its name, upper-cased (`khh01` → `KHH`); '' where the name
 * does not begin with three letters. Colo names begin with an IATA code (Cloudflare's documentation).
 */
export function airportOf(colo: string): string {
  const code = /^[a-z]{3}(?![a-z])/i.exec(colo)?.[0];
  return code === undefined ? '' : code.toUpperCase();
}

/** What a connection without a data center is counted under. */
export const UNKNOWN_COLO = 'unknown';

/**
 * The first day of the month that a cloudflared version `YYYY.M.P` names, in milliseconds since the epoch;
 * `undefined` for anything else (WARP and third-party connectors send other forms).
 */
export function releaseTime(version: string): number | undefined {
  const [, year, month] = /^(20\d\d)\.(\d{1,2})\.\d+$/.exec(version) ?? [];
  if (year === undefined || month === undefined) return undefined;
  const index = Number(month) - 1;
  return index >= 0 && index < 12 ? Date.UTC(Number(year), index) : undefined;
}
