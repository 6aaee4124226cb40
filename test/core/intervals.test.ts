import { expect, test } from 'vitest';
import { listIntervals, listRate, listRequestsOf, pagesOf, refreshAge } from '../../src/core/intervals.ts';
import { type AccountState, emptyAccount, emptySnapshot, type ListState } from '../../src/core/snapshot.ts';
import { anAccount, aTunnel, NOW, type TunnelParts } from '../support/snapshots.ts';
import { advance } from '../../src/core/advance.ts';

/** Half of the budget is one request per second. */
const OPTIONS = { now: NOW, pollIntervalMs: 30_000, requestBudget: 600 };

function account(
  id: string,
  { tunnels = 1, list, tunnel }: { tunnels?: number; list?: Partial<ListState>; tunnel?: TunnelParts } = {},
): AccountState {
  const base = anAccount({
    id,
    tunnels: Array.from({ length: tunnels }, (_, index) => aTunnel({ id: `${id}-${index}`, ...tunnel })),
  });
  return { ...base, list: { ...base.list, ...list } };
}

const accounts = (count: number, of = (index: number): AccountState => account(`a${index}`)) =>
  Array.from({ length: count }, (_, index) => of(index));

const intervals = (fleet: readonly AccountState[]): readonly number[] => [
  ...listIntervals(fleet, OPTIONS).values(),
];

/** Requests per second that lists at these intervals take. */
const rateOf = (fleet: readonly AccountState[]): number => {
  const planned = listIntervals(fleet, OPTIONS);
  const withIntervals = fleet.map((each) => ({
    ...each,
    list: { ...each.list, intervalMs: planned.get(each.id) },
  }));
  return 1000 * listRate(withIntervals, OPTIONS.pollIntervalMs);
};

test('lists that need at most half of the budget are requested at every poll', () => {
  expect(intervals(accounts(30))).toEqual(Array(30).fill(30_000));
});

test('equal accounts have equal intervals within half of the budget', () => {
  const fleet = accounts(200);
  expect(Math.min(...intervals(fleet))).toBeCloseTo(200_000, -2);
  expect(Math.max(...intervals(fleet))).toBeCloseTo(200_000, -2);
});

test.each([31, 60, 200, 1000])(
  '%d accounts of all sizes take half of the budget, within 1.6 fair shares',
  (count) => {
    const fleet = accounts(count, (index) =>
      account(`a${index}`, {
        tunnels: index % 40,
        list: {
          requests: 1 + (index % 3),
          churn: { changes: index % 7, observedMs: 3_600_000 },
          failingSince: index % 11 === 0 ? NOW - 60_000 : undefined,
        },
      }),
    );
    expect(rateOf(fleet)).toBeCloseTo(1, 2);
    const fairMs = 1000 * fleet.reduce((sum, { list }) => sum + (list.requests ?? 1), 0);
    expect(Math.max(...intervals(fleet))).toBeLessThanOrEqual(1.6 * fairMs + 1);
    expect(Math.min(...intervals(fleet))).toBeGreaterThanOrEqual(30_000);
  },
);

test('accounts with more tunnels per request, more changes or trouble are listed more often', () => {
  const usual = { changes: 1, observedMs: 3_600_000 };
  const fleet = [
    ...accounts(100, (index) => account(`usual${index}`, { tunnels: 2, list: { churn: usual } })),
    account('large', { tunnels: 20, list: { churn: usual } }),
    account('restless', { tunnels: 2, list: { churn: { ...usual, changes: 20 } } }),
    account('degraded', { tunnels: 2, list: { churn: usual }, tunnel: { status: 'degraded' } }),
    account('pages', { tunnels: 2, list: { churn: usual, requests: 3 } }),
    account('empty', { tunnels: 0, list: { churn: usual } }),
  ];
  const planned = listIntervals(fleet, OPTIONS);
  const usualMs = planned.get('usual0') ?? 0;
  for (const id of ['large', 'restless', 'degraded']) expect(planned.get(id)).toBeLessThan(0.7 * usualMs);
  for (const id of ['pages', 'empty']) expect(planned.get(id)).toBeGreaterThan(1.3 * usualMs);
});

test('without accounts there are no intervals', () => {
  expect(intervals([])).toEqual([]);
});

test('a list has one page per thousand tunnels, and at least one', () => {
  expect([0, 1, 1000, 1001, 5400].map(pagesOf)).toEqual([1, 1, 1, 2, 6]);
});

test('a list is expected to take as many requests as the last complete one, whatever is selected', () => {
  expect(listRequestsOf(emptyAccount({ id: 'acc', name: '' }))).toBe(1);
  const snapshot = advance(
    emptySnapshot([{ id: 'acc', name: '' }], 0),
    [
      {
        kind: 'tunnels',
        accountId: 'acc',
        types: ['cfd_tunnel'],
        at: 0,
        requests: 3,
        result: { ok: true, value: [] },
      },
      {
        kind: 'tunnels',
        accountId: 'acc',
        types: ['warp_connector'],
        at: 0,
        requests: 1,
        result: { ok: true, value: [] },
      },
    ],
    { now: 0, staleAfterMs: 1000 },
  );
  expect([...snapshot.accounts.values()].map(listRequestsOf)).toEqual([4]);
});

const FLEET = { serving: 10, listsPerMs: 1 / 30_000, pollIntervalMs: 30_000, requestBudget: 600 };

test('a small fleet is observed in every poll', () => {
  expect(refreshAge(FLEET)).toBe(30_000);
  expect(refreshAge({ ...FLEET, serving: 0 })).toBe(30_000);
});

test('a fleet larger than the budget shares what the lists leave', () => {
  // 600 requests in five minutes, 10 of them for lists: 590 tunnels in five minutes.
  expect(refreshAge({ ...FLEET, serving: 590 })).toBeCloseTo(300_000);
  expect(refreshAge({ ...FLEET, serving: 1180 })).toBeCloseTo(600_000);
});

test('the interval is infinite if lists use the whole budget', () => {
  expect(refreshAge({ ...FLEET, requestBudget: 10 })).toBe(Infinity);
  expect(refreshAge({ ...FLEET, requestBudget: 5 })).toBe(Infinity);
});
