/** The permission that an endpoint requires. */
export type Access =
  /** Any valid token. */
  | { readonly family: 'none' }
  | { readonly family: 'all_tunnels' | 'cloudflared' | 'warp' | 'routes'; readonly level: 'Read' | 'Edit' };

interface Route {
  readonly name: string;
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  readonly path: string;
  readonly access: Access;
}

const readAny: Access = { family: 'all_tunnels', level: 'Read' };
const readCloudflared: Access = { family: 'cloudflared', level: 'Read' };
const editCloudflared: Access = { family: 'cloudflared', level: 'Edit' };
const readWarp: Access = { family: 'warp', level: 'Read' };
const editWarp: Access = { family: 'warp', level: 'Edit' };
const readRoutes: Access = { family: 'routes', level: 'Read' };
const editRoutes: Access = { family: 'routes', level: 'Edit' };

/** Tunnel tokens and management tokens are secrets, so the API requires Edit for them. */
const ROUTES = [
  { name: 'tunnels', method: 'GET', path: '/accounts/:account/tunnels', access: readAny },

  { name: 'cfd_tunnel', method: 'GET', path: '/accounts/:account/cfd_tunnel', access: readCloudflared },
  {
    name: 'cfd_tunnel_create',
    method: 'POST',
    path: '/accounts/:account/cfd_tunnel',
    access: editCloudflared,
  },
  {
    name: 'cfd_tunnel_get',
    method: 'GET',
    path: '/accounts/:account/cfd_tunnel/:tunnel',
    access: readCloudflared,
  },
  {
    name: 'cfd_tunnel_update',
    method: 'PATCH',
    path: '/accounts/:account/cfd_tunnel/:tunnel',
    access: editCloudflared,
  },
  {
    name: 'cfd_tunnel_delete',
    method: 'DELETE',
    path: '/accounts/:account/cfd_tunnel/:tunnel',
    access: editCloudflared,
  },
  {
    name: 'cfd_tunnel_configurations',
    method: 'GET',
    path: '/accounts/:account/cfd_tunnel/:tunnel/configurations',
    access: readCloudflared,
  },
  {
    name: 'cfd_tunnel_configurations_put',
    method: 'PUT',
    path: '/accounts/:account/cfd_tunnel/:tunnel/configurations',
    access: editCloudflared,
  },
  {
    name: 'cfd_tunnel_connections',
    method: 'GET',
    path: '/accounts/:account/cfd_tunnel/:tunnel/connections',
    access: readCloudflared,
  },
  {
    name: 'cfd_tunnel_connections_delete',
    method: 'DELETE',
    path: '/accounts/:account/cfd_tunnel/:tunnel/connections',
    access: editCloudflared,
  },
  {
    name: 'cfd_tunnel_connector',
    method: 'GET',
    path: '/accounts/:account/cfd_tunnel/:tunnel/connectors/:connector',
    access: readCloudflared,
  },
  {
    name: 'cfd_tunnel_token',
    method: 'GET',
    path: '/accounts/:account/cfd_tunnel/:tunnel/token',
    access: editCloudflared,
  },
  {
    name: 'cfd_tunnel_management',
    method: 'POST',
    path: '/accounts/:account/cfd_tunnel/:tunnel/management',
    access: editCloudflared,
  },

  { name: 'warp_connector', method: 'GET', path: '/accounts/:account/warp_connector', access: readWarp },
  {
    name: 'warp_connector_create',
    method: 'POST',
    path: '/accounts/:account/warp_connector',
    access: editWarp,
  },
  {
    name: 'warp_connector_get',
    method: 'GET',
    path: '/accounts/:account/warp_connector/:tunnel',
    access: readWarp,
  },
  {
    name: 'warp_connector_update',
    method: 'PATCH',
    path: '/accounts/:account/warp_connector/:tunnel',
    access: editWarp,
  },
  {
    name: 'warp_connector_delete',
    method: 'DELETE',
    path: '/accounts/:account/warp_connector/:tunnel',
    access: editWarp,
  },
  {
    name: 'warp_connector_configurations',
    method: 'GET',
    path: '/accounts/:account/warp_connector/:tunnel/configurations',
    access: readWarp,
  },
  {
    name: 'warp_connector_connections',
    method: 'GET',
    path: '/accounts/:account/warp_connector/:tunnel/connections',
    access: readWarp,
  },
  {
    name: 'warp_connector_connector',
    method: 'GET',
    path: '/accounts/:account/warp_connector/:tunnel/connectors/:connector',
    access: readWarp,
  },
  {
    name: 'warp_connector_token',
    method: 'GET',
    path: '/accounts/:account/warp_connector/:tunnel/token',
    access: editWarp,
  },
  {
    name: 'warp_connector_failover',
    method: 'PUT',
    path: '/accounts/:account/warp_connector/:tunnel/failover',
    access: editWarp,
  },

  {
    name: 'teamnet_routes',
    method: 'GET',
    path: '/accounts/:account/teamnet/routes',
    access: readRoutes,
  },
  {
    name: 'teamnet_routes_create',
    method: 'POST',
    path: '/accounts/:account/teamnet/routes',
    access: editRoutes,
  },
  {
    name: 'teamnet_routes_delete',
    method: 'DELETE',
    path: '/accounts/:account/teamnet/routes/:route',
    access: editRoutes,
  },
  {
    name: 'hostname_routes',
    method: 'GET',
    path: '/accounts/:account/zerotrust/routes/hostname',
    access: readRoutes,
  },
  {
    name: 'hostname_routes_create',
    method: 'POST',
    path: '/accounts/:account/zerotrust/routes/hostname',
    access: editRoutes,
  },
  {
    name: 'hostname_routes_delete',
    method: 'DELETE',
    path: '/accounts/:account/zerotrust/routes/hostname/:route',
    access: editRoutes,
  },

  { name: 'user_token_verify', method: 'GET', path: '/user/tokens/verify', access: { family: 'none' } },
  {
    name: 'account_token_verify',
    method: 'GET',
    path: '/accounts/:account/tokens/verify',
    access: { family: 'none' },
  },
  { name: 'accounts', method: 'GET', path: '/accounts', access: { family: 'none' } },
] as const satisfies readonly Route[];

export type RoutedName = (typeof ROUTES)[number]['name'];
/** `unrouted`: a path or method that the API does not have. */
export type EndpointName = RoutedName | 'unrouted';

export const ENDPOINT_NAMES: readonly EndpointName[] = [...ROUTES.map(({ name }) => name), 'unrouted'];

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
  ROUTES.map((candidate) => ({ ...candidate, segments: candidate.path.split('/') })),
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
