import { expect, test } from 'vitest';
import { refreshAge } from '../../src/core/refresh.ts';

const FLEET = { serving: 10, listsPerMs: 1 / 30_000, pollIntervalMs: 30_000, requestBudget: 600 };

test('a small fleet is observed in every poll', () => {
  expect(refreshAge(FLEET)).toBe(30_000);
  expect(refreshAge({ ...FLEET, serving: 0 })).toBe(30_000);
});

test('a fleet larger than the budget takes turns in what the lists leave', () => {
  // 600 requests in five minutes, 10 of them for lists: 590 tunnels in five minutes.
  expect(refreshAge({ ...FLEET, serving: 590 })).toBeCloseTo(300_000);
  expect(refreshAge({ ...FLEET, serving: 1180 })).toBeCloseTo(600_000);
});

test('if lists took the whole budget, no tunnel would ever be observed', () => {
  expect(refreshAge({ ...FLEET, requestBudget: 10 })).toBe(Infinity);
  expect(refreshAge({ ...FLEET, requestBudget: 5 })).toBe(Infinity);
});
