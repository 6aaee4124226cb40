const BASE_MS = 250;
const CAP_MS = 2_000;
export const MAX_RETRIES = 2;

/** How an attempt ended without a good answer: an HTTP status, or what broke if there was no answer. */
export type AttemptEnd = number | 'reset' | 'connect_timeout' | 'other';

export interface RetryQuestion {
  readonly end: AttemptEnd;
  /** Attempts made before this one: 0 after the first. */
  readonly retries: number;
  /** Time until the call's deadline. */
  readonly remainingMs: number;
  /** The wait that the server requested, in ms; undefined if it did not. */
  readonly retryAfterMs?: number | undefined;
  /** In [0, 1). */
  readonly random: number;
}

/**
 * Milliseconds to wait before the next attempt, or undefined to give up. The wait has full jitter,
 * as in the AWS Architecture Blog's "Exponential Backoff And Jitter": it is drawn between 0 and an
 * exponentially growing limit. A 429 is never retried here, because the budget blocks instead.
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

/** Cloudflare refuses every call for the five minutes that follow (API docs, "Rate limits"). */
const DEFAULT_BLOCK_MS = 300_000;
const MIN_BLOCK_MS = 5_000;
const MAX_BLOCK_MS = 3_600_000;

export interface RetryAfter {
  readonly ms: number;
  /** The server asked for more than an hour, and `ms` is one hour. */
  readonly capped: boolean;
}

export interface RetryAfterHeaders {
  readonly retryAfter: string | undefined;
  /** The server's time. A date in Retry-After is measured against it, because our clock may be wrong. */
  readonly date: string | undefined;
}

/**
 * How long to send nothing after a refusal: its Retry-After in seconds or as an HTTP date (RFC
 * 9110, 10.2.3), bounded.
 */
export function blockTime(headers: RetryAfterHeaders, now: number): RetryAfter {
  const asked = askedFor(headers, now) ?? DEFAULT_BLOCK_MS;
  return { ms: Math.min(MAX_BLOCK_MS, Math.max(MIN_BLOCK_MS, asked)), capped: asked > MAX_BLOCK_MS };
}

/**
 * The requested wait in milliseconds, negative for a past date; undefined if the header is missing
 * or invalid. `now` is wall time in ms.
 */
export function askedFor({ retryAfter, date }: RetryAfterHeaders, now: number): number | undefined {
  const text = retryAfter?.trim() ?? '';
  if (/^[+-]?\d+(\.\d+)?$/.test(text)) return Number(text) * 1_000;
  // Date.parse accepts nearly anything; an HTTP date begins with the name of a day.
  const until = /^[a-z]{3,9},? /i.test(text) ? Date.parse(text) : Number.NaN;
  if (Number.isNaN(until)) return undefined;
  const serverNow = Date.parse(date ?? '');
  return until - (Number.isNaN(serverNow) ? now : serverNow);
}
