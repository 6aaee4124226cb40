import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { createBudget, type Budget } from '../../src/cloudflare/budget.ts';
import { WINDOW_MS } from '../../src/core/intervals.ts';

/** Cloudflare's limit in any five minutes. */
const CLOUDFLARE_LIMIT = 1_200;
const DEFAULT_BUDGET = 600;
const SECOND = 1_000;

/** The most requests in any five minutes, both ends included. */
function busiestWindow(sentAt: readonly number[]): number {
  const times = sentAt.toSorted((a, b) => a - b);
  let most = 0;
  let first = 0;
  for (const [index, at] of times.entries()) {
    while ((times[first] ?? at) < at - WINDOW_MS) first += 1;
    most = Math.max(most, index - first + 1);
  }
  return most;
}

/** Takes all requests that can be sent within `maxWaitMs`. Returns the time of each. */
function takeAll(budget: Budget, now: number, maxWaitMs: number): readonly number[] {
  const sentAt: number[] = [];
  for (;;) {
    const turn = budget.reserve(now, maxWaitMs);
    if (turn.kind !== 'granted') return sentAt;
    sentAt.push(now + turn.waitMs);
  }
}

/** Pauses between moments of maximum demand, and how long requests may wait at each. */
const demand = fc.array(
  fc.record({
    pauseMs: fc.oneof(fc.integer({ min: 0, max: 2_000 }), fc.integer({ min: 0, max: 400_000 })),
    maxWaitMs: fc.constantFrom(0, 10_000, 60_000),
  }),
  { minLength: 1, maxLength: 60 },
);

test.each([1, 2, 12, 40, 100, 600, 960, 1_199, 1_200])(
  'with any demand, any five minutes see at most 1.25 times a budget of %d, and never more than Cloudflare allows',
  (requests) => {
    fc.assert(
      fc.property(demand, (asks) => {
        const budget = createBudget(requests);
        let now = 0;
        const sentAt = asks.flatMap(({ pauseMs, maxWaitMs }) => {
          now += pauseMs;
          return takeAll(budget, now, maxWaitMs);
        });
        // A budget below four still lets one request through at once.
        const most = Math.min(CLOUDFLARE_LIMIT, requests + Math.max(1, requests / 4));
        expect(busiestWindow(sentAt)).toBeLessThanOrEqual(most);
      }),
      { numRuns: 60 },
    );
  },
);

test.each([12, 600, 1_200])('hours of demand use at least 98 % of a budget of %d', (requests) => {
  const budget = createBudget(requests);
  let sent = 0;
  for (let now = 0; now < 20 * WINDOW_MS; now += SECOND) sent += takeAll(budget, now, 0).length;
  expect(sent / 20 / requests).toBeGreaterThan(0.98);
});

/** Kubelet restarts a container at once, then after 10 s, doubled each time up to five minutes. */
const BACKOFFS = [0, 10, 20, 40, 80, 160, 300, 300].map((seconds) => seconds * SECOND);

/** A process that uses all of its budget, dies after each of these uptimes, and is restarted each time. */
function restarting(uptimes: readonly number[], backoffs: readonly number[]): readonly number[] {
  const sentAt: number[] = [];
  let start = 0;
  for (const [run, uptime] of uptimes.entries()) {
    const budget = createBudget(DEFAULT_BUDGET);
    for (let up = 0; up <= uptime; up += 500) sentAt.push(...takeAll(budget, start + up, 0));
    start += uptime + (backoffs[Math.min(run, backoffs.length - 1)] ?? 0);
  }
  return sentAt;
}

test.each([0, 0.5, 1, 5, 10, 20, 25, 29.5, 30, 30.5, 35, 40, 60, 90, 150, 300, 600])(
  'a process that kubelet restarts whenever it dies after %d s stays below what Cloudflare allows',
  (seconds) => {
    const uptimes = Array.from({ length: 12 }, () => seconds * SECOND);
    expect(busiestWindow(restarting(uptimes, BACKOFFS))).toBeLessThanOrEqual(CLOUDFLARE_LIMIT);
  },
);

test('a process that dies after random uptimes, including a long run, stays below what Cloudflare allows', () => {
  const uptime = fc.oneof(
    fc.integer({ min: 0, max: 10_000 }),
    fc.integer({ min: 0, max: 100_000 }),
    fc.integer({ min: 0, max: 600_000 }),
  );
  fc.assert(
    fc.property(fc.array(uptime, { minLength: 2, maxLength: 10 }), (uptimes) => {
      expect(busiestWindow(restarting(uptimes, BACKOFFS))).toBeLessThanOrEqual(CLOUDFLARE_LIMIT);
    }),
    { numRuns: 100 },
  );
});

/** A faster back-off that kubelet can be configured to use: from one second up to one minute. */
const FASTER_BACKOFFS = Array.from({ length: 8 }, (_, restart) => Math.min(60_000, 1_000 * 2 ** restart));

test.each([0, 0.5, 2, 5, 9.5, 20, 30, 60])(
  'a process that a faster kubelet restarts whenever it dies after %d s stays below what Cloudflare allows',
  (seconds) => {
    const uptimes = Array.from({ length: 20 }, () => seconds * SECOND);
    const sentAt = restarting([300 * SECOND, ...uptimes], [0, ...FASTER_BACKOFFS]);
    expect(busiestWindow(sentAt)).toBeLessThanOrEqual(CLOUDFLARE_LIMIT);
  },
);
