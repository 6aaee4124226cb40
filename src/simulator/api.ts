import * as details from './detail-handlers.ts';
import type { PathIds, RoutedName } from './endpoints.ts';
import { route } from './endpoints.ts';
import type { Answer, ApiRequest, ApiResponse } from './envelope.ts';
import { badMethod, ERRORS, noRoute, respond } from './envelope.ts';
import { pageToAnswer, spoil } from './faulty-answers.ts';
import type { Faults } from './faults.ts';
import type { Fleet } from './fleet-model.ts';
import type {
  AccountContext,
  ApiSettings,
  ConnectorContext,
  RouteContext,
  Context,
  Handler,
  TunnelContext,
} from './handler.ts';
import { UUID } from './handler.ts';
import * as identity from './identity-handlers.ts';
import * as routes from './route-handlers.ts';
import type { RateLimit } from './rate-limit.ts';
import type { RequestLog } from './request-log.ts';
import type { Token, Tokens } from './tokens.ts';
import { isUsable, permits } from './tokens.ts';
import * as tunnels from './tunnel-handlers.ts';

export interface ApiParts {
  readonly fleet: Fleet;
  readonly tokens: Tokens;
  readonly faults: Faults;
  readonly rateLimit: RateLimit;
  readonly requests: RequestLog;
  readonly settings: ApiSettings;
}

type Endpoint =
  | { readonly needs: 'token'; readonly handle: Handler<Context> }
  | { readonly needs: 'account'; readonly handle: Handler<AccountContext> }
  | { readonly needs: 'cfd_tunnel' | 'warp_connector'; readonly handle: Handler<TunnelContext> }
  | { readonly needs: 'cfd_connector' | 'warp_client'; readonly handle: Handler<ConnectorContext> }
  | { readonly needs: 'route'; readonly handle: Handler<RouteContext> };

const ENDPOINTS: Readonly<Record<RoutedName, Endpoint>> = {
  tunnels: { needs: 'account', handle: tunnels.listAllTunnels },
  cfd_tunnel: { needs: 'account', handle: tunnels.listTunnelsOf('cfd_tunnel') },
  cfd_tunnel_create: { needs: 'account', handle: tunnels.createCloudflared },
  cfd_tunnel_get: { needs: 'cfd_tunnel', handle: tunnels.getTunnel },
  cfd_tunnel_update: { needs: 'cfd_tunnel', handle: tunnels.updateTunnel },
  cfd_tunnel_delete: { needs: 'cfd_tunnel', handle: tunnels.deleteTunnel },
  cfd_tunnel_configurations: { needs: 'cfd_tunnel', handle: details.getConfiguration },
  cfd_tunnel_configurations_put: { needs: 'cfd_tunnel', handle: details.putConfiguration },
  cfd_tunnel_connections: { needs: 'cfd_tunnel', handle: details.listConnections },
  cfd_tunnel_connections_delete: { needs: 'cfd_tunnel', handle: details.cleanUpConnections },
  cfd_tunnel_connector: { needs: 'cfd_connector', handle: details.getConnector },
  cfd_tunnel_token: { needs: 'cfd_tunnel', handle: tunnels.getTunnelToken },
  cfd_tunnel_management: { needs: 'cfd_tunnel', handle: tunnels.getManagementToken },
  warp_connector: { needs: 'account', handle: tunnels.listTunnelsOf('warp_connector') },
  warp_connector_create: { needs: 'account', handle: tunnels.createWarpConnector },
  warp_connector_get: { needs: 'warp_connector', handle: tunnels.getTunnel },
  warp_connector_update: { needs: 'warp_connector', handle: tunnels.updateTunnel },
  warp_connector_delete: { needs: 'warp_connector', handle: tunnels.deleteTunnel },
  warp_connector_configurations: { needs: 'warp_connector', handle: details.getWarpConfiguration },
  warp_connector_connections: { needs: 'warp_connector', handle: details.listConnections },
  warp_connector_connector: { needs: 'warp_client', handle: details.getConnector },
  warp_connector_token: { needs: 'warp_connector', handle: tunnels.getTunnelToken },
  warp_connector_failover: { needs: 'warp_connector', handle: details.failOver },
  teamnet_routes: { needs: 'account', handle: routes.listRoutes('network') },
  teamnet_routes_create: { needs: 'account', handle: routes.createRoute('network') },
  teamnet_routes_delete: { needs: 'route', handle: routes.deleteRoute('network') },
  hostname_routes: { needs: 'account', handle: routes.listRoutes('hostname') },
  hostname_routes_create: { needs: 'account', handle: routes.createRoute('hostname') },
  hostname_routes_delete: { needs: 'route', handle: routes.deleteRoute('hostname') },
  user_token_verify: { needs: 'token', handle: identity.verifyUserToken },
  account_token_verify: { needs: 'account', handle: identity.verifyAccountToken },
  accounts: { needs: 'token', handle: identity.listAccounts },
};

const VERIFY: ReadonlySet<RoutedName> = new Set(['user_token_verify', 'account_token_verify']);
const ACCOUNT_ID = /^[0-9a-f]{32}$/i;

/** Returns a function from a request and a time (milliseconds since the epoch) to the response. */
export function createApi(parts: ApiParts): (request: ApiRequest, now: number) => ApiResponse {
  return (request, now) => {
    const routed = route(request.method, request.path);
    const endpoint = routed.kind === 'endpoint' ? routed.name : 'unrouted';
    const ids = routed.kind === 'nowhere' ? {} : routed.ids;
    const bearer = bearerOf(request.headers['authorization']);
    const token = bearer === undefined ? undefined : parts.tokens.find(bearer);
    const waitMs = token === undefined ? undefined : parts.rateLimit.take(token.value, now);
    const asked = Number(request.query.get('page') ?? 1);

    const log = (response: ApiResponse): ApiResponse => {
      parts.requests.add({
        at: now,
        method: request.method,
        endpoint,
        path: request.path,
        query: request.query.toString(),
        accountId: ids.account,
        tunnelId: ids.tunnel,
        status: response.status,
        limited: waitMs !== undefined,
        countsFor: token?.countsFor,
      });
      return response;
    };

    if (waitMs !== undefined) return log(throttled(waitMs));

    const fault = parts.faults.strike({
      endpoint,
      accountId: ids.account,
      tunnelId: ids.tunnel,
      token: bearer,
      page: asked,
    });
    if (fault === undefined) return log(respond(answer(parts, { request, now })));

    const query = new URLSearchParams(request.query);
    const page = pageToAnswer(fault.effect, asked);
    if (page !== asked) query.set('page', String(page));
    // A request that fails before its handler must not change the fleet.
    const real =
      fault.effect.kind === 'status' || fault.effect.kind === 'error'
        ? respond(ERRORS.tunnelNotFound)
        : respond(answer(parts, { request: { ...request, query }, now }));
    return log({ ...spoil(real, { effect: fault.effect, asked }), delayMs: fault.delayMs ?? 0 });
  };
}

function throttled(waitMs: number): ApiResponse {
  const seconds = String(Math.ceil(waitMs / 1000));
  return respond(ERRORS.throttled, { Ratelimit: `"default";r=0;t=${seconds}`, 'retry-after': seconds });
}

function bearerOf(header: string | undefined): string | undefined {
  return /^Bearer ([A-Za-z0-9_-]{8,200})$/.exec(header ?? '')?.[1];
}

function answer(
  parts: ApiParts,
  { request, now }: { readonly request: ApiRequest; readonly now: number },
): Answer {
  const { authorization } = request.headers;
  if (authorization === undefined || authorization === '') return ERRORS.noAuthorization;
  const bearer = bearerOf(authorization);
  if (bearer === undefined) return ERRORS.malformedToken;

  const routed = route(request.method, request.path);
  const verifying = routed.kind === 'endpoint' && VERIFY.has(routed.name);
  const token = parts.tokens.find(bearer);
  if (token === undefined) return verifying ? ERRORS.invalidApiToken : ERRORS.invalidAccessToken;
  if (routed.kind === 'nowhere') return noRoute(request.path);
  if (routed.kind === 'method') return badMethod(request.method);
  if (!verifying && !isUsable(token, now)) return ERRORS.unauthorized;

  const { account, tunnel, connector, route: routeId } = routed.ids;
  const wellFormed =
    (account === undefined || ACCOUNT_ID.test(account)) &&
    (tunnel === undefined || UUID.test(tunnel)) &&
    (connector === undefined || UUID.test(connector)) &&
    (routeId === undefined || UUID.test(routeId));
  if (!wellFormed) return noRoute(request.path);
  if (account !== undefined && !verifying && !reaches(parts, { token, account }))
    return token.foreignCode === 10000 ? ERRORS.noPermission : ERRORS.unauthorized;
  const isRefused = account !== undefined && !verifying && token.refusedIn?.includes(account) === true;
  if (isRefused || !permits(token, routed.access)) return ERRORS.noPermission;

  const context: Context = {
    fleet: parts.fleet,
    now,
    token,
    query: request.query,
    body: request.body,
    settings: parts.settings,
  };
  return dispatch(ENDPOINTS[routed.name], { context, ids: routed.ids });
}

function reaches(
  { fleet }: ApiParts,
  { token, account }: { readonly token: Token; readonly account: string },
): boolean {
  return token.reaches(account) && fleet.account(account) !== undefined;
}

function dispatch(
  endpoint: Endpoint,
  { context, ids }: { readonly context: Context; readonly ids: PathIds },
): Answer {
  if (endpoint.needs === 'token') return endpoint.handle(context);
  const accountId = ids.account ?? '';
  if (endpoint.needs === 'account') return endpoint.handle({ ...context, accountId });
  if (endpoint.needs === 'route') return endpoint.handle({ ...context, accountId, routeId: ids.route ?? '' });

  const tunnel = context.fleet.tunnel(ids.tunnel ?? '');
  const type =
    endpoint.needs === 'cfd_tunnel' || endpoint.needs === 'cfd_connector' ? 'cfd_tunnel' : 'warp_connector';
  if (tunnel === undefined || tunnel.accountId !== accountId || tunnel.type !== type)
    return ERRORS.tunnelNotFound;
  if (endpoint.needs === 'cfd_tunnel' || endpoint.needs === 'warp_connector') {
    return endpoint.handle({ ...context, accountId, tunnel });
  }
  return endpoint.handle({ ...context, accountId, tunnel, connectorId: ids.connector ?? '' });
}
