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

test('accounts that were never listed come first, then those that are late by the most intervals', () => {
  const accounts = [
    account('late', { asked: 60, intervalMs: 30_000 }),
    account('later', { asked: 90, intervalMs: 30_000 }),
    account('never'),
    account('slow', { asked: 110, intervalMs: 100_000 }),
  ];
  expect(ids(accounts).due).toEqual(['never', 'later', 'late', 'slow']);
});

test('an account whose tunnels would vanish comes before those that were never listed', () => {
  const accounts = [
    account('never'),
    account('old', { asked: 299, intervalMs: 100_000 }),
    account('older', { asked: 300, intervalMs: 100_000 }),
    account('slow', { asked: 300, intervalMs: 250_000 }),
  ];
  expect(ids(accounts).due).toEqual(['older', 'never', 'old', 'slow']);
});

test('at the pace of the schedule a list is due at every tick, however early or late the tick is', () => {
  expect(ids([account('a', { asked: 1, intervalMs: 30_000 })])).toEqual({ due: ['a'], early: [] });
});

test('a list whose interval has not passed is early', () => {
  expect(ids([account('a', { asked: 99, intervalMs: 100_000 })])).toEqual({ due: [], early: ['a'] });
  expect(ids([account('a', { asked: 100, intervalMs: 100_000 })])).toEqual({ due: ['a'], early: [] });
});

test('no account is listed twice between two ticks', () => {
  expect(ids([account('a', { asked: 600 }), account('b')], { isListed: () => true })).toEqual({
    due: [],
    early: [],
  });
});

const dueAfter = (asked: number, failing: number) =>
  ids([account('a', { asked, failing, intervalMs: 600_000 })]).due;

test('a list that fails is due again after as long as it has failed, and within its interval', () => {
  expect(dueAfter(30, 30)).toEqual(['a']);
  expect(dueAfter(30, 130)).toEqual([]);
  expect(dueAfter(100, 200)).toEqual(['a']);
  expect(dueAfter(599, 4_000)).toEqual([]);
  expect(dueAfter(600, 4_000)).toEqual(['a']);
});

test('a list that failed with a token that was replaced since is due at once', () => {
  const failing = account('a', { asked: 10, failing: 1_000, intervalMs: 600_000 });
  expect(ids([failing], { renewedAt: () => NOW - 11_000 }).due).toEqual([]);
  expect(ids([failing], { renewedAt: () => NOW - 9_000 }).due).toEqual(['a']);
});

test('a clock that was set back does not keep an account from being listed', () => {
  expect(ids([account('a', { asked: -3_600, intervalMs: 600_000 })]).due).toEqual(['a']);
});

/** Two requests per second. */
const OWED = { now: NOW, pollIntervalMs: 30_000, requestBudget: 600, limit: 75 };

test('a list that is due is owed all its requests', () => {
  expect(
    owedToLists(
      [account('a', { asked: 30, requests: 6 }), account('b'), account('c', { asked: 3600 })],
      OWED,
    ),
  ).toBe(8);
});

test('of the next lists, what the budget does not gain until then is owed', () => {
  // Two seconds before the first of them four requests come in, before the second six.
  expect(
    owedToLists([account('a', { asked: 28, requests: 6 }), account('b', { asked: 27, requests: 2 })], OWED),
  ).toBe(2);
  expect(owedToLists([account('a', { asked: 0, requests: 6 })], OWED)).toBe(0);
});

test('lists larger than what an interval gains are owed from the start', () => {
  expect(owedToLists([account('a', { asked: 0, requests: 6 })], { ...OWED, requestBudget: 30 })).toBe(3);
});

test('what is owed has a limit', () => {
  expect(owedToLists([account('a', { requests: 600 })], OWED)).toBe(75);
});

test('after a clock was set back, the next list is an interval away', () => {
  expect(owedToLists([account('a', { asked: -3600, requests: 6 })], OWED)).toBe(0);
});

test('hundreds of lists that are spread over their interval are owed next to nothing', () => {
  const accounts = Array.from({ length: 200 }, (_, index) =>
    account(`a${index}`, { asked: index, intervalMs: 200_000 }),
  );
  expect(owedToLists(accounts, OWED)).toBeLessThanOrEqual(1);
});
