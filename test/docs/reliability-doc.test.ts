import { existsSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';

const text = readFileSync('docs/reliability.md', 'utf8');

/** The last cell of a row: the test's title as a link to its file. */
const TEST_CELL = /^\| .* \| \[(.+)\]\(\.\.\/(test\/[^)]+)\) \|$/;

const rows = text
  .slice(text.indexOf('## Faults'))
  .split('\n')
  .filter((line) => line.startsWith('| ') && !line.startsWith('| fault '));

test('the table of faults has rows', () => {
  expect(rows.length).toBeGreaterThan(30);
});

test.each(rows)('its test is there: %s', (row) => {
  const [, title = '', path = ''] = TEST_CELL.exec(row) ?? [];
  expect(existsSync(path), `there is no ${path}`).toBe(true);
  expect(titlesIn(readFileSync(path, 'utf8')), `${path} has no such test`).toContain(title);
});

test('every fault that is tested has a row', () => {
  const documented = rows.map((row) => TEST_CELL.exec(row)?.[1]);
  const tested = ['lists', 'details', 'refusals', 'wire'].flatMap((name) =>
    titlesIn(readFileSync(`test/faults/${name}.test.ts`, 'utf8')),
  );
  expect(tested.filter((title) => !documented.includes(title))).toEqual([]);
});

/**
 * Titles of tests, also those in a table of cases: `test('…'`, `['…',` at the start of a line, or
 * `name: '…'`. A title has a space, which the names of tunnels in these tests have not.
 */
function titlesIn(source: string): readonly string[] {
  const titles =
    /(?:test\(|test\.skipIf\([^)]*\)\(|name: |^\s*\[)\s*(?:'((?:[^'\\]|\\.)*)'|"([^"]*)"|`([^$`]*))/gm;
  return [...source.matchAll(titles)]
    .map(([, single, double, template]) => single ?? double ?? template ?? '')
    .filter((title) => title.includes(' '));
}
