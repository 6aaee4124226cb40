import { firstWindowOf } from '../cloudflare/budget.ts';
import { DETAIL_CONFIGURATION_SHARE } from '../core/plan-details.ts';
import { LIST_SHARE, WINDOW_MS } from '../core/intervals.ts';

/** A token bucket within the budget: how much of it one kind of request may take while another kind waits. */
export interface Share {
  /** Requests that may be made now. Negative after one that took more than was left. */
  readonly available: (now: number) => number;
  readonly take: (now: number, requests: number) => void;
  /** Takes what nobody else waits for: it counts, but leaves only a small debt. */
  readonly takeSpare: (now: number, requests: number) => void;
}

export interface ShareOptions {
  readonly perMs: () => number;
  /** Saved up at most. */
  readonly most: number;
  /** May be more than can be saved up. */
  readonly start: number;
}

/** The debt that spare requests leave at most, as a part of what can be saved. */
const SPARE_DEBT_SHARE = 0.5;

export function createShare({ perMs, most, start }: ShareOptions): Share {
  let level = start;
  let last: number | undefined;

  const advance = (now: number): void => {
    // A clock that jumps adds no more than what can be saved, and takes nothing away.
    const gained = Math.max(0, now - (last ?? now)) * perMs();
    last = now;
    if (level < most) level = Math.min(most, level + gained);
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
      level = Math.min(level, Math.max(level - requests, -SPARE_DEBT_SHARE * most));
    },
  };
}

/** Of the budget, to details in any five minutes in which they are due. */
const DETAILS_LEAST_SHARE = 0.4;
/** Saved up by lists at most, as a part of the budget. */
const LISTS_SAVED_SHARE = 0.05;

/**
 * What lists may take while details are due: half of the budget over time, a tenth of it at once. At a cold start, when there
 * is nothing but lists to make, more: what the first five minutes allow and is not promised to details.
 */
export function createListShare(requestBudget: number): Share {
  return createShare({
    perMs: () => (LIST_SHARE * requestBudget) / WINDOW_MS,
    most: LISTS_SAVED_SHARE * requestBudget,
    start: firstWindowOf(requestBudget) - (LIST_SHARE + DETAILS_LEAST_SHARE) * requestBudget,
  });
}

/** Of the budget, to lists of routes while details are due: what a route changes can wait. */
const ROUTES_SHARE = 0.04;

/** What lists of routes may take while details are due: all that is saved up at the start. */
export function createRouteShare(requestBudget: number): Share {
  const most = ROUTES_SHARE * requestBudget;
  return createShare({ perMs: () => most / WINDOW_MS, most, start: most });
}

/** What configurations may take while connections wait, with so many requests per five minutes for details. */
export function createConfigurationShare(detailBudget: () => number): Share {
  const perMs = (): number => (DETAIL_CONFIGURATION_SHARE * detailBudget()) / WINDOW_MS;
  return createShare({ perMs, most: Math.max(1, (perMs() * WINDOW_MS) / 4), start: 1 });
}
