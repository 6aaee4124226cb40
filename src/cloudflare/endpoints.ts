import type { RouteKind } from '../core/model.ts';

/** The values of the label `endpoint`: every kind of request that we make. */
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

/** `GET /accounts/{account}/{endpoint}`. */
export type ListEndpoint = 'tunnels' | 'cfd_tunnel' | 'warp_connector';

/** `GET /accounts/{account}/teamnet/routes` and `…/zerotrust/routes/hostname`. */
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

/** Lone surrogates, which encodeURIComponent refuses, become U+FFFD. */
export const segment = (id: string): string => encodeURIComponent(id.toWellFormed());

export const listPath = (accountId: string, endpoint: ListEndpoint): string =>
  `/accounts/${segment(accountId)}/${endpoint}`;

export const routesPath = (accountId: string, endpoint: RouteEndpoint): string =>
  `/accounts/${segment(accountId)}/${ROUTE_PATHS[endpoint]}`;

const ROUTE_PATHS = {
  teamnet_routes: 'teamnet/routes',
  hostname_routes: 'zerotrust/routes/hostname',
} as const satisfies Record<RouteEndpoint, string>;

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
