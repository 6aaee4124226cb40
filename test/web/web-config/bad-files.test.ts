import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { readWebConfig } from '../../../src/web/web-config.ts';

/** The name of each file says what is wrong with it. Its first comment lines are the expected problems. */
const FOLDER = 'test/fixtures/config/web-config';

test.each(readdirSync(FOLDER))('%s is refused with the lines at its top', (file) => {
  const text = readFileSync(join(FOLDER, file), 'utf8');
  const [header = ''] = /^(?:# .*\n)+/.exec(text) ?? [];
  const problems = header
    .trimEnd()
    .split('\n')
    .map((line) => line.slice(2));
  const reading = readWebConfig(file, (path) => (path === file ? text : unreadable()));
  expect(reading).toEqual({ ok: false, problems });
});

function unreadable(): never {
  throw Object.assign(new Error('no such file'), { code: 'ENOENT' });
}
