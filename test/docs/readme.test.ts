import { existsSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { ALL_SETTINGS } from '../../src/config/settings.ts';

const readme = readFileSync('README.md', 'utf8');

/** What the README's table of settings should hold, from the one table that the code reads. */
function settingsTable(): string {
  const rows = ALL_SETTINGS.map((setting) => {
    const name = setting.allowed === 'environment' ? '(never a flag)' : `\`--${setting.flag}\``;
    const others = setting.variables
      .slice(setting.allowed === 'environment' ? 0 : 1)
      .map((variable) => `\`${variable}\``);
    const fallback = setting.shownDefault === '' ? '' : `\`${setting.shownDefault}\``;
    return `| ${name} | ${others.join(', ')} | ${fallback} | ${setting.help.replaceAll('|', '\\|')} |`;
  });
  return ['| flag | second variable | default | |', '|---|---|---|---|', ...rows].join('\n');
}

test('the README holds the table of settings as the code has it', () => {
  const table = /^\| flag \| second variable .*\n(?:\|.*\n)+/m.exec(readme)?.[0].trimEnd();
  expect(table, 'replace the table in README.md by the expected one').toBe(settingsTable());
});

test.each([...readme.matchAll(/\]\((?!https?:)([^)#]+)\)/g)].map(([, path]) => path ?? ''))(
  'the README links to %s, which is there',
  (path) => {
    expect(existsSync(path)).toBe(true);
  },
);
