/** The permission that an endpoint requires. */
export type Access =
  /** Any valid token. */
  | { readonly family: 'none' }
  | { readonly family: 'all_tunnels' | 'cloudflared' | 'warp' | 'routes'; readonly level: 'Read' | 'Edit' };

type Route = readonly [name: string, method: string, path: string, access: Access];

const anyToken: Access = { family: 'none' };
const readAny: Access = { family: 'all_tunnels', level: 'Read' };
const readCloudflared: Access = { family: 'cloudflared', level: 'Read' };
const editCloudflared: Access = { family: 'cloudflared', level: 'Edit' };
const readWarp: Access = { family: 'warp', level: 'Read' };
const editWarp: Access = { family: 'warp', level: 'Edit' };
const readRoutes: Access = { family: 'routes', level: 'Read' };
const editRoutes: Access = { family: 'routes', level: 'Edit' };

const CLOUDFLARED = '/accounts/:account/cfd_tunnel';
const WARP = '/accounts/:account/warp_connector';
const NETWORKS = '/accounts/:account/teamnet/routes';
const HOSTNAMES = '/accounts/:account/zerotrust/routes/hostname';

/** Tunnel tokens and management tokens are secrets, so the API requires Edit for them. */
const ROUTES = [
  ['tunnels', 'GET', '/accounts/:account/tunnels', readAny],
  ['cfd_tunnel', 'GET', CLOUDFLARED, readCloudflared],
  ['cfd_tunnel_create', 'POST', CLOUDFLARED, editCloudflared],
  ['cfd_tunnel_get', 'GET', `${CLOUDFLARED}/:tunnel`, readCloudflared],
  ['cfd_tunnel_update', 'PATCH', `${CLOUDFLARED}/:tunnel`, editCloudflared],
  ['cfd_tunnel_delete', 'DELETE', `${CLOUDFLARED}/:tunnel`, editCloudflared],
  ['cfd_tunnel_configurations', 'GET', `${CLOUDFLARED}/:tunnel/configurations`, readCloudflared],
  ['cfd_tunnel_configurations_put', 'PUT', `${CLOUDFLARED}/:tunnel/configurations`, editCloudflared],
  ['cfd_tunnel_connections', 'GET', `${CLOUDFLARED}/:tunnel/connections`, readCloudflared],
  ['cfd_tunnel_connections_delete', 'DELETE', `${CLOUDFLARED}/:tunnel/connections`, editCloudflared],
  ['cfd_tunnel_connector', 'GET', `${CLOUDFLARED}/:tunnel/connectors/:connector`, readCloudflared],
  ['cfd_tunnel_token', 'GET', `${CLOUDFLARED}/:tunnel/token`, editCloudflared],
  ['cfd_tunnel_management', 'POST', `${CLOUDFLARED}/:tunnel/management`, editCloudflared],
  ['warp_connector', 'GET', WARP, readWarp],
  ['warp_connector_create', 'POST', WARP, editWarp],
  ['warp_connector_get', 'GET', `${WARP}/:tunnel`, readWarp],
  ['warp_connector_update', 'PATCH', `${WARP}/:tunnel`, editWarp],
  ['warp_connector_delete', 'DELETE', `${WARP}/:tunnel`, editWarp],
  ['warp_connector_configurations', 'GET', `${WARP}/:tunnel/configurations`, readWarp],
  ['warp_connector_connections', 'GET', `${WARP}/:tunnel/connections`, readWarp],
  ['warp_connector_connector', 'GET', `${WARP}/:tunnel/connectors/:connector`, readWarp],
  ['warp_connector_token', 'GET', `${WARP}/:tunnel/token`, editWarp],
  ['warp_connector_failover', 'PUT', `${WARP}/:tunnel/failover`, editWarp],
  ['teamnet_routes', 'GET', NETWORKS, readRoutes],
  ['teamnet_routes_create', 'POST', NETWORKS, editRoutes],
  ['teamnet_routes_delete', 'DELETE', `${NETWORKS}/:route`, editRoutes],
  ['hostname_routes', 'GET', HOSTNAMES, readRoutes],
  ['hostname_routes_create', 'POST', HOSTNAMES, editRoutes],
  ['hostname_routes_delete', 'DELETE', `${HOSTNAMES}/:route`, editRoutes],
  ['user_token_verify', 'GET', '/user/tokens/verify', anyToken],
  ['account_token_verify', 'GET', '/accounts/:account/tokens/verify', anyToken],
  ['accounts', 'GET', '/accounts', anyToken],
] as const satisfies readonly Route[];

export type RoutedName = (typeof ROUTES)[number][0];
/** `unrouted`: a path or method that the API does not have. */
export type EndpointName = RoutedName | 'unrouted';

export const ENDPOINT_NAMES: readonly EndpointName[] = [...ROUTES.map(([name]) => name), 'unrouted'];

/** Ids in the path. */
export interface PathIds {
  readonly account?: string;
  readonly tunnel?: string;
  readonly connector?: string;
  readonly route?: string;
}

export type Routed =
  | { readonly kind: 'endpoint'; readonly name: RoutedName; readonly access: Access; readonly ids: PathIds }
  /** The path is known, the method is not. */
  | { readonly kind: 'method'; readonly ids: PathIds }
  | { readonly kind: 'nowhere' };

const CANDIDATES = Map.groupBy(
  ROUTES.map(([name, method, path, access]) => ({ name, method, access, segments: path.split('/') })),
  ({ segments }) => segments.length,
);

/** Finds the endpoint; `path` is below the API's base. */
export function route(method: string, path: string): Routed {
  const segments = path.replace(/\/+$/, '').split('/');
  let known: PathIds | undefined;
  for (const candidate of CANDIDATES.get(segments.length) ?? []) {
    const ids = match(candidate.segments, segments);
    if (ids === undefined) continue;
    if (candidate.method === method) {
      return { kind: 'endpoint', name: candidate.name, access: candidate.access, ids };
    }
    known = ids;
  }
  return known === undefined ? { kind: 'nowhere' } : { kind: 'method', ids: known };
}

/** The lists have the same length. */
function match(pattern: readonly string[], segments: readonly string[]): PathIds | undefined {
  if (!pattern.every((part, index) => part.startsWith(':') || part === segments[index])) return undefined;
  return Object.fromEntries(
    pattern.flatMap((part, index) => (part.startsWith(':') ? [[part.slice(1), segments[index] ?? '']] : [])),
  );
}
