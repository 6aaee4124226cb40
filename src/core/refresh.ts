export interface Fleet {
  /** Tunnels that are asked about: not listed down or inactive. */
  readonly serving: number;
  /** Requests that the list walks of one poll take. */
  readonly listRequests: number;
  readonly pollIntervalMs: number;
  /** Requests per five minutes. */
  readonly requestBudget: number;
}

/** Cloudflare counts requests per user or account token over five minutes (API docs, "Rate limits"): the unit of a budget. */
export const WINDOW_MS = 300_000;

/**
 * How old an observation of a tunnel's connections gets, in milliseconds, when every serving tunnel takes its turn:
 * never less than the poll interval; Infinity where the list walks alone take the whole budget.
 */
export function refreshAge({ serving, listRequests, pollIntervalMs, requestBudget }: Fleet): number {
  const perMs = requestBudget / WINDOW_MS - listRequests / pollIntervalMs;
  if (perMs <= 0) return Infinity;
  return Math.max(pollIntervalMs, serving / perMs);
}
