/** Cloudflare counts requests per user or account token over five minutes (API docs, "Rate limits"). */
export const WINDOW_MS = 300_000;

export type Reservation =
  /** Send after `waitMs`; `giveBack` if it will not be sent after all. */
  | { readonly kind: 'granted'; readonly waitMs: number; readonly giveBack: () => void }
  | { readonly kind: 'blocked'; readonly waitMs: number }
  | { readonly kind: 'spent'; readonly waitMs: number };

/**
 * A token bucket: a quarter of the budget at once, refilled at the budget's rate, so that any five minutes see at most
 * 1.25 times the budget. Every `now` is milliseconds of a clock that does not jump; one that does all the same neither
 * adds requests when it goes back, nor more than a full bucket when it goes forward.
 */
export interface Budget {
  readonly capacity: number;
  /** Requests that could be sent now; 0 while blocked or owed. */
  readonly available: (now: number) => number;
  /** Takes one request, first come first served, even where it has to wait its turn for up to `maxWaitMs`. */
  readonly reserve: (now: number, maxWaitMs: number) => Reservation;
  /** No request for `forMs`, and then from an empty bucket: ramp, don't burst. Never shortens a block. */
  readonly block: (now: number, forMs: number) => void;
  /** How long it still lasts; 0 where there is none. */
  readonly blockedFor: (now: number) => number;
}

export function createBudget(requests: number): Budget {
  const capacity = Math.max(1, requests / 4);
  const perMs = requests / WINDOW_MS;
  let last: number | undefined;
  /** Below zero: owed to those who wait. */
  let level = capacity;
  let blockedMs = 0;
  /** Counts blocks: what was reserved before one is void after it. */
  let epoch = 0;

  const advance = (now: number): void => {
    const elapsed = Math.max(0, now - (last ?? now));
    last = now;
    const refilling = Math.max(0, elapsed - blockedMs);
    blockedMs = Math.max(0, blockedMs - elapsed);
    level = Math.min(capacity, level + refilling * perMs);
  };

  return {
    capacity,
    available(now) {
      advance(now);
      return blockedMs > 0 ? 0 : Math.max(0, level);
    },
    reserve(now, maxWaitMs) {
      advance(now);
      if (blockedMs > 0) return { kind: 'blocked', waitMs: blockedMs };
      const waitMs = Math.max(0, (1 - level) / perMs);
      if (waitMs > maxWaitMs) return { kind: 'spent', waitMs };
      level -= 1;
      const reservedIn = epoch;
      let open = true;
      const giveBack = (): void => {
        if (open && reservedIn === epoch) level = Math.min(capacity, level + 1);
        open = false;
      };
      return { kind: 'granted', waitMs, giveBack };
    },
    block(now, forMs) {
      advance(now);
      blockedMs = Math.max(blockedMs, forMs);
      level = 0;
      epoch += 1;
    },
    blockedFor(now) {
      advance(now);
      return blockedMs;
    },
  };
}
