import { expect, test } from 'vitest';
import { readiness, type ReadinessOptions } from '../../src/commands/run.ts';
import { emptyAccount, type Snapshot } from '../../src/core/snapshot.ts';
import { anAccount, aSnapshot } from '../support/snapshots.ts';

const listed = anAccount({ id: 'listed' });
const never = emptyAccount({ id: 'never', name: '' });
const failed = { ...never, id: 'failed', list: { ...never.list, answeredAt: 0, failingSince: 0 } };

const isReady = (snapshot: Snapshot, options: Partial<ReadinessOptions> = {}): boolean =>
  readiness(snapshot, { sinceStartMs: 6_000, hasPolled: true, ...options }).ready;

test('ready when every account was listed or has failed once and one has fresh data', () => {
  expect(isReady(aSnapshot(listed, failed))).toBe(true);
  expect(isReady(aSnapshot(failed))).toBe(false);
});

test('waits at most 30 s for accounts that were not listed yet', () => {
  expect(isReady(aSnapshot(listed, never), { sinceStartMs: 29_999 })).toBe(false);
  expect(isReady(aSnapshot(listed, never), { sinceStartMs: 30_000 })).toBe(true);
  expect(isReady(aSnapshot(never), { sinceStartMs: 30_000 })).toBe(false);
});

test('waits at most five seconds for the details of the first poll', () => {
  expect(isReady(aSnapshot(listed), { hasPolled: false, sinceStartMs: 4_999 })).toBe(false);
  expect(isReady(aSnapshot(listed), { hasPolled: false, sinceStartMs: 5_000 })).toBe(true);
  expect(isReady(aSnapshot(listed), { hasPolled: true, sinceStartMs: 0 })).toBe(true);
});

test('a shard without accounts is ready after its first poll', () => {
  expect(isReady(aSnapshot())).toBe(true);
});

test('the reason says how many accounts were listed', () => {
  expect(readiness(aSnapshot(listed, never), { sinceStartMs: 0, hasPolled: false }).reason).toBe(
    'the first poll has listed 1 of 2 accounts',
  );
});
