import { isEqual } from './equal.ts';
import { type KnownTunnelType, type Observation, type Route, ROUTE_KINDS } from './model.ts';
import {
  type AccountState,
  afterFailure,
  afterSuccess,
  type Observed,
  type RouteTable,
  type TunnelRoutes,
  type TunnelState,
  UNKNOWN_ROUTES,
} from './snapshot.ts';

/** Routes of private networks and host names, joined to the tunnels of the account. */

const NO_ROUTES: readonly Route[] = [];

/** The account after lists of routes were read, successfully or not. */
export function routesObserved(
  account: AccountState,
  observations: readonly Extract<Observation, { readonly kind: 'routes' }>[],
): AccountState {
  let { routes } = account;
  for (const { routeKind, at, result } of observations) {
    const before = routes[routeKind];
    const after = result.ok
      ? afterSuccess(tableOf(result.value, before.value), at)
      : afterFailure(before, result.failure, at);
    routes = { ...routes, [routeKind]: after };
  }
  return joined(account, routes);
}

/** Keeps the arrays of tunnels whose routes have not changed, because caches compare identity. */
function tableOf(routes: readonly Route[], before: RouteTable | undefined): RouteTable {
  const byTunnel = Map.groupBy(routes, ({ tunnelId }) => tunnelId);
  const table = new Map<string, readonly Route[]>();
  let changed = before?.size !== byTunnel.size;
  for (const [tunnelId, own] of byTunnel) {
    const sorted = own.toSorted((a, b) => compare(a.target, b.target) || compare(a.id, b.id));
    const known = before?.get(tunnelId);
    const isSame = known !== undefined && isEqual(known, sorted);
    changed ||= !isSame;
    table.set(tunnelId, isSame ? known : sorted);
  }
  return changed || before === undefined ? table : before;
}

function compare(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}

/** Assigns the routes of new tables to the tunnels. */
function joined(account: AccountState, routes: AccountState['routes']): AccountState {
  const unchanged = ROUTE_KINDS.every((kind) => routes[kind].value === account.routes[kind].value);
  if (unchanged) return { ...account, routes };
  const tunnels = new Map<string, TunnelState>();
  for (const [id, state] of account.tunnels) tunnels.set(id, withRoutesOf(state, routes));
  return { ...account, routes, tunnels };
}

export function withRoutesOf(state: TunnelState, tables: AccountState['routes']): TunnelState {
  const routes: TunnelRoutes = {
    network: ownRoutes(tables.network, state.tunnel.id),
    hostname: ownRoutes(tables.hostname, state.tunnel.id),
  };
  const isSame = ROUTE_KINDS.every((kind) => routes[kind] === state.routes[kind]);
  return isSame ? state : { ...state, routes };
}

function ownRoutes({ value }: Observed<RouteTable>, tunnelId: string): readonly Route[] | undefined {
  return value === undefined ? undefined : (value.get(tunnelId) ?? NO_ROUTES);
}

/** Drops routes whose renewal has failed for `staleAfterMs`, whatever their age. */
export function withoutStaleRoutes(account: AccountState, now: number, staleAfterMs: number): AccountState {
  let { routes } = account;
  for (const kind of ROUTE_KINDS) {
    const expiry = routesExpiryOf(routes[kind], staleAfterMs);
    if (expiry !== undefined && expiry <= now)
      routes = { ...routes, [kind]: { ...routes[kind], value: undefined } };
  }
  return routes === account.routes ? account : joined(account, routes);
}

/** When routes whose renewal fails become stale; undefined if their renewal does not fail. */
export function routesExpiryOf(
  { value, failingSince }: Observed<RouteTable>,
  staleAfterMs: number,
): number | undefined {
  return value === undefined || failingSince === undefined ? undefined : failingSince + staleAfterMs;
}

/** The tunnel as if its routes had never been read. */
export function withoutRoutes(state: TunnelState): TunnelState {
  return state.routes === UNKNOWN_ROUTES ? state : { ...state, routes: UNKNOWN_ROUTES };
}

/**
 * Counts routes to tunnels that are not listed. Undefined if the routes or a list are not known, or
 * if settings leave out tunnels (`isWhole` is false). Ignores routes to tunnels of other types.
 */
export function orphanRoutes(
  { routes, tunnels, listedAt }: AccountState,
  { types, isWhole }: { readonly types: readonly KnownTunnelType[]; readonly isWhole: boolean },
): number | undefined {
  const tables = ROUTE_KINDS.flatMap((kind) => routes[kind].value ?? []);
  if (!isWhole || tables.length === 0 || !types.every((type) => listedAt.has(type))) return undefined;
  const asked = new Set<string>(types);
  // Host name routes do not contain the type of their tunnel.
  const isEveryTypeAsked = asked.has('cfd_tunnel') && asked.has('warp_connector');
  let orphans = 0;
  for (const table of tables) {
    for (const [tunnelId, own] of table) {
      if (tunnelId === '' || tunnels.has(tunnelId)) continue;
      for (const { tunnelType } of own) {
        if (tunnelType === undefined ? isEveryTypeAsked : asked.has(tunnelType)) orphans += 1;
      }
    }
  }
  return orphans;
}

/** What is affected if the tunnel is down, as last observed. Empty if unknown. */
export interface Behind {
  /** Public host names of the remote configuration. */
  readonly hostnames: readonly string[];
  readonly privateHostnames: readonly string[];
  /** CIDRs. */
  readonly networks: readonly string[];
}

export function behind({ knownConfiguration, routes }: TunnelState): Behind {
  const names = (knownConfiguration?.ingress ?? [])
    .map(({ hostname }) => hostname)
    .filter((name) => name !== '');
  return {
    hostnames: [...new Set(names)],
    privateHostnames: distinctTargets(routes.hostname),
    networks: distinctTargets(routes.network),
  };
}

function distinctTargets(routes: TunnelState['routes']['network']): readonly string[] {
  return [...new Set((routes ?? []).map(({ target }) => target).filter((target) => target !== ''))];
}

/** All targets, public host names first. */
export function targetsOf({ hostnames, privateHostnames, networks }: Behind): readonly string[] {
  return [...hostnames, ...privateHostnames, ...networks];
}
