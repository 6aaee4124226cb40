import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { formatDuration, parseDuration } from '../../src/config/duration.ts';

test.each([
  ['0', 0],
  ['0s', 0],
  ['1500ms', 1500],
  ['5m', 300_000],
  ['1h30m', 5_400_000],
  ['1d', 86_400_000],
  ['1w', 604_800_000],
  ['1y2w3d4h5m6s7ms', 365 * 86_400_000 + 17 * 86_400_000 + 4 * 3_600_000 + 306_007],
])('%s is %d ms', (text, ms) => {
  expect(parseDuration(text)).toBe(ms);
});

test.each([
  '',
  '5',
  '5 m',
  'm5',
  '5m ',
  '-5m',
  '1.5h',
  '5m1h',
  '5m5m',
  '5M',
  '5min',
  '1h,30m',
  '9'.repeat(30) + 'y',
])('%j is not a duration', (text) => {
  expect(parseDuration(text)).toBeUndefined();
});

test('a formatted duration parses to the same value', () => {
  fc.assert(
    fc.property(fc.maxSafeNat(), (ms) => {
      expect(parseDuration(formatDuration(ms))).toBe(ms);
    }),
  );
});

test('durations with any amounts in descending units are parsed, and formatted as the same time', () => {
  const amount = fc.option(fc.nat({ max: 100_000 }), { nil: undefined });
  const units = ['y', 'w', 'd', 'h', 'm', 's', 'ms'] as const;
  fc.assert(
    fc.property(fc.tuple(...units.map(() => amount)), (amounts) => {
      const text = units.map((unit, i) => (amounts[i] === undefined ? '' : `${amounts[i]}${unit}`)).join('');
      fc.pre(text !== '');
      const ms = parseDuration(text);
      expect(ms).toBeDefined();
      expect(parseDuration(formatDuration(ms ?? -1))).toBe(ms);
    }),
  );
});

test.each([
  [0, '0s'],
  [1500, '1s500ms'],
  [90 * 60_000, '1h30m'],
  [8 * 86_400_000, '8d'],
  [14 * 86_400_000, '2w'],
])('%d ms is formatted as %s', (ms, text) => {
  expect(formatDuration(ms)).toBe(text);
});
