import { pagesOf } from './intervals.ts';
import { type KnownTunnelType, type Observation, type Route, ROUTE_KINDS, type RouteKind } from './model.ts';
import { isEqual } from './equal.ts';
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

/** Private networks and host names: two lists for each account, read slowly, and joined to its tunnels. */

type RoutesObservation = Extract<Observation, { readonly kind: 'routes' }>;

const NO_ROUTES: readonly Route[] = [];

/** The account after its lists of routes were read, or could not be. */
export function routesObserved(
  account: AccountState,
  observations: readonly RoutesObservation[],
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

/** Keeps the arrays of tunnels whose routes have not changed: caches go by identity. */
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

/** Gives every tunnel that is shown its part of new tables. */
function joined(account: AccountState, routes: AccountState['routes']): AccountState {
  const unchanged = ROUTE_KINDS.every((kind) => routes[kind].value === account.routes[kind].value);
  if (unchanged) return { ...account, routes };
  const tunnels = new Map<string, TunnelState>();
  for (const [id, state] of account.tunnels) tunnels.set(id, withRoutesOf(state, routes));
  return { ...account, routes, tunnels };
}

/** The tunnel with its part of the account's routes. */
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

/** Drops routes that could not be renewed for `staleAfterMs`. They are read too rarely for their age to count. */
export function withoutStaleRoutes(account: AccountState, now: number, staleAfterMs: number): AccountState {
  let { routes } = account;
  for (const kind of ROUTE_KINDS) {
    const expiry = routesExpiryOf(routes[kind], staleAfterMs);
    if (expiry !== undefined && expiry <= now)
      routes = { ...routes, [kind]: { ...routes[kind], value: undefined } };
  }
  return routes === account.routes ? account : joined(account, routes);
}

/** When routes that fail to be renewed become too old to show; `undefined` if they do not fail. */
export function routesExpiryOf(
  { value, failingSince }: Observed<RouteTable>,
  staleAfterMs: number,
): number | undefined {
  return value === undefined || failingSince === undefined ? undefined : failingSince + staleAfterMs;
}

/** As if its routes had never been read. */
export function withoutRoutes(state: TunnelState): TunnelState {
  return state.routes === UNKNOWN_ROUTES ? state : { ...state, routes: UNKNOWN_ROUTES };
}

/** One complete list of an account's routes of one kind. */
export interface RoutesRequest {
  readonly kind: 'routes';
  readonly accountId: string;
  readonly routeKind: RouteKind;
  /** Requests that it is expected to take. */
  readonly requests: number;
}

/** The lists of routes to read now, of accounts that can be listed; those not read for longest first. */
export function dueRoutes(
  accounts: readonly AccountState[],
  now: number,
  { renewedAt }: { readonly renewedAt?: ((accountId: string) => number | undefined) | undefined } = {},
): readonly RoutesRequest[] {
  const due = accounts
    .filter(({ listedAt }) => listedAt.size > 0)
    .flatMap((account) =>
      dueRouteKinds(account, now, { renewedAt: renewedAt?.(account.id) }).map((routeKind) => ({
        attemptedAt: account.routes[routeKind].failedAt ?? account.routes[routeKind].at ?? -Infinity,
        request: {
          kind: 'routes' as const,
          accountId: account.id,
          routeKind,
          requests: routePages(account, routeKind),
        },
      })),
    );
  return due
    .toSorted((a, b) => (a.attemptedAt === b.attemptedAt ? 0 : a.attemptedAt - b.attemptedAt))
    .map(({ request }) => request);
}

/** Time between two reads of the same list. */
export const ROUTES_INTERVAL_MS = 600_000;
/** A token without the permission rarely gets it: asked again after 10, 20, 40 and then every 60 minutes. */
const MAX_BACKOFF_MS = 3_600_000;

/** The lists of routes to read now. */
export function dueRouteKinds(
  { routes }: AccountState,
  now: number,
  { renewedAt = -Infinity }: { readonly renewedAt?: number | undefined } = {},
): readonly RouteKind[] {
  return ROUTE_KINDS.filter((kind) => {
    const { at, failedAt, failingSince, failedFor } = routes[kind];
    const asked = failedAt ?? at;
    if (asked === undefined) return true;
    // The token was replaced since: it may be allowed more.
    if (failedAt !== undefined && failedAt <= renewedAt) return true;
    const refused = failedFor === 'permission' || failedFor === 'auth';
    const failedForMs = refused && failingSince !== undefined ? asked - failingSince : 0;
    const wait = Math.min(Math.max(ROUTES_INTERVAL_MS, failedForMs), MAX_BACKOFF_MS);
    // A clock that was set back makes nothing later.
    return now - asked >= wait || now < asked;
  });
}

export function isRoutesDue(account: AccountState, now: number): boolean {
  return dueRouteKinds(account, now).length > 0;
}

/** Requests that reading the list takes, as far as the last one tells. */
export function routePages({ routes }: AccountState, kind: RouteKind): number {
  let count = 0;
  for (const own of routes[kind].value?.values() ?? []) count += own.length;
  return pagesOf(count);
}

export interface ListScope {
  /** The tunnel types asked for. */
  readonly types: readonly KnownTunnelType[];
  /** Whether settings leave out no tunnel of these types. */
  readonly isWhole: boolean;
}

/**
 * How many routes lead to tunnels that are not listed; `undefined` if that cannot be known: the routes or a list are
 * not known, or settings leave tunnels out. Routes to tunnels of types that are not asked for do not count.
 */
export function orphanRoutes(
  { routes, tunnels, listedAt }: AccountState,
  { types, isWhole }: ListScope,
): number | undefined {
  const tables = ROUTE_KINDS.flatMap((kind) => routes[kind].value ?? []);
  if (!isWhole || tables.length === 0 || !types.every((type) => listedAt.has(type))) return undefined;
  const asked = new Set<string>(types);
  // A host name does not say the type of its tunnel.
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

/** What a tunnel leads to: who is affected if it is down. As last observed; empty also if nothing is known. */
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

/** Everything behind it, public host names first. */
export function targetsOf({ hostnames, privateHostnames, networks }: Behind): readonly string[] {
  return [...hostnames, ...privateHostnames, ...networks];
}
