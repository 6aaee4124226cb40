import { expect, test } from 'vitest';
import { createRandom } from '../../src/simulator/random.ts';

function drawn(seed: number): readonly number[] {
  return Array.from({ length: 5 }, createRandom(seed).next);
}

test('a seed always gives the same values, and a fork its own', () => {
  expect(drawn(1)).toEqual(drawn(1));
  expect(drawn(1)).not.toEqual(drawn(2));
  const random = createRandom(1);
  const fork = random.fork('life');
  expect(fork.next()).toBe(createRandom(1).fork('life').next());
  expect(fork.next()).not.toBe(createRandom(1).fork('sample').next());
  expect(random.next()).toBe(createRandom(1).next());
});

test('integers include both ends and are evenly distributed', () => {
  const random = createRandom(3);
  const counts = new Map<number, number>();
  for (let draw = 0; draw < 6000; draw += 1) {
    const value = random.integer(1, 6);
    counts.set(value, (counts.get(value) ?? 0) + 1);
  }
  expect(new Set(counts.keys())).toEqual(new Set([1, 2, 3, 4, 5, 6]));
  for (const count of counts.values()) expect(Math.abs(count - 1000)).toBeLessThan(150);
});

test('uuids are version 4 and do not repeat', () => {
  const random = createRandom(4);
  const ids = Array.from({ length: 20_000 }, random.uuid);
  expect(new Set(ids).size).toBe(ids.length);
  expect(
    ids.filter((id) => !/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/.test(id)),
  ).toEqual([]);
});

test('a shuffle keeps every item and produces every order', () => {
  const random = createRandom(5);
  const orders = new Set(Array.from({ length: 500 }, () => random.shuffle(['a', 'b', 'c']).join('')));
  expect([...orders].toSorted()).toEqual(['abc', 'acb', 'bac', 'bca', 'cab', 'cba']);
});

test('picking from an empty list throws', () => {
  expect(() => createRandom(1).pick([])).toThrow('Cannot pick: the list is empty');
});
