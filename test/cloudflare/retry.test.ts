import { expect, test } from 'vitest';
import { askedFor, blockTime } from '../../src/cloudflare/retry.ts';
import { MAX_RETRIES, retryDelay, type AttemptEnd } from '../../src/cloudflare/retry.ts';

const question = { end: 503, retries: 0, remainingMs: 10_000, random: 0.5 } as const;

test.each<AttemptEnd>([408, 500, 502, 503, 504, 530, 'reset', 'connect_timeout'])('%s is retried', (end) => {
  expect(retryDelay({ ...question, end })).toBe(125);
});

test.each<AttemptEnd>([200, 302, 400, 401, 403, 404, 409, 425, 429, 'other'])('%s is not retried', (end) => {
  expect(retryDelay({ ...question, end })).toBeUndefined();
});

test('there are at most two retries', () => {
  expect(MAX_RETRIES).toBe(2);
  expect(retryDelay({ ...question, retries: 1 })).toBe(250);
  expect(retryDelay({ ...question, retries: 2 })).toBeUndefined();
});

test('jitter ranges from 0 to the limit', () => {
  expect(retryDelay({ ...question, random: 0 })).toBe(0);
  expect(retryDelay({ ...question, random: 0.999 })).toBeCloseTo(249.75);
});

test('there is no retry without time before the deadline', () => {
  expect(retryDelay({ ...question, remainingMs: 125 })).toBeUndefined();
  expect(retryDelay({ ...question, remainingMs: 126 })).toBe(125);
  expect(retryDelay({ ...question, remainingMs: -1, random: 0 })).toBeUndefined();
});

test('Retry-After is respected, or the call gives up', () => {
  expect(retryDelay({ ...question, retryAfterMs: 2_000 })).toBe(2_000);
  expect(retryDelay({ ...question, retryAfterMs: 20_000 })).toBeUndefined();
  expect(retryDelay({ ...question, retryAfterMs: -5_000 })).toBe(125);
});

const NOW = Date.UTC(2026, 8, 29, 12, 0, 0);

test.each([
  ['120', 120_000, false],
  [' 120 ', 120_000, false],
  ['1.5', 5_000, false],
  ['0', 5_000, false],
  ['-10', 5_000, false],
  ['3600', 3_600_000, false],
  ['999999', 3_600_000, true],
  ['Tue, 29 Sep 2026 12:02:00 GMT', 120_000, false],
  ['Tuesday, 29-Sep-26 12:02:00 GMT', 120_000, false],
  ['Tue, 29 Sep 2026 11:00:00 GMT', 5_000, false],
  ['Wed, 30 Sep 2026 12:00:00 GMT', 3_600_000, true],
  ['soon', 300_000, false],
  ['', 300_000, false],
  ['2026', 2_026_000, false],
  [undefined, 300_000, false],
])('Retry-After %j blocks for %d ms, capped: %s', (retryAfter, ms, capped) => {
  expect(blockTime({ retryAfter, date: undefined }, NOW)).toEqual({ ms, capped });
});

test('a date is measured against the clock of the server that sent it', () => {
  const headers = { retryAfter: 'Tue, 29 Sep 2026 12:02:00 GMT', date: 'Tue, 29 Sep 2026 12:01:00 GMT' };
  expect(askedFor(headers, NOW + 3_600_000)).toBe(60_000);
  expect(askedFor({ ...headers, date: 'nonsense' }, NOW)).toBe(120_000);
});
