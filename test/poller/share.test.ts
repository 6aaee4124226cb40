import { array, assert, nat, property } from 'fast-check';
import { expect, test } from 'vitest';
import { WINDOW_MS } from '../../src/core/intervals.ts';
import { createListShare } from '../../src/poller/share.ts';

test('starts with more than the bucket holds, and refills at half of the budget', () => {
  const share = createListShare(600);
  expect(share.available(0)).toBeCloseTo(135);
  share.take(0, 135);
  expect(share.available(10_000)).toBeCloseTo(10);
});

test('accumulates a twentieth of the budget', () => {
  const share = createListShare(600);
  share.take(0, 135);
  expect(share.available(3_600_000)).toBeCloseTo(30);
});

test('at the full budget it starts with less, because the first five minutes allow no burst', () => {
  expect(createListShare(1200).available(0)).toBeCloseTo(120);
});

test('spare requests leave only a small debt', () => {
  const share = createListShare(600);
  share.takeSpare(0, 100);
  expect(share.available(0)).toBeCloseTo(35);
  share.takeSpare(0, 1000);
  expect(share.available(0)).toBeCloseTo(-15);
  share.take(0, 20);
  share.takeSpare(0, 1000);
  expect(share.available(0)).toBeCloseTo(-35);
});

test('a list that exceeds the share delays the next', () => {
  const share = createListShare(600);
  share.take(0, 145);
  expect(share.available(5_000)).toBeCloseTo(-5);
  expect(share.available(15_000)).toBeCloseTo(5);
});

test('a jump of the clock adds at most the maximum, and takes nothing away', () => {
  const share = createListShare(600);
  share.take(3_600_000, 135);
  expect(share.available(0)).toBeCloseTo(0);
  expect(share.available(7_200_000)).toBeCloseTo(30);
});

test('if lists use their whole share, details get 40 % of the budget in any five minutes', () => {
  assert(
    property(array(nat(60_000), { minLength: 5, maxLength: 60 }), (pauses) => {
      const share = createListShare(600);
      share.take(0, 135);
      let now = 0;
      const taken: { readonly at: number; readonly requests: number }[] = [];
      for (const pause of pauses) {
        now += pause;
        const requests = Math.floor(Math.max(0, share.available(now)));
        share.take(now, requests);
        taken.push({ at: now, requests });
      }
      for (const { at: start } of taken) {
        const inWindow = taken.filter(({ at }) => at >= start && at < start + WINDOW_MS);
        expect(inWindow.reduce((sum, { requests }) => sum + requests, 0)).toBeLessThanOrEqual(
          0.6 * 600 + 1e-6,
        );
      }
    }),
  );
});
