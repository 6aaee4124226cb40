import type { RouteKind } from '../core/model.ts';
import type { Answer } from './envelope.ts';
import { badRequest, ERRORS, parseBody, success } from './envelope.ts';
import type { FleetRoute } from './fleet-model.ts';
import type { AccountContext, Context, RouteContext } from './handler.ts';
import { paginate, parseListQuery } from './list-tunnels.ts';
import { routeRow } from './wire.ts';

/** Private networks (`teamnet/routes`) and private host names (`zerotrust/routes/hostname`). */

export function listRoutes(kind: RouteKind): (context: AccountContext) => Answer {
  return ({ fleet, accountId, query, settings, token }) => {
    const parsed = parseListQuery(query, settings.maxPerPage);
    if (!parsed.ok) return parsed.answer;
    const tunnelId = query.get('tunnel_id');
    const deleted = query.get('is_deleted') === 'true';
    const scope = token.tunnels === undefined ? undefined : new Set(token.tunnels);
    const found = fleet
      .routes(accountId)
      .filter(
        (route) =>
          route.kind === kind &&
          (route.deletedAt !== undefined) === deleted &&
          (tunnelId === null || route.tunnelId === tunnelId) &&
          (scope?.has(route.tunnelId) ?? true),
      );
    const { rows, info } = paginate(found, parsed.value);
    return success(
      rows.map((route) => row(route, fleet)),
      { resultInfo: info },
    );
  };
}

export function createRoute(kind: RouteKind): (context: AccountContext) => Answer {
  return ({ fleet, accountId, body, now }) => {
    const parsed = parseBody(body);
    if (!parsed.ok) return parsed.answer;
    const target = parsed.value[kind];
    const { tunnel_id: tunnelId, comment } = parsed.value;
    if (typeof target !== 'string' || !WELL_FORMED[kind].test(target))
      return badRequest(`${kind} must be ${kind === 'network' ? 'a CIDR' : 'a host name'}`);
    const tunnel = typeof tunnelId === 'string' ? fleet.tunnel(tunnelId) : undefined;
    if (tunnel === undefined || tunnel.accountId !== accountId || tunnel.deletedAt !== undefined)
      return ERRORS.tunnelNotFound;
    const taken = fleet
      .routes(accountId)
      .some((route) => route.kind === kind && route.target === target && route.deletedAt === undefined);
    if (taken) return ERRORS.routeTaken;
    const note = typeof comment === 'string' ? { comment } : {};
    return success(row(fleet.addRoute({ tunnelId: tunnel.id, kind, target, ...note }, now), fleet));
  };
}

export function deleteRoute(kind: RouteKind): (context: RouteContext) => Answer {
  return ({ fleet, accountId, routeId, now }) => {
    const route = fleet.routes(accountId).find(({ id }) => id === routeId);
    if (route === undefined || route.kind !== kind || route.deletedAt !== undefined)
      return ERRORS.routeNotFound;
    fleet.removeRoute(route.id, now);
    return success(row(route, fleet));
  };
}

const WELL_FORMED: Readonly<Record<RouteKind, RegExp>> = {
  network: /^[0-9a-f.:]+\/\d{1,3}$/i,
  hostname: /^[a-z0-9*](?:[a-z0-9.*-]*[a-z0-9])?$/i,
};

function row(route: FleetRoute, fleet: Context['fleet']): Readonly<Record<string, unknown>> {
  return routeRow(route, fleet.tunnel(route.tunnelId));
}
