import { expect, test } from 'vitest';
import { listRequestsOf, pagesOf } from '../../src/core/lists.ts';
import { advance } from '../../src/core/advance.ts';
import { emptyAccount, emptySnapshot } from '../../src/core/snapshot.ts';

test('a list has a page for each thousand tunnels, and one at least', () => {
  expect([0, 1, 1000, 1001, 5400].map(pagesOf)).toEqual([1, 1, 1, 2, 6]);
});

test('a list is expected to take as many requests as the last complete one, however many tunnels are selected', () => {
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
