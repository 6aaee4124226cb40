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
  'token_verify',
] as const;
export type Endpoint = (typeof ENDPOINTS)[number];

/** `GET /accounts/{account}/{endpoint}`. */
export type ListEndpoint = 'tunnels' | 'cfd_tunnel' | 'warp_connector';

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

export const userVerifyPath = '/user/tokens/verify';
export const accountVerifyPath = (accountId: string): string =>
  `/accounts/${segment(accountId)}/tokens/verify`;
