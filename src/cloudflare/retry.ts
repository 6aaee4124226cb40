const BASE_MS = 250;
const CAP_MS = 2_000;
export const MAX_RETRIES = 2;

/** How an attempt ended without a good answer: an HTTP status, or what broke where there is none. */
export type AttemptEnd = number | 'reset' | 'connect_timeout' | 'other';

export interface RetryQuestion {
  readonly end: AttemptEnd;
  /** Attempts made before this one: 0 after the first. */
  readonly retries: number;
  /** Until the call's deadline. */
  readonly remainingMs: number;
  /** What the server asked for, in ms; undefined where it did not. */
  readonly retryAfterMs?: number | undefined;
  /** In [0, 1). */
  readonly random: number;
}

/**
 * Milliseconds to wait before the next attempt, or undefined to give up. Full jitter, as in the AWS Architecture Blog's
 * "Exponential Backoff And Jitter": anything between nothing and an exponentially growing limit.
 * Never for 429: that is the budget's business.
 */
export function retryDelay({
  end,
  retries,
  remainingMs,
  retryAfterMs,
  random,
}: RetryQuestion): number | undefined {
  if (retries >= MAX_RETRIES || !isTransient(end)) return undefined;
  const jitter = random * Math.min(CAP_MS, BASE_MS * 2 ** retries);
  const delay = Math.max(jitter, retryAfterMs ?? 0);
  return delay < remainingMs ? delay : undefined;
}

function isTransient(end: AttemptEnd): boolean {
  if (typeof end === 'number') return end === 408 || end >= 500;
  return end === 'reset' || end === 'connect_timeout';
}
