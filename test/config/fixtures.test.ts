import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { loadConfig } from '../../src/config/load.ts';

/**
 * Each file is bad in the way that its name says; its first comment lines are the problems that
 * must be told.
 */
const FOLDER = 'test/fixtures/config';
const fixtures = readdirSync(FOLDER).filter((file) => file.endsWith('.yaml'));

const ACCESS = {
  CLOUDFLARE_ACCOUNT_ID: '023e105f4ecef8ad9ca31a8372d0c353',
  CLOUDFLARE_API_TOKEN: 'token-of-the-environment',
};
/** What is missing or set twice can only be shown without, or with another, access. */
const ACCESS_OF: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  'no-token.yaml': {},
  'account-without-token.yaml': {},
  'token-files.yaml': {},
  'accounts-not-a-list.yaml': ACCESS,
  'wrong-tokens.yaml': {},
  'wrong-budget-groups.yaml': { CLOUDFLARE_API_TOKEN: ACCESS.CLOUDFLARE_API_TOKEN },
};

const readFile = (path: string): string => readFileSync(join(FOLDER, path), 'utf8');

test.each(fixtures)('%s is refused with the lines at its top', (file) => {
  const [header = ''] = /^(?:# .*\n)+/.exec(readFile(file)) ?? [];
  const expected = header
    .trimEnd()
    .split('\n')
    .map((line) => line.slice(2));
  const result = loadConfig({
    argv: ['--config.file', file],
    env: ACCESS_OF[file] ?? ACCESS,
    readFile,
    isTerminal: false,
  });
  expect(result).toEqual({ kind: 'invalid', problems: expected });
});
