import { type ListIntervalOptions, listRequestsOf, listStaleAfter, pagesOf, WINDOW_MS } from './intervals.ts';
import { ROUTE_KINDS, type RouteKind } from './model.ts';
import type { AccountState } from './snapshot.ts';
import { ageOf } from './priority.ts';

/** A complete list of an account's tunnels. */
export interface ListRequest {
  readonly kind: 'list';
  readonly accountId: string;
  /** Expected number of requests. */
  readonly requests: number;
}

export interface ListPlanOptions {
  readonly now: number;
  readonly pollIntervalMs: number;
  readonly staleAfterMs: number;
  /** Accounts that are being listed, or were listed since the poll started. */
  readonly isListed: (accountId: string) => boolean;
  /** When an account's token was last replaced. A list that failed before that is due at once. */
  readonly renewedAt?: (accountId: string) => number | undefined;
}

/** A list older than this part of its maximum age takes precedence over new accounts. */
const NEARLY_STALE_SHARE = 0.5;

export interface ListPlan {
  /** Lists whose interval has passed, by priority. */
  readonly due: readonly ListRequest[];
  /** Lists whose interval has not passed yet, by priority. */
  readonly early: readonly ListRequest[];
}

/**
 * The lists that may be requested now. Accounts whose list is about to be stale come first, then
 * those that were never listed, then the others by age relative to their interval. An interval of
 * at most the poll interval has passed at every poll.
 */
export function planLists(
  accounts: readonly AccountState[],
  { now, pollIntervalMs, staleAfterMs, isListed, renewedAt }: ListPlanOptions,
): ListPlan {
  const candidates = accounts
    .filter(({ id }) => !isListed(id))
    .map((account) => {
      const waitMs = waitOf(account, pollIntervalMs);
      const age = ageOf(account.list.answeredAt, now);
      const isRenewed =
        account.list.failingSince !== undefined &&
        (account.list.answeredAt ?? Infinity) <= (renewedAt?.(account.id) ?? -Infinity);
      const isDue = waitMs <= pollIntervalMs || age >= waitMs || isRenewed;
      const isNearlyStale =
        account.listedAt.size > 0 && age >= NEARLY_STALE_SHARE * listStaleAfter(account, staleAfterMs);
      const request: ListRequest = { kind: 'list', accountId: account.id, requests: listRequestsOf(account) };
      return { request, isDue, isNearlyStale, priority: age / Math.max(1, waitMs) };
    })
    .toSorted(
      (a, b) =>
        Number(b.isNearlyStale) - Number(a.isNearlyStale) ||
        (a.priority === b.priority ? 0 : b.priority - a.priority),
    );
  const { due = [], early = [] } = Object.groupBy(candidates, ({ isDue }) => (isDue ? 'due' : 'early'));
  return { due: due.map(({ request }) => request), early: early.map(({ request }) => request) };
}

/**
 * Requests to reserve now, so that the next due lists do not wait for the budget. For each moment
 * at which lists become due, these are their requests minus what the budget gains until then. At
 * most `limit`.
 */
export function owedToLists(
  accounts: readonly AccountState[],
  { now, pollIntervalMs, requestBudget, limit }: ListIntervalOptions & { readonly limit: number },
): number {
  const perMs = requestBudget / WINDOW_MS;
  const upcoming = accounts
    .map((account) => ({
      requests: listRequestsOf(account),
      // After the clock was set back, a list is still due after one interval.
      inMs: Math.max(
        0,
        waitOf(account, pollIntervalMs) - Math.max(0, now - (account.list.answeredAt ?? -Infinity)),
      ),
    }))
    .toSorted((a, b) => a.inMs - b.inMs);
  let requests = 0;
  let owed = 0;
  for (const list of upcoming) {
    requests += list.requests;
    owed = Math.max(owed, requests - list.inMs * perMs);
  }
  return Math.min(limit, Math.ceil(owed));
}

/** Time from a list to the next: its interval, or less after the first failures. */
function waitOf({ list }: AccountState, pollIntervalMs: number): number {
  const interval = Math.max(list.intervalMs ?? pollIntervalMs, pollIntervalMs);
  if (list.failingSince === undefined || list.answeredAt === undefined) return interval;
  return Math.min(interval, Math.max(pollIntervalMs, list.answeredAt - list.failingSince));
}

/** A complete list of an account's routes of one kind. */
export interface RoutesRequest {
  readonly kind: 'routes';
  readonly accountId: string;
  readonly routeKind: RouteKind;
  /** Expected number of requests. */
  readonly requests: number;
}

/** The due lists of routes, oldest first, of accounts with a fresh list of tunnels. */
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

export const ROUTES_INTERVAL_MS = 600_000;
/** A missing permission is retried after 10, 20, 40 and then every 60 minutes. */
const MAX_ROUTES_BACKOFF_MS = 3_600_000;

/** The kinds of routes that the account is due to read. */
export function dueRouteKinds(
  { routes }: AccountState,
  now: number,
  { renewedAt = -Infinity }: { readonly renewedAt?: number | undefined } = {},
): readonly RouteKind[] {
  return ROUTE_KINDS.filter((kind) => {
    const { at, failedAt, failingSince, failedFor } = routes[kind];
    const attemptedAt = failedAt ?? at;
    if (attemptedAt === undefined) return true;
    // A replaced token may have the permission.
    if (failedAt !== undefined && failedAt <= renewedAt) return true;
    const refused = failedFor === 'permission' || failedFor === 'auth';
    const failedForMs = refused && failingSince !== undefined ? attemptedAt - failingSince : 0;
    const wait = Math.min(Math.max(ROUTES_INTERVAL_MS, failedForMs), MAX_ROUTES_BACKOFF_MS);
    // After the clock was set back, everything is due.
    return now - attemptedAt >= wait || now < attemptedAt;
  });
}

export function isRoutesDue(account: AccountState, now: number): boolean {
  return dueRouteKinds(account, now).length > 0;
}

/** Requests that the list takes, as estimated from the last one. */
export function routePages({ routes }: AccountState, kind: RouteKind): number {
  let count = 0;
  for (const own of routes[kind].value?.values() ?? []) count += own.length;
  return pagesOf(count);
}
