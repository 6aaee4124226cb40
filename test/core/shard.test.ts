import { createHash } from 'node:crypto';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { isOfShard, shardOf } from '../../src/core/discovery.ts';

const ACCOUNTS = Array.from({ length: 4_000 }, (_, index) =>
  createHash('md5').update(String(index)).digest('hex'),
);

test('shards are disjoint and complete', () => {
  fc.assert(
    fc.property(fc.string(), fc.integer({ min: 1, max: 40 }), (account, total) => {
      const owners = Array.from({ length: total }, (_, index) => index).filter((index) =>
        isOfShard(account, { total, index }),
      );
      expect(owners).toEqual([shardOf(account, total)]);
    }),
  );
});

test.each([2, 3, 5, 16])(
  'each of %i shards has its fair share, be the ids like each other or not',
  (total) => {
    const alike = Array.from({ length: 4_000 }, (_, index) => index.toString(16).padStart(32, '0'));
    for (const accounts of [ACCOUNTS, alike]) {
      for (const group of Map.groupBy(accounts, (account) => shardOf(account, total)).values()) {
        expect(Math.abs(group.length / accounts.length - 1 / total)).toBeLessThan(0.03);
      }
    }
  },
);

test.each([1, 2, 3, 7, 15])(
  'a shard more than %i takes about its fair share, and nothing moves between the others',
  (total) => {
    const moved = ACCOUNTS.filter((account) => shardOf(account, total) !== shardOf(account, total + 1));
    expect(moved.filter((account) => shardOf(account, total + 1) !== total)).toEqual([]);
    expect(Math.abs(moved.length / ACCOUNTS.length - 1 / (total + 1))).toBeLessThan(0.03);
  },
);

test('the shard of an account does not change between versions', () => {
  expect([0, 1, 2, 3].map((index) => shardOf(index.toString(16).padStart(32, '0'), 5))).toEqual([2, 4, 1, 1]);
});
