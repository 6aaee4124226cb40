import { expect, test } from 'vitest';
import { createInterner } from '../../src/cloudflare/intern.ts';

test('equal lists are one, and lists that only look alike when joined are not', () => {
  const shared = createInterner();
  const first = shared.texts(['a', 'b']);
  expect(shared.texts(['a', 'b'])).toBe(first);
  expect(shared.texts(['a,b'])).toEqual(['a,b']);
  expect(shared.texts([])).toEqual([]);
});

test('texts stay what they are, beyond any number of them', () => {
  const shared = createInterner();
  for (let index = 0; index < 10_000; index += 1)
    expect(shared.text(`10.0.0.${index}`)).toBe(`10.0.0.${index}`);
  expect(shared.text(undefined)).toBeUndefined();
  const first = shared.texts(['kept']);
  for (let index = 0; index < 10_000; index += 1) shared.texts([`${index}`]);
  expect(shared.texts(['kept'])).not.toBe(first);
});
