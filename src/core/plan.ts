import { listRate, refreshAge } from './intervals.ts';
import {
  DETAIL_CONFIGURATION_SHARE,
  type DetailPlanOptions,
  type DetailRequest,
  planDetails,
} from './plan-details.ts';
import { dueRoutes, type ListRequest, owedToLists, planLists, type RoutesRequest } from './plan-lists.ts';
import { hasConnectionsEndpoint, hasNoConnections } from './model.ts';
import type { AccountState } from './snapshot.ts';

export type PlannedRequest = ListRequest | DetailRequest | RoutesRequest;

export interface Plan {
  /** In the order in which to send them. */
  readonly requests: readonly PlannedRequest[];
  /** Tunnels whose connections are due but not covered by the budget. */
  readonly waiting: number;
  /** Requests of any kind that are due but not covered by the budget. */
  readonly unafforded: number;
  /** The first requests that are lists within the share of lists. Later lists use spare budget. */
  readonly sharedLists: number;
  /** How many requests after these are lists of routes that count against the share of routes. */
  readonly sharedRoutes: number;
  /** Requests for configurations that count against the share of configurations. */
  readonly configurationsAhead: number;
}

export interface PlanOptions extends Pick<
  DetailPlanOptions,
  'now' | 'minAgeMs' | 'configurations' | 'renewedAt' | 'isInFlight'
> {
  readonly routes: boolean;
  readonly pollIntervalMs: number;
  readonly staleAfterMs: number;
  /** Requests per five minutes. */
  readonly requestBudget: number;
  /** The most requests that the budget allows at once. */
  readonly capacity: number;
  /** Requests that the budget allows now. */
  readonly allowance: number;
  /** How many of these lists may use while details are due. Zero or less: none. */
  readonly listAllowance: number;
  /** How many of these lists of routes may use while details wait. Zero or less: none. */
  readonly routeAllowance: number;
  /** How many of these configurations may use while connections wait. */
  readonly configurationAllowance: number;
  /** Whether to request every list and detail as soon as the budget allows. */
  readonly isOnce: boolean;
  /** Accounts that were listed since the poll started. */
  readonly isListed: (accountId: string) => boolean;
  /** Accounts whose list is in flight. It may make details unnecessary, so these wait. */
  readonly isBeingListed: (accountId: string) => boolean;
  /** Lists of routes that are in flight and not planned again. */
  readonly isReadingRoutes?: (request: RoutesRequest) => boolean;
}

/** Reserved for urgent details, for when a data center drains and many tunnels change at once. */
const URGENT_REQUESTS = 36;
/** The most of the bucket to reserve for urgent details, and the most for lists. */
const MAX_RESERVED_SHARE = 0.5;

/**
 * Plans the next requests of the accounts that share one budget: due lists within the share of
 * lists (intervals.ts), then details, then lists for which budget is left.
 */
export function plan(accounts: readonly AccountState[], options: PlanOptions): Plan {
  const { now, allowance, capacity, pollIntervalMs, requestBudget, isOnce } = options;
  const { due, early } = planLists(accounts, {
    ...options,
    isListed: (id) => options.isListed(id) || options.isBeingListed(id),
  });
  const share = isBehind(accounts, pollIntervalMs) && !isOnce ? options.listAllowance : Infinity;
  const lists = fitting(due, allowance, { capacity, share });
  const listShare = requestsOf(lists, Infinity);
  const left = allowance - requestsOf(lists, Math.floor(capacity));

  const serving = accounts.reduce((sum, account) => sum + servingIn(account), 0);
  const shareLeft = Math.max(0, share - listShare);
  const forLists = isOnce
    ? 0
    : owedToLists(accounts, {
        now,
        pollIntervalMs,
        requestBudget,
        limit: Math.min(capacity * MAX_RESERVED_SHARE, shareLeft),
      });
  const reserve = isOnce ? 0 : Math.floor(Math.min(capacity * MAX_RESERVED_SHARE, URGENT_REQUESTS, serving));
  const routes = options.routes
    ? dueRoutes(accounts, now, { renewedAt: options.renewedAt }).filter(
        (request) => options.isReadingRoutes?.(request) !== true,
      )
    : [];
  // One at a time, so that an exporter with many accounts has details soon after its start.
  const firstRoutes = fitting(routes.slice(0, 1), left - forLists, {
    capacity,
    share: options.routeAllowance,
  });
  const forDetails = Math.max(0, Math.floor(left - forLists - requestsOf(firstRoutes, Math.floor(capacity))));
  const planned = new Set(lists.map(({ accountId }) => accountId));
  const answered = accounts.filter(({ id }) => !planned.has(id) && !options.isBeingListed(id));
  const details = planDetails(answered, {
    ...options,
    allowance: forDetails,
    routine: Math.max(0, forDetails - reserve),
    // Less the share of configurations.
    equalIntervalMs: refreshAge({
      serving: serving / (1 - DETAIL_CONFIGURATION_SHARE),
      listsPerMs: listRate(accounts, pollIntervalMs),
      pollIntervalMs,
      requestBudget,
    }),
  });

  const spare = details.unafforded > 0 ? 0 : forDetails - reserve - details.requests.length;
  const more = fitting([...due.slice(lists.length), ...(isOnce ? [] : early)], spare, {
    capacity,
    share: Infinity,
  });
  const otherRoutes = fitting(
    routes.slice(firstRoutes.length),
    spare - requestsOf(more, Math.floor(capacity)),
    { capacity, share: Infinity },
  );
  const requests = [...lists, ...firstRoutes, ...details.requests, ...more, ...otherRoutes];
  const unread = routes.length - firstRoutes.length - otherRoutes.length;
  const unlisted = Math.max(0, due.length - lists.length - more.length);
  return {
    requests,
    waiting: details.waiting,
    unafforded: details.unafforded + unlisted + unread,
    sharedLists: lists.length,
    sharedRoutes: firstRoutes.length,
    configurationsAhead: details.configurationsAhead,
  };
}

/** Whether the budget is too small to list every account at every poll. */
function isBehind(accounts: readonly AccountState[], pollIntervalMs: number): boolean {
  return accounts.some(({ list }) => list.intervalMs === undefined || list.intervalMs > pollIntervalMs);
}

/**
 * The first lists that the allowance covers. A list larger than the bucket needs a full bucket. The
 * last list may exceed the share, because lists are not split.
 */
function fitting<T extends ListRequest | RoutesRequest>(
  lists: readonly T[],
  allowance: number,
  { capacity, share }: { readonly capacity: number; readonly share: number },
): readonly T[] {
  let left = allowance;
  let shareLeft = share;
  const fit: T[] = [];
  for (const list of lists) {
    const needed = Math.min(list.requests, Math.floor(capacity));
    if (needed > left || shareLeft <= 0) break;
    left -= needed;
    shareLeft -= list.requests;
    fit.push(list);
  }
  return fit;
}

function requestsOf(lists: readonly (ListRequest | RoutesRequest)[], most: number): number {
  return lists.reduce((sum, { requests }) => sum + Math.min(requests, most), 0);
}

function servingIn({ tunnels }: AccountState): number {
  let serving = 0;
  for (const { tunnel } of tunnels.values())
    if (hasConnectionsEndpoint(tunnel.type) && !hasNoConnections(tunnel.status)) serving += 1;
  return serving;
}
