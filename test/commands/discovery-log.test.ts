import { expect, test } from 'vitest';
import { createDiscoveryLog, type Listed } from '../../src/commands/discovery-log.ts';
import { afterList, NEVER_LISTED } from '../../src/core/discovery.ts';
import type { Account } from '../../src/core/model.ts';
import { aConfig } from '../support/config.ts';

const A: Account = { id: 'a', name: 'Acme' };
const B: Account = { id: 'b', name: 'Beta' };
const token = { kind: 'value', value: 'token-of-a-test' } as const;
const listOf = (...value: readonly Account[]) => afterList(NEVER_LISTED, { ok: true, value }, 1);

/** The log of consecutive lists. */
function logged(
  lists: readonly Partial<Listed & { readonly watched: readonly Account[] }>[],
  { isRunning = true, config = {} }: { readonly isRunning?: boolean; readonly config?: object } = {},
): readonly string[] {
  const lines: string[] = [];
  const write =
    (level: string) =>
    (...entry: readonly unknown[]): void =>
      void lines.push(`${level}: ${String(entry.at(-1))}`);
  const log = createDiscoveryLog({
    log: { debug: write('debug'), info: write('info'), warn: write('warn') },
    isRunning: () => isRunning,
  });
  for (const { watched = [A], before = watched, lists: each = [listOf(...watched)] } of lists) {
    const accounts = watched.map((account) => ({ ...account, token }));
    log.listed({ ...aConfig({ accounts }), ...config }, { before, lists: each });
  }
  return lines;
}

test('only changes are logged', () => {
  expect(
    logged([{ before: [] }, {}, { watched: [{ ...A, name: 'Other' }, B], before: [A] }, { before: [A, B] }]),
  ).toEqual([
    'info: 1 account added: Acme (a)',
    'info: 1 account added: Beta (b)',
    'info: 1 account renamed: Other (a)',
    'warn: 1 account removed, because two complete lists lack it: Beta (b)',
  ]);
});

test('a single poll logs changes at debug level', () => {
  expect(logged([{ before: [] }], { isRunning: false })).toEqual(['debug: 1 account added: Acme (a)']);
});

test('problems are logged once', () => {
  const twice = { lists: [listOf(A, B), listOf(B)] };
  expect(logged([twice, twice])).toEqual([
    'info: listed by several tokens, watched with the first of them: Beta (b)',
  ]);
  const none = { watched: [], lists: [listOf(A, B)] };
  expect(logged([none, none])).toEqual(['warn: every account found is excluded (2): nothing is watched']);
  expect(logged([none, none], { config: { shard: { total: 3, index: 1 } } })).toEqual([
    'warn: shard 1 of 3 has none of the 2 accounts found, and watches nothing',
  ]);
});

test('an expected tunnel in an account that no token can list is logged when all lists are complete', () => {
  const config = {
    expectedTunnels: [
      { accountId: 'gone', tunnel: 'web', minConnectors: undefined },
      { accountId: 'a', tunnel: 'api', minConnectors: undefined },
      { accountId: undefined, tunnel: 'anywhere', minConnectors: undefined },
    ],
  };
  expect(logged([{ lists: [listOf(A), NEVER_LISTED] }, {}, {}], { config })).toEqual([
    'warn: the expected tunnel web is in account gone, which no token can list',
  ]);
});
