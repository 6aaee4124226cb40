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
