import { globSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';

/** Phrases that CONTRIBUTING.md, "Style", replaces. Each is wrong wherever it occurs. */
const PHRASES: readonly (readonly [RegExp, string])[] = [
  [/\bmend(?:s|ed|ing)?\b/i, 'fix'],
  [/\b(?:tells?|told) of\b/i, 'reports'],
  [/\bbe it\b/i, 'whether'],
  [/\b(?:after|at most|by|newest|of) so many\b|\bso many at\b/i, 'this many'],
  [/\bwhoever\b/i, 'anyone who, or the role'],
  [/\bwhat of (?:it|them)\b/i, 'which of them'],
  [/\bwhere (?:there (?:is|are)|none is) /i, 'if there is'],
  [/\bcan ?not be had\b/i, 'cannot'],
  [/\bfor want of\b/i, 'because … is spent, or missing'],
  [/\b(?:shall|whence|lest|whilst|thereof|nought)\b/i, 'plain English'],
];

/** CONTRIBUTING.md is left out, because it has examples of what to avoid. */
const FILES = globSync([
  'README.md',
  '.github/**/*.md',
  'docs/**/*.md',
  'deploy/**/*.{md,ts,yaml,yml,service}',
  'grafana/src/**/*.ts',
  'src/**/*.{ts,md}',
  'test/**/*.ts',
]).filter((file) => !file.startsWith('test/style/'));

test('there are files', () => {
  expect(FILES.length).toBeGreaterThan(200);
});

test.each(PHRASES)('%s is not used: write "%s"', (phrase) => {
  const found = FILES.flatMap((file) =>
    readFileSync(file, 'utf8')
      .split('\n')
      .flatMap((line, index) => (phrase.test(line) ? [`${file}:${index + 1}: ${line.trim()}`] : [])),
  );
  expect(found).toEqual([]);
});
