/** Cloudflare refuses every call for the five minutes that follow (API docs, "Rate limits"). */
const DEFAULT_MS = 300_000;
const MIN_MS = 5_000;
const MAX_MS = 3_600_000;

export interface RetryAfter {
  readonly ms: number;
  /** The server asked for more than an hour; we ask again after one. */
  readonly capped: boolean;
}

export interface RetryAfterHeaders {
  readonly retryAfter: string | undefined;
  /** The server's own time, which a date is measured against, so that our clock may be wrong. */
  readonly date: string | undefined;
}

/** How long to send nothing, from a refusal's headers: seconds or an HTTP date (RFC 9110, 10.2.3); `now` in wall ms. */
export function blockTime(headers: RetryAfterHeaders, now: number): RetryAfter {
  const asked = askedFor(headers, now) ?? DEFAULT_MS;
  return { ms: Math.min(MAX_MS, Math.max(MIN_MS, asked)), capped: asked > MAX_MS };
}

/** Milliseconds as asked, below zero for a past date; undefined where the header is missing or means nothing. */
export function askedFor({ retryAfter, date }: RetryAfterHeaders, now: number): number | undefined {
  const text = retryAfter?.trim() ?? '';
  if (/^[+-]?\d+(\.\d+)?$/.test(text)) return Number(text) * 1_000;
  // Date.parse reads nearly anything; an HTTP date begins with a day's name.
  const until = /^[a-z]{3,9},? /i.test(text) ? Date.parse(text) : Number.NaN;
  if (Number.isNaN(until)) return undefined;
  const serverNow = Date.parse(date ?? '');
  return until - (Number.isNaN(serverNow) ? now : serverNow);
}
