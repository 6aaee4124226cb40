import { ageOf } from './priority.ts';
import type { AccountState, TunnelState } from './snapshot.ts';

export interface ListIntervalOptions {
  readonly now: number;
  readonly pollIntervalMs: number;
  /** Requests per five minutes. */
  readonly requestBudget: number;
}

/** The part of the budget that lists get at most. The rest is for details. */
export const LIST_SHARE = 0.5;
/** No account waits longer than this many fair shares: twice is promised, the rest is for what delays a list. */
const LONGEST_SHARE = 1.6;
/** An account's own record counts against the average of all, in changes seen. */
const PRIOR_CHANGES = 0.2;
/** An account in trouble is listed more often: its tunnels are about to change again. */
const TROUBLE_WEIGHT = 4;
/** A change so recent counts as trouble. */
const RECENT_MS = 10 * 60_000;
/** Halvings of the search interval: enough for a factor of 1e9 to a precision of a thousandth. */
const STEPS = 40;

/**
 * The planned time between two lists of each account, in milliseconds, for accounts that share one budget. It is the poll
 * interval while lists at that pace take at most half of the budget. Otherwise lists share half of the budget: with v
 * tunnels revealed per change and p pages per list, the expected delay of all changes is least where intervals are as
 * √(p/v). No interval is longer than 1.6 times the fair share, which is the interval if all were equal.
 */
export function listIntervals(
  accounts: readonly AccountState[],
  { now, pollIntervalMs, requestBudget }: ListIntervalOptions,
): ReadonlyMap<string, number> {
  const perMs = (LIST_SHARE * requestBudget) / WINDOW_MS;
  const pages = accounts.map(listRequestsOf);
  const total = pages.reduce((sum, each) => sum + each, 0);
  if (total <= perMs * pollIntervalMs) return new Map(accounts.map(({ id }) => [id, pollIntervalMs]));

  const longestMs = (LONGEST_SHARE * total) / perMs;
  const meanRate = meanRateOf(accounts);
  const shapes = accounts.map((account, index) =>
    Math.sqrt((pages[index] ?? 1) / valueOf(account, { now, meanRate })),
  );
  const intervalsFor = (scale: number): readonly number[] =>
    shapes.map((shape) => Math.min(longestMs, Math.max(pollIntervalMs, scale * shape)));
  const rateOf = (intervals: readonly number[]): number =>
    intervals.reduce((sum, interval, index) => sum + (pages[index] ?? 1) / interval, 0);

  let low = 0;
  let high = longestMs / Math.min(...shapes);
  for (let step = 0; step < STEPS; step += 1) {
    const middle = (low + high) / 2;
    if (rateOf(intervalsFor(middle)) > perMs) low = middle;
    else high = middle;
  }
  const intervals = intervalsFor(high);
  return new Map(accounts.map(({ id }, index) => [id, Math.round(intervals[index] ?? longestMs)]));
}

/** Requests per millisecond that the planned lists of these accounts take. */
export function listRate(accounts: readonly AccountState[], pollIntervalMs: number): number {
  return accounts.reduce(
    (sum, account) => sum + listRequestsOf(account) / (account.list.intervalMs ?? pollIntervalMs),
    0,
  );
}

/** Tunnels that a list of this account is expected to show changed, per millisecond. */
function valueOf(
  { tunnels, list, up }: AccountState,
  { now, meanRate }: { readonly now: number; readonly meanRate: number },
): number {
  const { changes, observedMs } = list.churn;
  const rate = meanRate === 0 ? 1 : (changes + PRIOR_CHANGES) / (observedMs + PRIOR_CHANGES / meanRate);
  const isFailing = up === false && tunnels.size > 0;
  const isInTrouble = isFailing || tunnels.values().some((state) => isTroubled(state, now));
  return (1 + tunnels.size) * rate * (isInTrouble ? TROUBLE_WEIGHT : 1);
}

function isTroubled({ tunnel, changedAt }: TunnelState, now: number): boolean {
  return tunnel.status === 'degraded' || (changedAt !== undefined && ageOf(changedAt, now) < RECENT_MS);
}

/** List changes per millisecond of an average account; 0 where none has been listed twice. */
function meanRateOf(accounts: readonly AccountState[]): number {
  let changes = 0;
  let observedMs = 0;
  for (const { list } of accounts) {
    changes += list.churn.changes;
    observedMs += list.churn.observedMs;
  }
  return observedMs === 0 ? 0 : (changes + PRIOR_CHANGES) / observedMs;
}

/** The most that the API gives per page (API reference), which is what lists are asked with. */
export const TUNNELS_PER_PAGE = 1000;

/** Requests that a list of so many tunnels takes. */
export function pagesOf(tunnels: number): number {
  return Math.max(1, Math.ceil(tunnels / TUNNELS_PER_PAGE));
}

/** Requests that the account's next list takes: as many as its last one. */
export function listRequestsOf({ list }: AccountState): number {
  return list.requests ?? 1;
}

/** An account whose lists are planned further apart than usual is not stale because of it. */
export const STALE_INTERVALS = 3;

/**
 * How old an account's list may be, in milliseconds. Past the setting and past three planned intervals, renewing it has
 * failed.
 */
export function listStaleAfter({ list }: AccountState, staleAfterMs: number): number {
  return Math.max(staleAfterMs, STALE_INTERVALS * (list.intervalMs ?? 0));
}

/** Cloudflare counts requests over five minutes (API docs, "Rate limits"): the unit of a budget. */
export const WINDOW_MS = 300_000;

export interface DetailPace {
  /** Tunnels whose connections are observed: not listed down or inactive. */
  readonly serving: number;
  /** Requests per millisecond that lists take. */
  readonly listsPerMs: number;
  readonly pollIntervalMs: number;
  /** Requests per five minutes. */
  readonly requestBudget: number;
}

/**
 * How old an observation of a tunnel's connections gets, in milliseconds, if all serving tunnels share equally what lists
 * leave of the budget. Never less than the poll interval; `Infinity` if lists leave nothing.
 */
export function refreshAge({ serving, listsPerMs, pollIntervalMs, requestBudget }: DetailPace): number {
  const perMs = requestBudget / WINDOW_MS - listsPerMs;
  if (perMs <= 0) return Infinity;
  return Math.max(pollIntervalMs, serving / perMs);
}
