import { expect, test } from 'vitest';
import { owedToLists, planLists } from '../../src/core/plan-lists.ts';
import type { AccountState, ListState } from '../../src/core/snapshot.ts';
import { anAccount, NOW } from '../support/snapshots.ts';

const POLL = { now: NOW, pollIntervalMs: 30_000, staleAfterMs: 600_000, isListed: () => false };

interface Parts extends Partial<Omit<ListState, 'answeredAt' | 'failingSince'>> {
  /** Seconds ago. */
  readonly asked?: number | undefined;
  readonly failing?: number | undefined;
}

const ago = (seconds: number | undefined) => (seconds === undefined ? undefined : NOW - seconds * 1000);

/** One request every 30 s, unless the parts say so. */
function account(id: string, { asked, failing, ...list }: Parts = {}): AccountState {
  const base = anAccount({ id });
  const listedAt = asked === undefined ? new Map() : base.listedAt;
  return {
    ...base,
    listedAt,
    list: { ...base.list, answeredAt: ago(asked), failingSince: ago(failing), ...list },
  };
}

const ids = (accounts: readonly AccountState[], options: Partial<Parameters<typeof planLists>[1]> = {}) => {
  const { due, early } = planLists(accounts, { ...POLL, ...options });
  return { due: due.map(({ accountId }) => accountId), early: early.map(({ accountId }) => accountId) };
};

test('accounts that were never listed come first, then those with the highest age in intervals', () => {
  const accounts = [
    account('late', { asked: 60, intervalMs: 30_000 }),
    account('later', { asked: 90, intervalMs: 30_000 }),
    account('never'),
    account('slow', { asked: 110, intervalMs: 100_000 }),
  ];
  expect(ids(accounts).due).toEqual(['never', 'later', 'late', 'slow']);
});

test('an account whose list is nearly stale comes before those that were never listed', () => {
  const accounts = [
    account('never'),
    account('old', { asked: 299, intervalMs: 100_000 }),
    account('older', { asked: 300, intervalMs: 100_000 }),
    account('slow', { asked: 300, intervalMs: 250_000 }),
  ];
  expect(ids(accounts).due).toEqual(['older', 'never', 'old', 'slow']);
});

test('an interval equal to the poll interval is due at every poll, early or late', () => {
  expect(ids([account('a', { asked: 1, intervalMs: 30_000 })])).toEqual({ due: ['a'], early: [] });
});

test('a list whose interval has not passed is early', () => {
  expect(ids([account('a', { asked: 99, intervalMs: 100_000 })])).toEqual({ due: [], early: ['a'] });
  expect(ids([account('a', { asked: 100, intervalMs: 100_000 })])).toEqual({ due: ['a'], early: [] });
});

test('no account is listed twice in one poll', () => {
  expect(ids([account('a', { asked: 600 }), account('b')], { isListed: () => true })).toEqual({
    due: [],
    early: [],
  });
});

const dueAfter = (asked: number, failing: number) =>
  ids([account('a', { asked, failing, intervalMs: 600_000 })]).due;

test('a failed list is due again after as long as it has failed, at most its interval', () => {
  expect(dueAfter(30, 30)).toEqual(['a']);
  expect(dueAfter(30, 130)).toEqual([]);
  expect(dueAfter(100, 200)).toEqual(['a']);
  expect(dueAfter(599, 4_000)).toEqual([]);
  expect(dueAfter(600, 4_000)).toEqual(['a']);
});

test('a list that failed is due at once when its token is replaced', () => {
  const failing = account('a', { asked: 10, failing: 1_000, intervalMs: 600_000 });
  expect(ids([failing], { renewedAt: () => NOW - 11_000 }).due).toEqual([]);
  expect(ids([failing], { renewedAt: () => NOW - 9_000 }).due).toEqual(['a']);
});

test('an account is listed also after the clock was set back', () => {
  expect(ids([account('a', { asked: -3_600, intervalMs: 600_000 })]).due).toEqual(['a']);
});

/** Two requests per second. */
const OWED = { now: NOW, pollIntervalMs: 30_000, requestBudget: 600, limit: 75 };

test('all requests of a due list are reserved', () => {
  expect(
    owedToLists(
      [account('a', { asked: 30, requests: 6 }), account('b'), account('c', { asked: 3600 })],
      OWED,
    ),
  ).toBe(8);
});

test('of later lists, only what the budget does not gain until then is reserved', () => {
  // Two seconds before the first of them four requests come in, before the second six.
  expect(
    owedToLists([account('a', { asked: 28, requests: 6 }), account('b', { asked: 27, requests: 2 })], OWED),
  ).toBe(2);
  expect(owedToLists([account('a', { asked: 0, requests: 6 })], OWED)).toBe(0);
});

test('lists that exceed the gain of an interval are reserved from the start', () => {
  expect(owedToLists([account('a', { asked: 0, requests: 6 })], { ...OWED, requestBudget: 30 })).toBe(3);
});

test('the reserve is limited', () => {
  expect(owedToLists([account('a', { requests: 600 })], OWED)).toBe(75);
});

test('after the clock was set back, the next list is due in one interval', () => {
  expect(owedToLists([account('a', { asked: -3600, requests: 6 })], OWED)).toBe(0);
});

test('hundreds of lists spread over their interval need almost no reserve', () => {
  const accounts = Array.from({ length: 200 }, (_, index) =>
    account(`a${index}`, { asked: index, intervalMs: 200_000 }),
  );
  expect(owedToLists(accounts, OWED)).toBeLessThanOrEqual(1);
});
