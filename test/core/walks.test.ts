import { expect, test } from 'vitest';
import { owedToWalks, pagesOf } from '../../src/core/walks.ts';
import type { AccountState } from '../../src/core/snapshot.ts';
import { anAccount, aTunnel, NOW } from '../support/snapshots.ts';

/** Two requests per second. */
const OPTIONS = { now: NOW, pollIntervalMs: 30_000, requestBudget: 600 };

function listed(tunnels: number, secondsAgo?: number): AccountState {
  const states = Array.from({ length: tunnels }, (_, index) => aTunnel({ id: `tunnel-${index}` }));
  return {
    ...anAccount({ tunnels: states }),
    listedAt: new Map(secondsAgo === undefined ? [] : [['cfd_tunnel', NOW - secondsAgo * 1000]]),
  };
}

test('a list has a page for each thousand tunnels, and one at least', () => {
  expect([0, 1, 1000, 1001, 5400].map(pagesOf)).toEqual([1, 1, 1, 2, 6]);
});

test('a walk that is due, or was never made, is owed all its pages', () => {
  expect(owedToWalks([listed(5400, 30), listed(0), listed(10, 3600)], OPTIONS)).toBe(6 + 1 + 1);
});

test('of the next walks, what the budget does not gain until then is owed', () => {
  const accounts = [listed(5400, 28), listed(1001, 27)];
  // Two seconds before the first of them: four requests come in until then.
  expect(owedToWalks(accounts, OPTIONS)).toBe(8 - 4);
  expect(owedToWalks([listed(5400, 0)], OPTIONS)).toBe(0);
});

test('lists larger than what an interval gains are owed from the start', () => {
  expect(owedToWalks([listed(5400, 0)], { ...OPTIONS, requestBudget: 30 })).toBe(6 - 3);
});

test('after a clock has been set back, the next walk is an interval away', () => {
  expect(owedToWalks([listed(5400, -3600)], OPTIONS)).toBe(0);
});

test('the newest list counts where there is one per type', () => {
  const account = listed(5400);
  const listedAt = new Map([
    ['cfd_tunnel' as const, NOW],
    ['warp_connector' as const, NOW - 3_600_000],
  ]);
  expect(owedToWalks([{ ...account, listedAt }], OPTIONS)).toBe(0);
});
