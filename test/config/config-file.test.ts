import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { loadConfig } from '../../src/config/load.ts';
import { ACCESS, ACCOUNT, configOf, loaded, pattern, TOKEN } from './support.ts';

/** The name of each file says what is wrong with it. Its first lines are the expected problems. */
const FOLDER = 'test/fixtures/config';
const fixtures = readdirSync(FOLDER).filter((file) => file.endsWith('.yaml'));

/** The environment of fixtures about missing or repeated access. */
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

test('keys of the file can have _ or -, be nested or dotted, use anchors, and have empty sections', () => {
  const files = {
    'c.yaml': [
      '---',
      'cloudflare:',
      '  request_budget: "300"',
      '  account-id:',
      '    - 023e105f4ecef8ad9ca31a8372d0c353',
      '    - 01234567890123456789012345678901 # digits alone are still an id',
      'poll.stale-after: &age 10m',
      'poll: {jitter: 5s}',
      'tunnels: {types: cfd_tunnel, include: [], exclude: [^test-, "a,b"]}',
      'metrics:',
      'web: {listen_address: ["[::]:1", ":2"]}',
    ].join('\n'),
  };
  const { config, warnings } = loaded({
    argv: ['--config.file', 'c.yaml'],
    env: { CLOUDFLARE_API_TOKEN: TOKEN },
    files,
  });
  expect(warnings).toEqual([]);
  expect(config.accounts.map(({ id }) => id)).toEqual([ACCOUNT, '01234567890123456789012345678901']);
  expect(config.cloudflare.requestBudget).toBe(300);
  expect(config.poll).toMatchObject({ staleAfterMs: 600_000, jitterMs: 5000 });
  expect(config.tunnels.exclude).toEqual([pattern('^test-'), pattern('a,b')]);
  expect(config.web.listenAddresses).toEqual([
    { host: '::', port: 1 },
    { host: undefined, port: 2 },
  ]);
});

test.each(['', '\n', '# only a comment\n', '---\n', '{}', 'poll:\n', 'accounts:\nexpected_tunnels: []\n'])(
  'a file without settings changes nothing: %j',
  (text) => {
    const config = configOf({ argv: ['--config.file=c.yaml'], files: { 'c.yaml': text } });
    expect({ ...config, configFile: undefined }).toEqual(configOf({}));
  },
);
