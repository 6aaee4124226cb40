import { array, assert, integer, property } from 'fast-check';
import { expect, test } from 'vitest';
import { selectFirst } from '../../src/core/select-first.ts';

interface Item {
  readonly key: number;
  readonly position: number;
}

function byKey(a: Item, b: Item): number {
  return a.key - b.key;
}

test('selects what sorting would put first, and leaves equals in their order', () => {
  assert(
    property(array(integer({ min: 0, max: 20 })), integer({ min: -1, max: 120 }), (keys, count) => {
      const items = keys.map((key, position): Item => ({ key, position }));
      expect(selectFirst(items, count, byKey)).toEqual(items.toSorted(byKey).slice(0, Math.max(0, count)));
    }),
  );
});

test('takes what can be gone through once only', () => {
  expect(selectFirst([3, 1, 2].values(), 2, (a, b) => a - b)).toEqual([1, 2]);
});
