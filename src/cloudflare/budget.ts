import { setMaxListeners } from 'node:events';
import { WINDOW_MS } from '../core/intervals.ts';

/** API docs, "Rate limits". Exceeding it blocks all requests for five minutes. */
const MAX_PER_WINDOW = 1200;
/**
 * How full the bucket is at the start. A previous process may have spent requests: even if kubelet
 * restarts the exporter again and again, five minutes see at most 1,200 requests at the default
 * budget.
 */
const INITIAL_FILL = 0.5;
/** Requests may arrive later than they were sent, and the next ones earlier. */
const ARRIVAL_MARGIN_MS = 3_000;

export type Reservation =
  /** Send after `waitMs`, or call `giveBack`. */
  | { readonly kind: 'granted'; readonly waitMs: number; readonly giveBack: () => void }
  | { readonly kind: 'blocked'; readonly waitMs: number }
  | { readonly kind: 'spent'; readonly waitMs: number };

/** Planned requests, already taken from the budget, to be sent within seconds. A block voids them. */
export interface Hold {
  readonly count: number;
  /** Uses one of them, to be sent now. False if none is left or a block voided them. */
  readonly use: (now: number) => boolean;
  readonly release: () => void;
}

/**
 * A token bucket: its capacity is a quarter of the budget, refilled at the budget's rate, so that
 * any five minutes see at most 1.25 times the budget. Every `now` is a monotonic time in
 * milliseconds. If the clock jumps nevertheless, going back adds no requests, and going forward
 * adds at most a full bucket.
 */
export interface Budget {
  /** Requests per five minutes. */
  readonly requests: number;
  /** The most that can be sent at once. */
  readonly capacity: number;
  /** Changes the requests per five minutes; spent requests stay spent. */
  readonly resize: (now: number, requests: number) => void;
  /** Requests that could be sent now; 0 while blocked or reserved by callers that wait. */
  readonly available: (now: number) => number;
  /** Takes one request in FIFO order, to be sent after at most `maxWaitMs`. */
  readonly reserve: (now: number, maxWaitMs: number) => Reservation;
  /** Takes up to `count` requests, at most those available. */
  readonly hold: (now: number, count: number) => Hold;
  /** For `forMs`; then refills from empty, so that there is no burst. Never shortens a block. */
  readonly block: (now: number, forMs: number) => void;
  /** How long the block still lasts; 0 without one. */
  readonly blockedFor: (now: number) => number;
  /** Counts requests sent elsewhere, such as before the owner of a token was known. */
  readonly absorb: (now: number, sentAt: readonly number[]) => void;
  /** Aborts at the next block, so that callers need not wait for their reservation. */
  readonly nextBlock: () => AbortSignal;
}

export function createBudget(initialRequests: number): Budget {
  let requests = initialRequests;
  let capacity = capacityOf(requests);
  let perMs = requests / WINDOW_MS;
  let last: number | undefined;
  /** Negative while callers wait for reserved requests. */
  let level = Math.ceil(capacity * INITIAL_FILL);
  let blockedMs = 0;
  const window = createWindow();
  /** The signal of the next block, which voids reservations made before it. */
  let upcoming = blockSignal();

  const advance = (now: number): void => {
    const elapsed = Math.max(0, now - (last ?? now));
    last = now;
    const refilling = Math.max(0, elapsed - blockedMs);
    blockedMs = Math.max(0, blockedMs - elapsed);
    // Requests that the window does not allow must not accumulate, or they would be sent in one burst later.
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

/** The most requests that the first five minutes can see. */
export function firstWindowOf(requests: number): number {
  return Math.min(MAX_PER_WINDOW, requests + INITIAL_FILL * capacityOf(requests));
}

/** Without a limit of listeners, because every call that waits for the budget listens. */
function blockSignal(): AbortController {
  const controller = new AbortController();
  setMaxListeners(0, controller.signal);
  return controller;
}

const capacityOf = (requests: number): number => Math.max(1, requests / 4);

/** The requests of the last five minutes, which Cloudflare counts. */
export interface SentWindow {
  /** How many more requests Cloudflare allows. */
  readonly free: (now: number) => number;
  readonly hold: (requests: number) => void;
  readonly release: (requests: number) => void;
  readonly releaseAll: () => void;
  /** Time until there is room for one more. */
  readonly waitMs: (now: number) => number;
  /** The times of sending, oldest first. */
  readonly times: (now: number) => readonly number[];
  readonly sent: (at: number) => void;
  /** Adds other requests; only the latest if there is no room for all. */
  readonly add: (now: number, others: readonly number[]) => void;
}

export function createWindow(): SentWindow {
  const sentAt = new Float64Array(MAX_PER_WINDOW);
  let oldest = 0;
  let counted = 0;
  let held = 0;
  const forget = (now: number): void => {
    while (counted > 0 && leavesAt() <= now) {
      oldest = (oldest + 1) % MAX_PER_WINDOW;
      counted -= 1;
    }
  };
  const leavesAt = (): number => (sentAt[oldest] ?? 0) + WINDOW_MS + ARRIVAL_MARGIN_MS;
  const times = (now: number): readonly number[] => {
    forget(now);
    return Array.from({ length: counted }, (_, index) => sentAt[(oldest + index) % MAX_PER_WINDOW] ?? 0);
  };
  return {
    times,
    free(now) {
      forget(now);
      return MAX_PER_WINDOW - counted - held;
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
      return counted + held < MAX_PER_WINDOW ? 0 : leavesAt() - now;
    },
    add(now, others) {
      const all = [...times(now), ...others].toSorted((a, b) => a - b).slice(-MAX_PER_WINDOW);
      sentAt.set(all);
      oldest = 0;
      counted = all.length;
    },
    sent(at) {
      sentAt[(oldest + counted) % MAX_PER_WINDOW] = at;
      if (counted < MAX_PER_WINDOW) counted += 1;
      else oldest = (oldest + 1) % MAX_PER_WINDOW;
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
  readonly hold: (count: number) => Hold;
  /** Until when Cloudflare refuses requests, in milliseconds since the epoch; undefined if it does not. */
  readonly blockedUntil: () => number | undefined;
}

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
