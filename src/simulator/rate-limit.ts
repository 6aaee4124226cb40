export interface RateLimitOptions {
  /** Requests in a window. Default: 1200. */
  readonly requests?: number;
  /** Default: 5 minutes. */
  readonly windowMs?: number;
  /** How long every request is refused once the limit is passed. Default: 5 minutes. */
  readonly blockMs?: number;
}

/**
 * "1,200 requests per five minutes per user; if you exceed it, all API calls for the next five minutes are blocked"
 * (Cloudflare docs, API limits). Refused requests do not prolong the block.
 */
export interface RateLimit {
  /** Counts a request. Milliseconds until the token may go on, where this one is refused. */
  readonly take: (key: string, now: number) => number | undefined;
  /** How many requests count now, and until when the token is blocked. */
  readonly state: (
    key: string,
    now: number,
  ) => { readonly used: number; readonly blockedUntil: number | undefined };
}

interface Account {
  times: number[];
  blockedUntil: number;
}

export function createRateLimit(options: RateLimitOptions = {}): RateLimit {
  const limit = options.requests ?? 1200;
  const windowMs = options.windowMs ?? 300_000;
  const blockMs = options.blockMs ?? 300_000;
  const accounts = new Map<string, Account>();

  function accountOf(key: string, now: number): Account {
    const account = accounts.get(key) ?? { times: [], blockedUntil: 0 };
    accounts.set(key, account);
    // Old times go in one sweep, not one by one.
    const oldest = account.times[0];
    if (oldest !== undefined && oldest <= now - windowMs) {
      account.times = account.times.filter((at) => at > now - windowMs);
    }
    return account;
  }

  return {
    take: (key, now) => {
      const account = accountOf(key, now);
      if (now < account.blockedUntil) return account.blockedUntil - now;
      if (account.times.length >= limit) {
        account.times = [];
        account.blockedUntil = now + blockMs;
        return blockMs;
      }
      account.times.push(now);
      return undefined;
    },
    state: (key, now) => {
      const { times, blockedUntil } = accountOf(key, now);
      return { used: times.length, blockedUntil: now < blockedUntil ? blockedUntil : undefined };
    },
  };
}
