export interface RateLimitOptions {
  /** Requests in a window. Default: 1200. */
  readonly requests?: number;
  /** Default: 5 minutes. */
  readonly windowMs?: number;
  /** How long every request is refused after the limit was exceeded. Default: 5 minutes. */
  readonly blockMs?: number;
}

/**
 * "1,200 requests per five minutes per user; if you exceed it, all API calls for the next five
 * minutes are blocked" (Cloudflare docs, API limits). Account-owned tokens have a limit each.
 * Refused requests do not prolong the block.
 */
export interface RateLimit {
  /**
   * Counts a request. If it is refused, returns the milliseconds until requests of `key` are
   * allowed again.
   */
  readonly take: (key: string, now: number) => number | undefined;
  /** The requests in the window, and until when `key` is blocked. */
  readonly state: (
    key: string,
    now: number,
  ) => { readonly used: number; readonly blockedUntil: number | undefined };
}

interface Counted {
  /** Times of requests; those before index `first` have left the window. */
  times: number[];
  first: number;
  blockedUntil: number;
}

/** Counts by owner; `ownerOf` maps a key to its owner. Default: every key is its own. */
export function createRateLimit(
  options: RateLimitOptions = {},
  ownerOf: (key: string) => string = (key) => key,
): RateLimit {
  const limit = options.requests ?? 1200;
  const windowMs = options.windowMs ?? 300_000;
  const blockMs = options.blockMs ?? 300_000;
  const owners = new Map<string, Counted>();

  function countedOf(key: string, now: number): Counted {
    const owner = ownerOf(key);
    const counted = owners.get(owner) ?? { times: [], first: 0, blockedUntil: 0 };
    owners.set(owner, counted);
    while ((counted.times[counted.first] ?? Infinity) <= now - windowMs) counted.first += 1;
    if (counted.first > limit) {
      counted.times = counted.times.slice(counted.first);
      counted.first = 0;
    }
    return counted;
  }

  return {
    take: (key, now) => {
      const counted = countedOf(key, now);
      if (now < counted.blockedUntil) return counted.blockedUntil - now;
      if (counted.times.length - counted.first >= limit) {
        counted.times = [];
        counted.first = 0;
        counted.blockedUntil = now + blockMs;
        return blockMs;
      }
      counted.times.push(now);
      return undefined;
    },
    state: (key, now) => {
      const { times, first, blockedUntil } = countedOf(key, now);
      return { used: times.length - first, blockedUntil: now < blockedUntil ? blockedUntil : undefined };
    },
  };
}
