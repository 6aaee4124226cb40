import { LIST_SHARE } from '../../core/list-intervals.ts';
import { refreshAge, WINDOW_MS } from '../../core/refresh.ts';

/** What has to be asked with one request budget. */
export interface Load {
  /** Requests for the lists of all accounts, once each. */
  readonly pages: number;
  /** Tunnels whose connections are observed. */
  readonly serving: number;
}

export interface Intervals {
  /** How often each account is listed. */
  readonly listIntervalMs: number;
  /** How often the connections of each tunnel are observed, on average: its fair share. */
  readonly detailIntervalMs: number;
}

/**
 * What a budget allows, if all accounts and all tunnels share equally. Every account is listed at every poll if that takes at
 * most `LIST_SHARE` of the budget. Otherwise lists get that share. Connections get the rest.
 */
export function pollingPlan(
  { pages, serving }: Load,
  { pollIntervalMs, requestBudget }: { readonly pollIntervalMs: number; readonly requestBudget: number },
): Intervals {
  const listsPerMs = Math.min(pages / pollIntervalMs, (LIST_SHARE * requestBudget) / WINDOW_MS);
  return {
    listIntervalMs: pages === 0 ? pollIntervalMs : pages / listsPerMs,
    detailIntervalMs: refreshAge({ serving, listsPerMs, pollIntervalMs, requestBudget }),
  };
}

/** The smallest budget whose plan keeps these intervals, which are at least a poll interval. */
export function budgetFor(
  { pages, serving }: Load,
  { pollIntervalMs, listIntervalMs, detailIntervalMs }: Intervals & { readonly pollIntervalMs: number },
): number {
  const atEveryPoll = pages / pollIntervalMs;
  const details = serving / detailIntervalMs;
  const inTurns = Math.max(pages / listIntervalMs / LIST_SHARE, details / (1 - LIST_SHARE));
  const perMs =
    LIST_SHARE * inTurns <= atEveryPoll ? inTurns : Math.max(atEveryPoll / LIST_SHARE, atEveryPoll + details);
  // A fraction that comes of rounding only needs no request more.
  return Math.max(1, Math.ceil(perMs * WINDOW_MS - 1e-6));
}
