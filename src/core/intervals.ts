import { meanRateOf, rateOf } from './churn.ts';
import { ageOf } from './priority.ts';
import type { AccountState, TunnelState } from './snapshot.ts';

export interface ListIntervalOptions {
  readonly now: number;
  readonly pollIntervalMs: number;
  /** Requests per five minutes. */
  readonly requestBudget: number;
}

/** The most of the budget that lists use while details are due. */
export const LIST_SHARE = 0.5;
/** The longest interval as a multiple of the equal one. 2 is documented; delays take the rest. */
const MAX_INTERVAL_FACTOR = 1.6;
/** An account in trouble is listed more often, because its tunnels are likely to change again. */
const TROUBLE_WEIGHT = 4;
/** A change within this time counts as trouble. */
const RECENT_MS = 10 * 60_000;
/** Steps of the binary search: enough for a factor of 1e9 to a precision of a thousandth. */
const STEPS = 40;

/**
 * The planned time between two lists of each account, in milliseconds, for accounts that share one
 * budget. It is the poll interval if lists at that rate use at most half of the budget. Otherwise
 * half of the budget is divided: with v expected changes per time and p pages per list, intervals
 * proportional to √(p/v) minimize the total delay of changes. No interval is longer than 1.6 times
 * the equal interval, which all accounts would have if they were treated the same.
 */
export function listIntervals(
  accounts: readonly AccountState[],
  { now, pollIntervalMs, requestBudget }: ListIntervalOptions,
): ReadonlyMap<string, number> {
  const perMs = (LIST_SHARE * requestBudget) / WINDOW_MS;
  const pages = accounts.map(listRequestsOf);
  const total = pages.reduce((sum, each) => sum + each, 0);
  if (total <= perMs * pollIntervalMs) return new Map(accounts.map(({ id }) => [id, pollIntervalMs]));

  const longestMs = (MAX_INTERVAL_FACTOR * total) / perMs;
  const meanRate = meanRateOf(accounts.values().map(({ list }) => list.churn));
  const shapes = accounts.map((account, index) =>
    Math.sqrt((pages[index] ?? 1) / valueOf(account, { now, meanRate })),
  );
  const intervalsFor = (scale: number): readonly number[] =>
    shapes.map((shape) => Math.min(longestMs, Math.max(pollIntervalMs, scale * shape)));
  const requestRate = (intervals: readonly number[]): number =>
    intervals.reduce((sum, interval, index) => sum + (pages[index] ?? 1) / interval, 0);

  let low = 0;
  let high = longestMs / Math.min(...shapes);
  for (let step = 0; step < STEPS; step += 1) {
    const middle = (low + high) / 2;
    if (requestRate(intervalsFor(middle)) > perMs) low = middle;
    else high = middle;
  }
  const intervals = intervalsFor(high);
  return new Map(accounts.map(({ id }, index) => [id, Math.round(intervals[index] ?? longestMs)]));
}

/** Requests per millisecond of the planned lists of these accounts. */
export function listRate(accounts: readonly AccountState[], pollIntervalMs: number): number {
  return accounts.reduce(
    (sum, account) => sum + listRequestsOf(account) / (account.list.intervalMs ?? pollIntervalMs),
    0,
  );
}

/** Expected number of changed tunnels in a list, per millisecond since the last one. */
function valueOf(
  { tunnels, list, up }: AccountState,
  { now, meanRate }: { readonly now: number; readonly meanRate: number },
): number {
  const isFailing = up === false && tunnels.size > 0;
  const isInTrouble = isFailing || tunnels.values().some((state) => isTroubled(state, now));
  return (1 + tunnels.size) * rateOf(list.churn, meanRate) * (isInTrouble ? TROUBLE_WEIGHT : 1);
}

function isTroubled({ tunnel, changedAt }: TunnelState, now: number): boolean {
  return tunnel.status === 'degraded' || (changedAt !== undefined && ageOf(changedAt, now) < RECENT_MS);
}

/** The largest page that the API allows (API reference). */
export const TUNNELS_PER_PAGE = 1000;

/** Requests that a list of this many tunnels takes. */
export function pagesOf(tunnels: number): number {
  return Math.max(1, Math.ceil(tunnels / TUNNELS_PER_PAGE));
}

/** Requests that the account's next list is expected to take: as many as its last one. */
export function listRequestsOf({ list }: AccountState): number {
  return list.requests ?? 1;
}

/** A list is not stale before this many planned intervals have passed. */
export const STALE_INTERVALS = 3;

/** Milliseconds until a list is stale: the setting, but at least three intervals. */
export function listStaleAfter({ list }: AccountState, staleAfterMs: number): number {
  return Math.max(staleAfterMs, STALE_INTERVALS * (list.intervalMs ?? 0));
}

/** Cloudflare counts requests per five minutes (API documentation, "Rate limits"). */
export const WINDOW_MS = 300_000;

export interface DetailPace {
  /** Tunnels whose connections are observed, that is not listed down or inactive. */
  readonly serving: number;
  /** Requests per millisecond of lists. */
  readonly listsPerMs: number;
  readonly pollIntervalMs: number;
  /** Requests per five minutes. */
  readonly requestBudget: number;
}

/**
 * The interval in milliseconds between two observations of a tunnel's connections, if it is the
 * same for all serving tunnels. At least the poll interval; Infinity if lists use the whole budget.
 */
export function refreshAge({ serving, listsPerMs, pollIntervalMs, requestBudget }: DetailPace): number {
  const perMs = requestBudget / WINDOW_MS - listsPerMs;
  if (perMs <= 0) return Infinity;
  return Math.max(pollIntervalMs, serving / perMs);
}
