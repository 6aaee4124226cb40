import { expect, test } from 'vitest';
import { loadConfig } from '../../src/config/load.ts';
import { ACCESS, ACCOUNT, loaded, problemsOf, TOKEN } from './support.ts';

const QUOTED = 'has quotes around it, which belong to the value here; give the API token alone';

const GLOBAL_KEY =
  'is a global API key, which has all permissions and is not accepted; create an API token with Cloudflare Tunnel Read at dash.cloudflare.com/profile/api-tokens';

test.each([
  [
    'a token with spaces',
    'holds white space, control or non-ASCII characters inside; give the API token alone',
  ],
  ['a\u0000b', 'holds white space, control or non-ASCII characters inside; give the API token alone'],
  ['tökén', 'holds white space, control or non-ASCII characters inside; give the API token alone'],
  ['Bearer abcdefgh', 'begins with "Bearer"; give the API token alone'],
  [`"${TOKEN}"`, QUOTED],
  [`'${TOKEN}'`, QUOTED],
  [`${TOKEN}"`, QUOTED],
  [`\u201C${TOKEN}\u201D`, QUOTED],
  [`CLOUDFLARE_API_TOKEN=${TOKEN}`, 'begins with the name of a variable; give the API token alone'],
  ['\uFFFD\uFFFDa\u0000b\u0000', 'is not text in UTF-8; save it as UTF-8, with the API token alone'],
  ['0123456789abcdef0123456789abcdef01234', GLOBAL_KEY],
  ['0123456789abcdef0123456789abcdef0123456789abc', GLOBAL_KEY],
  [`cfk_${'a1B2'.repeat(10)}0a1b2c3d`, GLOBAL_KEY],
  [
    `cloudflared tunnel run --token ${Buffer.from(JSON.stringify({ a: ACCOUNT, t: 'c1744f8b', s: 'x' })).toString('base64')}`,
    'is a tunnel token, what cloudflared runs with; an API token is needed, from dash.cloudflare.com/profile/api-tokens',
  ],
  [
    Buffer.from(JSON.stringify({ a: ACCOUNT, t: 'c1744f8b', s: 'secret' })).toString('base64'),
    'is a tunnel token, what cloudflared runs with; an API token is needed, from dash.cloudflare.com/profile/api-tokens',
  ],
])('the token %j is refused without being shown', (token, problem) => {
  expect(problemsOf({ env: { ...ACCESS, CLOUDFLARE_API_TOKEN: token } })).toEqual([
    `CLOUDFLARE_API_TOKEN (environment): ${problem}`,
  ]);
});

test.each([
  `cfut_${'a1B2'.repeat(10)}0a1b2c3d`,
  `cfat_${'a1B2'.repeat(10)}0a1b2c3d`,
  'A23456789abcdef0123456789abcdef0123456789',
  '0123456789abcdef0123456789abcdef',
])('the token %j is accepted', (token) => {
  expect(loaded({ env: { ...ACCESS, CLOUDFLARE_API_TOKEN: token } }).secrets).toEqual([token]);
});

test('white space around a token is removed', () => {
  const { config, secrets } = loaded({ env: { ...ACCESS, CLOUDFLARE_API_TOKEN: ` ${TOKEN}\n` } });
  expect(config.accounts[0]?.token).toEqual({ kind: 'value', value: TOKEN });
  expect(secrets).toEqual([TOKEN]);
});

test('a token file is kept as a path, to be read again', () => {
  const { config, secrets } = loaded({
    argv: ['--cloudflare.api-token-file=token'],
    env: { CLOUDFLARE_ACCOUNT_ID: ACCOUNT },
    files: { token: `${TOKEN}\n` },
  });
  expect(config.accounts[0]?.token).toEqual({ kind: 'file', path: 'token' });
  expect(secrets).toEqual([TOKEN]);
});

test('a token file that cannot be read for lack of permission is named', () => {
  const result = loadConfig({
    argv: [],
    env: { CLOUDFLARE_ACCOUNT_ID: ACCOUNT, CLOUDFLARE_API_TOKEN_FILE: '/run/token' },
    // Thrown here, because root can read every file.
    readFile: () => {
      throw Object.assign(new Error('EACCES: permission denied'), { code: 'EACCES' });
    },
    isTerminal: false,
  });
  expect(result).toEqual({
    kind: 'invalid',
    problems: ['CLOUDFLARE_API_TOKEN_FILE (environment): cannot read "/run/token": permission denied'],
  });
});

test('two tokens are a problem that names both sources', () => {
  const files = { 'c.yaml': 'cloudflare: {api-token-file: token}', token: 'x' };
  expect(problemsOf({ env: { ...ACCESS, CLOUDFLARE_API_TOKEN_FILE: 'token' }, files })).toEqual([
    'CLOUDFLARE_API_TOKEN (environment) and CLOUDFLARE_API_TOKEN_FILE (environment): both give a token; keep one',
  ]);
  expect(problemsOf({ argv: ['--config.file=c.yaml'], env: ACCESS, files })).toEqual([
    'CLOUDFLARE_API_TOKEN (environment) and cloudflare.api-token-file (c.yaml:1): both give a token; keep one',
  ]);
});

test('a token in place of a path is not shown', () => {
  const env = { CLOUDFLARE_ACCOUNT_ID: ACCOUNT, CLOUDFLARE_API_TOKEN_FILE: TOKEN };
  expect(problemsOf({ env })).toEqual([
    'CLOUDFLARE_API_TOKEN_FILE (environment): cannot read "[hidden]": no such file',
  ]);
});
