import { setMaxListeners } from 'node:events';
import { WINDOW_MS } from '../core/intervals.ts';

/** So many, and no more; the next one is refused, and everything else for five minutes. */
const MOST_PER_WINDOW = 1200;
/**
 * So full is the bucket at the start, for nobody knows what a process before this one has spent: restarted over and over
 * by kubelet, five minutes see at most 1,200 requests at the default budget.
 */
const START_SHARE = 0.5;
/** What was sent in time may arrive late, and what follows it early. */
const ARRIVAL_MARGIN_MS = 3_000;

export type Reservation =
  /** Send after `waitMs`; `giveBack` if it will not be sent after all. */
  | { readonly kind: 'granted'; readonly waitMs: number; readonly giveBack: () => void }
  | { readonly kind: 'blocked'; readonly waitMs: number }
  | { readonly kind: 'spent'; readonly waitMs: number };

/** Requests taken out of a budget when they were planned, to be sent within seconds. A block voids them. */
export interface Hold {
  readonly count: number;
  /** Takes one of them, to be sent now. False if none is left or a block has voided them. */
  readonly use: (now: number) => boolean;
  /** Gives back those that will not be sent. */
  readonly release: () => void;
}

/**
 * A token bucket: a quarter of the budget at once, refilled at the budget's rate, so that any five minutes see at most
 * 1.25 times the budget. Every `now` is milliseconds of a clock that does not jump; one that does all the same neither
 * adds requests when it goes back, nor more than a full bucket when it goes forward.
 */
export interface Budget {
  /** Requests per five minutes. */
  readonly requests: number;
  /** The most that can be sent at once. */
  readonly capacity: number;
  /** Goes on with another number of requests per five minutes; what was spent stays spent. */
  readonly resize: (now: number, requests: number) => void;
  /** Requests that could be sent now; 0 while blocked or owed. */
  readonly available: (now: number) => number;
  /** Takes one request, first come first served, even where it has to wait its turn for up to `maxWaitMs`. */
  readonly reserve: (now: number, maxWaitMs: number) => Reservation;
  /** Takes up to `count` requests out of the budget at once: no more than are available. */
  readonly hold: (now: number, count: number) => Hold;
  /** No request for `forMs`, and then from an empty bucket: ramp, don't burst. Never shortens a block. */
  readonly block: (now: number, forMs: number) => void;
  /** How long it still lasts; 0 where there is none. */
  readonly blockedFor: (now: number) => number;
  /** Counts requests that were sent elsewhere, such as before a token turned out to be of this owner. */
  readonly absorb: (now: number, sentAt: readonly number[]) => void;
  /** Aborts at the next block, so that whoever waits for a reservation need not wait. */
  readonly nextBlock: () => AbortSignal;
}

export function createBudget(initialRequests: number): Budget {
  let requests = initialRequests;
  let capacity = capacityOf(requests);
  let perMs = requests / WINDOW_MS;
  let last: number | undefined;
  /** Below zero: owed to those who wait. */
  let level = Math.ceil(capacity * START_SHARE);
  let blockedMs = 0;
  const window = createWindow();
  /** Of the next block; what was reserved before it is void after it. */
  let upcoming = blockSignal();

  const advance = (now: number): void => {
    const elapsed = Math.max(0, now - (last ?? now));
    last = now;
    const refilling = Math.max(0, elapsed - blockedMs);
    blockedMs = Math.max(0, blockedMs - elapsed);
    // What the window does not allow must not pile up either, to be sent in one burst when it does.
    level = Math.min(capacity, level + refilling * perMs, window.free(now));
  };

  return {
    get requests() {
      return requests;
    },
    get capacity() {
      return capacity;
    },
    resize(now, nextRequests) {
      advance(now);
      requests = nextRequests;
      capacity = capacityOf(requests);
      perMs = requests / WINDOW_MS;
      level = Math.min(capacity, level);
    },
    available(now) {
      advance(now);
      return blockedMs > 0 ? 0 : Math.max(0, level);
    },
    reserve(now, maxWaitMs) {
      advance(now);
      if (blockedMs > 0) return { kind: 'blocked', waitMs: blockedMs };
      const waitMs = Math.max(0, (1 - level) / perMs, window.waitMs(now));
      if (waitMs > maxWaitMs) return { kind: 'spent', waitMs };
      level -= 1;
      window.sent(now + waitMs);
      const reservedBefore = upcoming;
      let open = true;
      const giveBack = (): void => {
        if (open && reservedBefore === upcoming) level = Math.min(capacity, level + 1);
        open = false;
      };
      return { kind: 'granted', waitMs, giveBack };
    },
    hold(now, count) {
      advance(now);
      const held = blockedMs > 0 ? 0 : Math.max(0, Math.min(count, Math.floor(level)));
      level -= held;
      window.hold(held);
      const heldBefore = upcoming;
      let left = held;
      return {
        count: held,
        use(sentAt) {
          if (left === 0 || heldBefore !== upcoming) return false;
          left -= 1;
          window.release(1);
          window.sent(sentAt);
          return true;
        },
        release() {
          if (heldBefore === upcoming) {
            level = Math.min(capacity, level + left);
            window.release(left);
          }
          left = 0;
        },
      };
    },
    block(now, forMs) {
      advance(now);
      blockedMs = Math.max(blockedMs, forMs);
      level = 0;
      window.releaseAll();
      const begun = upcoming;
      upcoming = blockSignal();
      begun.abort();
    },
    blockedFor(now) {
      advance(now);
      return blockedMs;
    },
    absorb(now, sentAt) {
      advance(now);
      level = Math.max(Math.min(level, 0), level - sentAt.length);
      window.add(now, sentAt);
    },
    nextBlock: () => upcoming.signal,
  };
}

/** Requests that the first five minutes can see. */
export function firstWindowOf(requests: number): number {
  return Math.min(MOST_PER_WINDOW, requests + START_SHARE * capacityOf(requests));
}

/** Every call that waits for the budget listens. */
function blockSignal(): AbortController {
  const controller = new AbortController();
  setMaxListeners(0, controller.signal);
  return controller;
}

const capacityOf = (requests: number): number => Math.max(1, requests / 4);

/** The requests that Cloudflare may still count, whatever the bucket holds. */
export interface SentWindow {
  /** How many more it has room for. */
  readonly free: (now: number) => number;
  /** Keeps room for requests that are planned and not sent yet. */
  readonly hold: (requests: number) => void;
  readonly release: (requests: number) => void;
  readonly releaseAll: () => void;
  /** How long until it has room for one more. */
  readonly waitMs: (now: number) => number;
  /** When they were sent, oldest first. */
  readonly times: (now: number) => readonly number[];
  readonly sent: (at: number) => void;
  /** Counts others as well; the latest, if there is no room for all. */
  readonly add: (now: number, others: readonly number[]) => void;
}

export function createWindow(): SentWindow {
  const sentAt = new Float64Array(MOST_PER_WINDOW);
  let oldest = 0;
  let counted = 0;
  /** Planned, and not sent yet. */
  let held = 0;
  const forget = (now: number): void => {
    while (counted > 0 && leavesAt() <= now) {
      oldest = (oldest + 1) % MOST_PER_WINDOW;
      counted -= 1;
    }
  };
  const leavesAt = (): number => (sentAt[oldest] ?? 0) + WINDOW_MS + ARRIVAL_MARGIN_MS;
  const times = (now: number): readonly number[] => {
    forget(now);
    return Array.from({ length: counted }, (_, index) => sentAt[(oldest + index) % MOST_PER_WINDOW] ?? 0);
  };
  return {
    times,
    free(now) {
      forget(now);
      return MOST_PER_WINDOW - counted - held;
    },
    hold(count) {
      held += count;
    },
    release(count) {
      held -= count;
    },
    releaseAll() {
      held = 0;
    },
    waitMs(now) {
      forget(now);
      return counted + held < MOST_PER_WINDOW ? 0 : leavesAt() - now;
    },
    add(now, others) {
      const all = [...times(now), ...others].toSorted((a, b) => a - b).slice(-MOST_PER_WINDOW);
      sentAt.set(all);
      oldest = 0;
      counted = all.length;
    },
    sent(at) {
      sentAt[(oldest + counted) % MOST_PER_WINDOW] = at;
      if (counted < MOST_PER_WINDOW) counted += 1;
      else oldest = (oldest + 1) % MOST_PER_WINDOW;
    },
  };
}

/** A request budget, read at the current time. */
export interface BudgetView {
  /** Requests per five minutes. */
  readonly requests: number;
  /** The most that can be sent at once. */
  readonly capacity: number;
  /** Requests that could be sent at once; 0 while blocked. May be fractional. */
  readonly available: () => number;
  /** Takes up to `count` planned requests from the budget. */
  readonly hold: (count: number) => Hold;
  /** Until when Cloudflare refuses requests, in milliseconds since the epoch; undefined if it does not. */
  readonly blockedUntil: () => number | undefined;
}

/** Binds a budget to clocks. */
export function viewOf(
  budget: () => Budget,
  { clock, monotonic }: { readonly clock: () => number; readonly monotonic: () => number },
): BudgetView {
  return {
    get requests() {
      return budget().requests;
    },
    get capacity() {
      return budget().capacity;
    },
    available: () => budget().available(monotonic()),
    hold: (count) => budget().hold(monotonic(), count),
    blockedUntil: () => {
      const forMs = budget().blockedFor(monotonic());
      return forMs > 0 ? clock() + forMs : undefined;
    },
  };
}
