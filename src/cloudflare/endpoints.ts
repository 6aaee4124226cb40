import type { RouteKind } from '../core/model.ts';

/** The values of the label `endpoint`: every kind of request that the exporter makes. */
export const ENDPOINTS = [
  'tunnels',
  'cfd_tunnel',
  'warp_connector',
  'cfd_tunnel_connections',
  'warp_connector_connections',
  'cfd_tunnel_configurations',
  'warp_connector_configurations',
  'cfd_tunnel_connector',
  'teamnet_routes',
  'hostname_routes',
  'token_verify',
  'accounts',
] as const;
export type Endpoint = (typeof ENDPOINTS)[number];

/** Lists of tunnels. */
export type ListEndpoint = 'tunnels' | 'cfd_tunnel' | 'warp_connector';

/** Lists of routes. */
export type RouteEndpoint = 'teamnet_routes' | 'hostname_routes';

export const ROUTE_ENDPOINTS = {
  network: 'teamnet_routes',
  hostname: 'hostname_routes',
} as const satisfies Record<RouteKind, RouteEndpoint>;

/** `GET /accounts/{account}/{type}/{tunnel}/{connections or configurations}`. */
export type DetailEndpoint =
  | 'cfd_tunnel_connections'
  | 'warp_connector_connections'
  | 'cfd_tunnel_configurations'
  | 'warp_connector_configurations';

/** Encodes an id for a path. Lone surrogates, which encodeURIComponent rejects, become U+FFFD. */
export const segment = (id: string): string => encodeURIComponent(id.toWellFormed());

/** Paths below `/accounts/{account}`. */
export const LIST_PATHS = {
  tunnels: 'tunnels',
  cfd_tunnel: 'cfd_tunnel',
  warp_connector: 'warp_connector',
  teamnet_routes: 'teamnet/routes',
  hostname_routes: 'zerotrust/routes/hostname',
} as const satisfies Record<ListEndpoint | RouteEndpoint, string>;

export const listPath = (accountId: string, endpoint: ListEndpoint | RouteEndpoint): string =>
  `/accounts/${segment(accountId)}/${LIST_PATHS[endpoint]}`;

export function detailPath(accountId: string, tunnelId: string, endpoint: DetailEndpoint): string {
  const [type, detail] = DETAILS[endpoint];
  return `/accounts/${segment(accountId)}/${type}/${segment(tunnelId)}/${detail}`;
}

const DETAILS = {
  cfd_tunnel_connections: ['cfd_tunnel', 'connections'],
  warp_connector_connections: ['warp_connector', 'connections'],
  cfd_tunnel_configurations: ['cfd_tunnel', 'configurations'],
  warp_connector_configurations: ['warp_connector', 'configurations'],
} as const satisfies Record<DetailEndpoint, readonly [string, string]>;

export const connectorPath = (
  { accountId, id }: { readonly accountId: string; readonly id: string },
  connectorId: string,
): string => `/accounts/${segment(accountId)}/cfd_tunnel/${segment(id)}/connectors/${segment(connectorId)}`;

/** The accounts that the token may list. */
export const accountsPath = '/accounts';

export const userVerifyPath = '/user/tokens/verify';
export const accountVerifyPath = (accountId: string): string =>
  `/accounts/${segment(accountId)}/tokens/verify`;
