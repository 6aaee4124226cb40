import { expect, test } from 'vitest';
import { clockProblem, clockSkew, createClockWatch } from '../../src/cloudflare/clock-skew.ts';

const NOW = Date.UTC(2026, 8, 29, 12);

test.each([
  ['Tue, 29 Sep 2026 12:00:00 GMT', 0],
  ['Tue, 29 Sep 2026 09:00:00 GMT', 10_800_000],
  ['Thu, 01 Oct 2026 12:00:00 GMT', -172_800_000],
  ['yesterday', undefined],
  [undefined, undefined],
])('an answer of %s', (date, skew) => {
  expect(clockSkew(date, NOW)).toBe(skew);
});

test.each([0, 120_000, -120_000])('a clock that is %d ms ahead is right', (skew) => {
  expect(clockProblem(skew)).toBeUndefined();
});

test.each([
  [120_001, /^this machine's clock is 2m ahead of Cloudflare's; set it/],
  [-10_830_000, /^this machine's clock is 3h behind Cloudflare's; set it/],
])('a clock that is %d ms ahead is wrong', (skew, problem) => {
  expect(clockProblem(skew)).toMatch(problem);
});

test('a wrong clock is logged at once, every hour, and when it is right again', () => {
  const logged: string[] = [];
  const log = {
    warn: (line: string) => void logged.push(line),
    info: (line: string) => void logged.push(line),
  };
  let passed = 0;
  const seen = createClockWatch({ log, monotonic: () => passed });
  const ahead = expect.stringContaining('3h ahead');
  const right = expect.stringContaining('agrees');

  seen(0);
  expect(logged).toEqual([]);
  for (let answer = 0; answer < 100; answer += 1) seen(10_800_000);
  passed += 3_599_999;
  seen(10_800_000);
  expect(logged).toEqual([ahead]);
  passed += 1;
  seen(10_800_000);
  expect(logged).toEqual([ahead, ahead]);
  seen(1_000);
  seen(1_000);
  expect(logged).toEqual([ahead, ahead, right]);
  seen(10_800_000);
  expect(logged).toEqual([ahead, ahead, right, ahead]);
});
