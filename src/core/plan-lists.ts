import { listRequestsOf, listStaleAfter, WINDOW_MS } from './intervals.ts';
import type { AccountState } from './snapshot.ts';
import { ageOf } from './priority.ts';

/** One complete list of an account's tunnels. */
export interface ListRequest {
  readonly kind: 'list';
  readonly accountId: string;
  /** Requests that it is expected to take. */
  readonly requests: number;
}

export interface ListPlanOptions {
  readonly now: number;
  readonly pollIntervalMs: number;
  readonly staleAfterMs: number;
  /** Accounts that are being listed, or were since the schedule last allowed a list. */
  readonly isListed: (accountId: string) => boolean;
  /** When an account's token was last replaced. A list that failed before that is due at once. */
  readonly renewedAt?: (accountId: string) => number | undefined;
}

/** A list that is older than this part of what is allowed must not wait for new accounts. */
const NEARLY_STALE_SHARE = 0.5;

export interface ListPlan {
  /** Lists whose interval has passed, by priority. */
  readonly due: readonly ListRequest[];
  /** Lists that the schedule allows earlier than their interval asks for, by priority. */
  readonly early: readonly ListRequest[];
}

/**
 * The lists that may be made now. Accounts whose tunnels would vanish come first, then those that were never listed, then
 * the others by age in units of their interval. An interval no longer than the poll interval has passed with each tick of the schedule.
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
      return { request: requestOf(account), isDue, isNearlyStale, priority: age / Math.max(1, waitMs) };
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
 * Requests to keep back from details now, so that the lists that become due next do not wait for the budget: for each
 * moment at which lists become due, their requests less what the budget gains until then. At most `limit`.
 */
export function owedToLists(
  accounts: readonly AccountState[],
  {
    now,
    pollIntervalMs,
    requestBudget,
    limit,
  }: {
    readonly now: number;
    readonly pollIntervalMs: number;
    readonly requestBudget: number;
    readonly limit: number;
  },
): number {
  const perMs = requestBudget / WINDOW_MS;
  const upcoming = accounts
    .map((account) => ({
      requests: listRequestsOf(account),
      // A clock that has been set back makes no list later than the next interval.
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

/** How long after a list the next one is due: its interval, or less for one that has begun to fail. */
function waitOf({ list }: AccountState, pollIntervalMs: number): number {
  const interval = Math.max(list.intervalMs ?? pollIntervalMs, pollIntervalMs);
  if (list.failingSince === undefined || list.answeredAt === undefined) return interval;
  return Math.min(interval, Math.max(pollIntervalMs, list.answeredAt - list.failingSince));
}

function requestOf(account: AccountState): ListRequest {
  return { kind: 'list', accountId: account.id, requests: listRequestsOf(account) };
}
