import * as fc from 'fast-check';
import { isDeepStrictEqual } from 'node:util';
import { expect, test } from 'vitest';
import { isEqual } from '../../src/core/equal.ts';

test('JSON values are equal if node:util says so', () => {
  const value = fc.jsonValue({ maxDepth: 3 });
  fc.assert(
    fc.property(value, value, (a, b) => {
      // JSON has no -0: it is equal to 0 here.
      const [one, other] = [JSON.parse(JSON.stringify(a)), JSON.parse(JSON.stringify(b))] as [
        unknown,
        unknown,
      ];
      expect(isEqual(one, structuredClone(one))).toBe(true);
      expect(isEqual(one, other)).toBe(isDeepStrictEqual(one, other));
    }),
  );
});

test.each([
  [{ a: 1, b: undefined }, { a: 1 }, true],
  [{ a: 1 }, { a: 1, b: undefined }, true],
  [{ a: 1 }, { a: 1, b: null }, false],
  [{ a: undefined }, { b: undefined }, true],
  [[undefined], [], false],
  [[], {}, false],
  [null, undefined, false],
  [{ test: () => 1, source: 'a' }, { test: () => 2, source: 'a' }, true],
  [{ test: () => 1, source: 'a' }, { test: () => 1, source: 'b' }, false],
])('%j and %j: %s', (a, b, expected) => {
  expect(isEqual(a, b)).toBe(expected);
  expect(isEqual(b, a)).toBe(expected);
});
