import { expect, test } from 'vitest';
import { createClockWatch } from '../../src/commands/clock-watch.ts';

test('a wrong clock is told at once, every hour, and when it is right again', () => {
  const told: string[] = [];
  const log = { warn: (line: string) => void told.push(line), info: (line: string) => void told.push(line) };
  let passed = 0;
  const seen = createClockWatch({ log, monotonic: () => passed });
  const ahead = expect.stringContaining('3h ahead');
  const right = expect.stringContaining('agrees');

  seen(0);
  expect(told).toEqual([]);
  for (let answer = 0; answer < 100; answer += 1) seen(10_800_000);
  passed += 3_599_999;
  seen(10_800_000);
  expect(told).toEqual([ahead]);
  passed += 1;
  seen(10_800_000);
  expect(told).toEqual([ahead, ahead]);
  seen(1_000);
  seen(1_000);
  expect(told).toEqual([ahead, ahead, right]);
  seen(10_800_000);
  expect(told).toEqual([ahead, ahead, right, ahead]);
});
