import type { Random } from '../../src/simulator/index.ts';
import { HOSTILE_NAMES } from '../exposition/hostile.ts';

const NUMBERS = [0, -0, -1, 1, 0.1, 1e21, -1e308, 2 ** 31, 2 ** 53, Number.MAX_VALUE, 971.5] as const;
const TIMES = [
  '0001-01-01T00:00:00Z',
  '9999-12-31T23:59:59.999999999Z',
  '2026-02-30T25:61:61Z',
  '-000001-01-01T00:00:00Z',
] as const;

const LONE_SURROGATES = ['\ud800', '\udbff', '\udc00', '\udfff'] as const;

/** A value of any shape, as it might occur anywhere in an answer. */
export function anyValue(random: Random): unknown {
  switch (random.integer(0, 9)) {
    case 0:
      return null;
    case 1:
      return random.next() < 0.5;
    case 2:
      return random.pick(NUMBERS);
    case 3:
      return random.pick(TIMES);
    case 4:
      return String.fromCharCode(
        ...Array.from({ length: random.integer(1, 6) }, () => random.integer(0, 65_535)),
      );
    case 5:
      return 'x'.repeat(10 ** random.integer(0, 5));
    case 6:
      return Array.from({ length: random.integer(0, 3) }, () => anyValue(random));
    case 7:
      return { [random.pick(HOSTILE_NAMES)]: anyValue(random) };
    case 8:
      return nested(random.pick([2, 100, 3_000]));
    default:
      return random.pick(HOSTILE_NAMES);
  }
}

function nested(depth: number): unknown {
  let value: unknown = [];
  for (let level = 0; level < depth; level += 1) value = level % 2 === 0 ? [value] : { error_chain: value };
  return value;
}

/** The same JSON with some values replaced, removed, repeated or swapped. */
export function mutateJson(random: Random, value: unknown): unknown {
  const share = random.pick([0.02, 0.1, 0.3]);
  const change = (part: unknown): unknown => {
    if (random.next() < share) return anyValue(random);
    if (Array.isArray(part)) {
      const items = part.flatMap((item: unknown) =>
        random.next() < share ? repeated(item).map(change) : [change(item)],
      );
      return random.next() < share ? random.shuffle(items) : items;
    }
    // Texts that differ only in lone surrogates are the same text on the page.
    if (typeof part === 'string' && random.next() < share) return part + random.pick(LONE_SURROGATES);
    if (typeof part !== 'object' || part === null) return part;
    const entries: readonly (readonly [string, unknown])[] = Object.entries(part);
    return Object.fromEntries(
      entries.filter(() => random.next() >= share / 2).map(([key, item]) => [key, change(item)]),
    );
  };
  const repeated = (item: unknown): readonly unknown[] =>
    Array.from({ length: random.integer(0, 3) }, () => item);
  return change(value);
}

const PIECES = [
  '\0',
  '\n',
  '\t',
  ': ',
  '- ',
  '{',
  '}',
  '[',
  ']',
  '"',
  '\\ud800',
  '\\u0000',
  '*a',
  '&a ',
  '!!js/function ',
  '---\n',
  '<<: ',
  '\ud800',
  '\u2028',
  'é',
  '😀',
  '0'.repeat(400),
  '[['.repeat(1_000),
  '{"a":'.repeat(1_000),
] as const;

/** The same text with some characters lost, repeated, replaced or added. */
export function mutateText(random: Random, text: string): string {
  let changed = text;
  for (let times = random.integer(1, 6); times > 0; times -= 1) {
    const from = random.integer(0, changed.length);
    const to = Math.min(changed.length, from + random.integer(0, random.pick([1, 8, 200])));
    const middle = random.pick([
      '',
      random.pick(PIECES),
      changed.slice(from, to).repeat(2) || ' ',
      String.fromCharCode(random.integer(0, 65_535)),
    ]);
    changed = changed.slice(0, from) + middle + changed.slice(to);
  }
  return changed;
}
