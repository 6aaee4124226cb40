import { expect, test } from 'vitest';
import {
  accountChanges,
  type AccountList,
  afterList,
  assumed,
  discoveredAccounts,
  discoveryStatus,
  listedTwice,
  namesOf,
  NEVER_LISTED,
  shardOf,
} from '../../src/core/discovery.ts';
import type { Account, Failure, Result } from '../../src/core/model.ts';

const account = (id: string, name = id.toUpperCase()): Account => ({ id, name });
const [A, B, C] = [account('a'), account('b'), account('c')];
const FAILURE: Failure = { reason: 'server', message: 'answered 503' };
const WHOLE = { exclude: [], shard: { total: 1, index: 0 } };

const complete = (...value: readonly Account[]): Result<readonly Account[]> => ({ ok: true, value });
const failed: Result<never> = { ok: false, failure: FAILURE };

/** The lists one after the other, at 1, 2, 3, … */
function after(...results: readonly Result<readonly Account[]>[]): AccountList {
  return results.reduce((list, result, index) => afterList(list, result, index + 1), NEVER_LISTED);
}
const ids = (accounts: Iterable<Account>): readonly string[] => Array.from(accounts, ({ id }) => id);
const known = (list: AccountList): readonly string[] => ids(list.accounts.values());

test('the first complete list provides the accounts', () => {
  const list = afterList(NEVER_LISTED, complete(A, B), 7);
  expect(known(list)).toEqual(['a', 'b']);
  expect(list).toMatchObject({ listedAt: 7, failure: undefined });
});

test('a new account is added at once, after the known ones', () => {
  expect(known(after(complete(B), complete(A, B)))).toEqual(['b', 'a']);
});

test('an account is dropped after two complete lists without it', () => {
  const once = after(complete(A, B), complete(A));
  expect(known(once)).toEqual(['a', 'b']);
  expect(once.accounts.get('b')?.missed).toBe(1);
  expect(known(afterList(once, complete(A), 3))).toEqual(['a']);
});

test('a failed list changes no account', () => {
  const list = after(complete(A, B), complete(A), failed, failed, failed);
  expect(known(list)).toEqual(['a', 'b']);
  expect(list).toMatchObject({ failure: FAILURE, listedAt: 2 });
  expect(known(afterList(list, complete(A), 6))).toEqual(['a']);
});

test('an account that returns in between starts again', () => {
  expect(known(after(complete(A, B), complete(A), complete(A, B), complete(A)))).toEqual(['a', 'b']);
});

test('a name follows the list', () => {
  expect(after(complete(A, B), complete(account('a', 'Another'), B)).accounts.get('a')?.name).toBe('Another');
});

test('there are no accounts before the first complete list', () => {
  expect(after(failed)).toEqual({ ...NEVER_LISTED, failure: FAILURE });
});

test('assumed accounts stay until two lists do not contain them', () => {
  const before = assumed([A]);
  expect(before.listedAt).toBeUndefined();
  expect(known(afterList(before, failed, 1))).toEqual(['a']);
  const once = afterList(before, complete(B), 1);
  expect(known(once)).toEqual(['a', 'b']);
  expect(known(afterList(once, complete(B), 2))).toEqual(['b']);
});

/** Each account with the position of its token. */
const tokensOf = (...lists: readonly AccountList[]): readonly string[] =>
  discoveredAccounts(
    lists.map((list, token) => ({ token, list })),
    WHOLE,
  ).map(({ id, token }) => `${id} ${token}`);

test('an account that several tokens list is watched with the first', () => {
  const first = after(complete(A, B));
  const second = after(complete(C, B));
  expect(tokensOf(first, second)).toEqual(['a 0', 'b 0', 'c 1']);
  expect(ids(listedTwice([first, second]))).toEqual(['b']);
  // It goes over to the other token when it is dropped from the first.
  expect(tokensOf(after(complete(A, B), complete(A), complete(A)), second)).toEqual(['a 0', 'c 1', 'b 1']);
});

test('accounts are excluded and divided over shards', () => {
  const accounts = Array.from({ length: 40 }, (_, index) => account(`account-${index}`));
  const lists = [{ token: 't', list: after(complete(...accounts)) }];
  expect(ids(discoveredAccounts(lists, { ...WHOLE, exclude: ['account-3'] }))).toEqual(
    ids(accounts).filter((id) => id !== 'account-3'),
  );
  const shards = [0, 1, 2].map((index) =>
    ids(discoveredAccounts(lists, { exclude: [], shard: { total: 3, index } })),
  );
  expect(shards.flat().toSorted()).toEqual(ids(accounts).toSorted());
  for (const [index, shard] of shards.entries())
    expect(shard.every((id) => shardOf(id, 3) === index)).toBe(true);
});

test('changes are detected by id and name', () => {
  expect(accountChanges([A, B], [account('b', 'Beta'), C])).toEqual({
    taken: [C],
    dropped: [A],
    renamed: [account('b', 'Beta')],
  });
  expect(accountChanges([A, B], [B, A])).toEqual({ taken: [], dropped: [], renamed: [] });
});

test.each<[string, readonly AccountList[], ReturnType<typeof discoveryStatus>]>([
  [
    'no answer yet',
    [NEVER_LISTED],
    {
      success: undefined,
      lastSuccessAt: undefined,
      unknown: 'they are being listed for the first time',
    },
  ],
  ['a failure', [after(failed)], { success: false, lastSuccessAt: undefined, unknown: 'answered 503' }],
  ['a success', [after(failed, complete(A))], { success: true, lastSuccessAt: 2, unknown: undefined }],
  ['a failure later', [after(complete(A), failed)], { success: false, lastSuccessAt: 1, unknown: undefined }],
  [
    'two tokens',
    [after(failed, failed, complete(A)), after(complete(B))],
    { success: true, lastSuccessAt: 1, unknown: undefined },
  ],
  [
    'a token that fails beside a good one',
    [after(complete(A)), after(failed)],
    { success: false, lastSuccessAt: undefined, unknown: undefined },
  ],
  ['assumed accounts', [assumed([A])], { success: undefined, lastSuccessAt: undefined, unknown: undefined }],
])('%s is the status of all tokens', (_, lists, status) => {
  expect(discoveryStatus(lists)).toEqual(status);
});

test('the list of names has a maximum length', () => {
  const accounts = Array.from({ length: 200 }, (_, index) => ({
    id: String(index).padStart(32, '0'),
    name: 'x'.repeat(5000),
  }));
  expect(namesOf(accounts)).toMatch(/ and 190 more$/);
  expect(namesOf(accounts).length).toBeLessThan(1500);
  expect(
    namesOf([
      { id: 'a', name: '' },
      { id: 'b', name: 'Beta' },
    ]),
  ).toBe('a, Beta (b)');
});
