import { expect, test } from 'vitest';
import { firstFew, formatSpan } from '../../src/core/event-text.ts';

test.each([
  [0, '0s'],
  [999, '0s'],
  [-5, '0s'],
  [12_345, '12s'],
  [60_000, '1m'],
  [90_000, '1m 30s'],
  [3_600_000, '1h'],
  [2 * 3_600_000 + 13 * 60_000 + 59_000, '2h 13m'],
  [14 * 86_400_000 + 3 * 3_600_000 + 59 * 60_000, '14d 3h'],
  [400 * 86_400_000, '400d'],
])('%i ms is %s', (ms, words) => {
  expect(formatSpan(ms)).toBe(words);
});

test.each([
  [[], ''],
  [['a'], 'a'],
  [['a', 'b', 'c'], 'a, b, c'],
  [['a', 'b', 'c', 'd'], 'a, b and 2 more'],
])('of %j, at most two are named where that is shorter', (texts, words) => {
  expect(firstFew(texts, 2)).toBe(words);
});
