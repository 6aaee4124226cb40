import { listRate, refreshAge } from './intervals.ts';
import {
  DETAIL_CONFIGURATION_SHARE,
  type DetailPlanOptions,
  type DetailRequest,
  planDetails,
} from './plan-details.ts';
import { type ListRequest, owedToLists, planLists } from './plan-lists.ts';
import { dueRoutes, type RoutesRequest } from './routes.ts';
import { hasConnectionsEndpoint, hasNoConnections } from './model.ts';
import type { AccountState } from './snapshot.ts';

export type { DetailRequest } from './plan-details.ts';

export type PlannedRequest = ListRequest | DetailRequest | RoutesRequest;

export interface Plan {
  /** In the order in which they are to be sent. */
  readonly requests: readonly PlannedRequest[];
  /** Tunnels whose connections are due and not planned, because the budget is spent. */
  readonly waiting: number;
  /** Requests of any kind that are due and not planned, because the budget is spent. */
  readonly unafforded: number;
  /** How many of the first requests are lists that count against their share. Later lists take what is spare. */
  readonly sharedLists: number;
  /** How many requests after these are lists of routes that count against their share. */
  readonly sharedRoutes: number;
  /** Requests for configurations that count against their share. */
  readonly configurationsAhead: number;
}

export interface PlanOptions extends Pick<
  DetailPlanOptions,
  'now' | 'minAgeMs' | 'configurations' | 'renewedAt' | 'isInFlight'
> {
  /** Whether routes are read. */
  readonly routes: boolean;
  readonly pollIntervalMs: number;
  readonly staleAfterMs: number;
  /** Requests per five minutes. */
  readonly requestBudget: number;
  /** The most that can be sent at once. */
  readonly capacity: number;
  /** Requests that may be planned now. */
  readonly allowance: number;
  /** Of these, how many lists may take while details are due. Zero or less: none. */
  readonly listAllowance: number;
  /** Requests that lists of routes may take while details wait. Zero or less: none. */
  readonly routeAllowance: number;
  /** How many configurations may take while connections wait. */
  readonly configurationAllowance: number;
  /** Whether every list and every detail is wanted as soon as the budget allows. */
  readonly isOnce: boolean;
  /** Accounts that were listed since the schedule last allowed a list. */
  readonly isListed: (accountId: string) => boolean;
  /** Accounts whose list is not answered yet. It may answer for details, so these wait for it. */
  readonly isBeingListed: (accountId: string) => boolean;
  /** Lists of routes that are not to be planned again. */
  readonly isReadingRoutes?: (request: RoutesRequest) => boolean;
}

/** Kept of the bucket for urgent details, for when a data center drains and many tunnels change at once. */
const URGENT_REQUESTS = 36;
/** The most of the bucket that is kept for urgent details, and the most that is kept for lists. */
const KEPT_SHARE = 0.5;

/**
 * Plans the next requests of the accounts that share one budget: lists that are due within their share, then details, then
 * whatever lists the budget has room for. See intervals.ts for how lists share half of the budget.
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
  const kept = isOnce
    ? 0
    : owedToLists(accounts, {
        now,
        pollIntervalMs,
        requestBudget,
        limit: Math.min(capacity * KEPT_SHARE, shareLeft),
      });
  const reserve = isOnce ? 0 : Math.floor(Math.min(capacity * KEPT_SHARE, URGENT_REQUESTS, serving));
  const routes = options.routes
    ? dueRoutes(accounts, now, { renewedAt: options.renewedAt }).filter(
        (request) => options.isReadingRoutes?.(request) !== true,
      )
    : [];
  // One at a time, so that a start with many accounts shows details soon.
  const firstRoutes = fitting(routes.slice(0, 1), left - kept, { capacity, share: options.routeAllowance });
  const forDetails = Math.max(0, Math.floor(left - kept - requestsOf(firstRoutes, Math.floor(capacity))));
  const planned = new Set(lists.map(({ accountId }) => accountId));
  const answered = accounts.filter(({ id }) => !planned.has(id) && !options.isBeingListed(id));
  const details = planDetails(answered, {
    ...options,
    allowance: forDetails,
    routine: Math.max(0, forDetails - reserve),
    // Configurations take their share.
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

/** Whether lists take turns because the budget does not allow each of them at every poll. */
function isBehind(accounts: readonly AccountState[], pollIntervalMs: number): boolean {
  return accounts.some(({ list }) => list.intervalMs === undefined || list.intervalMs > pollIntervalMs);
}

interface ListLimits {
  readonly capacity: number;
  /** The last list may take more than is left of the share: a list is made whole or not at all. */
  readonly share: number;
}

/** The first lists that the allowance covers. A list larger than the bucket needs a full bucket. */
function fitting<T extends ListRequest | RoutesRequest>(
  lists: readonly T[],
  allowance: number,
  { capacity, share }: ListLimits,
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
