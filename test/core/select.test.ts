import { expect, test } from 'vitest';
import { isSelected, type Selection } from '../../src/core/select.ts';
import { aListed } from '../support/core-builders.ts';

const ALL: Selection = { include: [], exclude: [], ids: [] };
const selected = (name: string, selection: Partial<Selection>) =>
  isSelected(aListed(name, { id: `id-of-${name}` }), { ...ALL, ...selection });

test('every tunnel is selected by default', () => {
  expect(selected('web', {})).toBe(true);
});

test('a name must match one of the included expressions, anywhere in it', () => {
  const include = [/^prod-/, /shop/];
  expect(selected('prod-web', { include })).toBe(true);
  expect(selected('my-shop-2', { include })).toBe(true);
  expect(selected('web-prod-', { include })).toBe(false);
});

test('excluded names are not selected, included or not', () => {
  expect(selected('prod-test', { include: [/^prod-/], exclude: [/test/] })).toBe(false);
  expect(selected('prod-web', { include: [/^prod-/], exclude: [/test/] })).toBe(true);
});

test('only the given ids are selected, and names must still match', () => {
  const ids = ['id-of-web', 'id-of-api'];
  expect(selected('web', { ids })).toBe(true);
  expect(selected('shop', { ids })).toBe(false);
  expect(selected('api', { ids, exclude: [/api/] })).toBe(false);
});
