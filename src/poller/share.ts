import { firstWindowOf } from '../cloudflare/budget.ts';
import { DETAIL_CONFIGURATION_SHARE } from '../core/plan-details.ts';
import { LIST_SHARE, WINDOW_MS } from '../core/intervals.ts';

/** A token bucket: the part of the budget for one kind of request while others wait. */
export interface Share {
  /** Requests that may be sent now. Negative if the last one took more than was left. */
  readonly available: (now: number) => number;
  readonly take: (now: number, requests: number) => void;
  /** Takes spare budget, for which nothing waits. Leaves only a small debt. */
  readonly takeSpare: (now: number, requests: number) => void;
}

export interface ShareOptions {
  readonly perMs: () => number;
  /** The most requests that accumulate. */
  readonly max: number;
  /** Requests at the start. May exceed `max`. */
  readonly start: number;
}

/** The largest debt of spare requests, as a part of `max`. */
const SPARE_DEBT_SHARE = 0.5;

export function createShare({ perMs, max, start }: ShareOptions): Share {
  let level = start;
  let last: number | undefined;

  const advance = (now: number): void => {
    // A jump of the clock adds at most `max`, and takes nothing away.
    const gained = Math.max(0, now - (last ?? now)) * perMs();
    last = now;
    if (level < max) level = Math.min(max, level + gained);
  };

  return {
    available: (now) => {
      advance(now);
      return level;
    },
    take: (now, requests) => {
      advance(now);
      level -= requests;
    },
    takeSpare: (now, requests) => {
      advance(now);
      level = Math.min(level, Math.max(level - requests, -SPARE_DEBT_SHARE * max));
    },
  };
}

/** The least part of the budget for details in any five minutes in which they are due. */
const MIN_DETAILS_SHARE = 0.4;
/** The most that lists accumulate, as a part of the budget. */
const MAX_LISTS_SHARE = 0.05;

/**
 * The share of lists while details are due: half of the budget over time, and a small part of it at
 * once. More at a cold start, when only lists can be sent: what the first five minutes allow, less
 * the minimum for details.
 */
export function createListShare(requestBudget: number): Share {
  return createShare({
    perMs: () => (LIST_SHARE * requestBudget) / WINDOW_MS,
    max: MAX_LISTS_SHARE * requestBudget,
    start: firstWindowOf(requestBudget) - (LIST_SHARE + MIN_DETAILS_SHARE) * requestBudget,
  });
}

/** The part of the budget for lists of routes, which can wait, while details are due. */
const ROUTES_SHARE = 0.04;

/** The share of lists of routes while details are due. It starts full. */
export function createRouteShare(requestBudget: number): Share {
  const max = ROUTES_SHARE * requestBudget;
  return createShare({ perMs: () => max / WINDOW_MS, max, start: max });
}

/** The share of configurations in the detail requests while connections wait. */
export function createConfigurationShare(detailBudget: () => number): Share {
  const perMs = (): number => (DETAIL_CONFIGURATION_SHARE * detailBudget()) / WINDOW_MS;
  return createShare({ perMs, max: Math.max(1, (perMs() * WINDOW_MS) / 4), start: 1 });
}
