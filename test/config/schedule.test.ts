import { expect, test } from 'vitest';
import { longestPause } from '../../src/config/schedule.ts';

test.each([
  ['*/30 * * * * *', 30_000],
  ['*/5 * * * * *', 5000],
  ['*/7 * * * * *', 7000],
  ['* * * * *', 60_000],
  ['0 */10 * * * *', 600_000],
  ['0 3 * * *', 86_400_000],
  ['0 8,20 * * *', 12 * 3_600_000],
  ['0 8-18 * * *', 14 * 3_600_000],
  ['0 0 * * mon-fri', 2 * 86_400_000],
])('%s can pause for %d ms', (schedule, pause) => {
  expect(longestPause(schedule)).toBe(pause);
});
