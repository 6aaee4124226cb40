import { expect, test } from 'vitest';
import { shardOf } from '../../src/core/discovery.ts';
import {
  ACCESS,
  ACCOUNT,
  configOf,
  load,
  loaded,
  OTHER_ACCOUNT,
  problemsOf,
  TOKEN,
  tunnelToken,
  type Given,
} from './support.ts';

const THIRD = 'c'.repeat(32);
const TOKEN_ONLY = { CLOUDFLARE_API_TOKEN: TOKEN };
const FILES = { one: `${TOKEN}-one`, two: `${TOKEN}-two`, three: `${TOKEN}-three` };
const file = (path: string) => ({ kind: 'file', path });

/** Loads a configuration file. */
function withFile(yaml: string, given: Given = {}) {
  return loaded({
    ...given,
    argv: ['--config.file=c.yaml', ...(given.argv ?? [])],
    files: { ...FILES, 'c.yaml': yaml },
  });
}

test('without an account id, the accounts that the token lists are watched', () => {
  const { config, warnings } = loaded({ env: TOKEN_ONLY });
  expect(config.accounts).toEqual([]);
  expect(config.discovery).toEqual({
    tokens: [{ token: { kind: 'value', value: TOKEN }, budgetGroup: undefined }],
    exclude: [],
    names: [],
  });
  expect(warnings).toEqual([]);
  const argv = ['--cloudflare.api-token-file=one'];
  expect(loaded({ argv, files: FILES }).config.discovery?.tokens).toEqual([
    { token: file('one'), budgetGroup: undefined },
  ]);
});

test.each<[string, Given]>([
  ['a variable', { env: ACCESS }],
  ['a flag', { env: TOKEN_ONLY, argv: [`--cloudflare.account-id=${ACCOUNT}`] }],
  [
    'the file',
    { env: TOKEN_ONLY, argv: ['--config.file=c.yaml'], files: { 'c.yaml': `accounts: [{id: ${ACCOUNT}}]` } },
  ],
  [
    'a setting in the file',
    {
      env: TOKEN_ONLY,
      argv: ['--config.file=c.yaml'],
      files: { 'c.yaml': `cloudflare: {account-id: ${ACCOUNT}}` },
    },
  ],
  ['the tunnel token', { env: { ...TOKEN_ONLY, TUNNEL_TOKEN: tunnelToken() } }],
])('an account named by %s is the only one watched', (_, given) => {
  const { config } = loaded(given);
  expect(config.accounts.map(({ id }) => id)).toEqual([ACCOUNT]);
  expect(config.discovery).toBeUndefined();
});

test('--config.check needs no network, and an invalid account id does not start discovery', () => {
  expect(load({ env: TOKEN_ONLY, argv: ['--config.check'] })).toMatchObject({ kind: 'loaded' });
  expect(problemsOf({ env: { ...TOKEN_ONLY, CLOUDFLARE_ACCOUNT_ID: '../x' } })).toEqual([
    expect.stringMatching(/^CLOUDFLARE_ACCOUNT_ID \(environment\): "\.\.\/x" is not an account id/),
  ]);
});

test('several tokens discover accounts, in addition to accounts with their own tokens', () => {
  const { config, warnings } = withFile(
    [
      'tokens:',
      '  - {api_token_file: two, budget_group: alice}',
      '  - {api_token_file: one}',
      'accounts:',
      `  - {id: ${ACCOUNT}, name: production, api_token_file: three}`,
    ].join('\n'),
    { files: {} },
  );
  expect(warnings).toEqual([]);
  expect(config.accounts).toEqual([
    { id: ACCOUNT, name: 'production', token: file('three'), budgetGroup: undefined },
  ]);
  expect(config.discovery).toEqual({
    tokens: [
      { token: file('two'), budgetGroup: 'alice' },
      { token: file('one'), budgetGroup: undefined },
    ],
    exclude: [],
    names: [{ id: ACCOUNT, name: 'production' }],
  });
});

test('a token can be limited to some accounts', () => {
  const { config } = withFile(`
tokens:
  - {api_token_file: one, accounts: [${ACCOUNT}, ${OTHER_ACCOUNT}], budget_group: alice}
  - {api_token_file: two, accounts: ${THIRD}}
accounts:
  - {id: ${OTHER_ACCOUNT}, name: lab}
`);
  expect(config.discovery).toBeUndefined();
  expect(config.accounts).toEqual([
    { id: OTHER_ACCOUNT, name: 'lab', token: file('one'), budgetGroup: 'alice' },
    { id: ACCOUNT, name: '', token: file('one'), budgetGroup: 'alice' },
    { id: THIRD, name: '', token: file('two'), budgetGroup: undefined },
  ]);
});

test('an account without a token is watched with the token that lists it, and keeps its configured name', () => {
  const yaml = `tokens: [{api_token_file: one}]\naccounts: [{id: ${ACCOUNT}, name: production}]`;
  const { config } = withFile(yaml);
  expect(config.accounts).toEqual([]);
  expect(config.discovery?.names).toEqual([{ id: ACCOUNT, name: 'production' }]);
  // The default token is for it if there is one.
  expect(withFile(yaml, { env: TOKEN_ONLY })).toMatchObject({
    config: {
      accounts: [{ id: ACCOUNT, token: { kind: 'value' } }],
      discovery: { tokens: [{ token: file('one') }] },
    },
    warnings: [],
  });
});

test('an unused token of the environment is a warning', () => {
  expect(withFile('tokens: [{api_token_file: one}]', { env: TOKEN_ONLY })).toMatchObject({
    config: { discovery: { tokens: [{ token: file('one') }] } },
    warnings: [
      'CLOUDFLARE_API_TOKEN (environment): not used, because the file lists tokens and no account needs this one',
    ],
  });
});

test('account ids from outside the file turn discovery off', () => {
  const { config, warnings } = withFile('tokens: [{api_token_file: one}]', { env: ACCESS });
  expect(config.accounts).toMatchObject([{ id: ACCOUNT, token: { kind: 'value' } }]);
  expect(config.discovery).toBeUndefined();
  expect(warnings).toEqual([
    'tokens[0] (c.yaml:1): the accounts of this token are not looked up, because CLOUDFLARE_ACCOUNT_ID (environment) names the accounts',
  ]);
});

test('a token file has one budget group in accounts and tokens', () => {
  const files = {
    ...FILES,
    'c.yaml': `tokens: [{api_token_file: one, budget_group: alice}]\naccounts: [{id: ${ACCOUNT}, api_token_file: one, budget_group: bob}]`,
  };
  expect(problemsOf({ argv: ['--config.file=c.yaml'], files })).toEqual([
    'tokens[0].budget_group (c.yaml:1): "alice" contradicts "bob" in accounts[0].budget_group (c.yaml:2); accounts with the same token have one budget group',
  ]);
});

test('accounts are excluded by id, unless they are also named', () => {
  const argv = [`--cloudflare.exclude-account-id=${ACCOUNT}`];
  expect(loaded({ env: TOKEN_ONLY, argv }).config.discovery?.exclude).toEqual([ACCOUNT]);
  expect(problemsOf({ env: ACCESS, argv })).toEqual([
    `--cloudflare.exclude-account-id (flag): account "${ACCOUNT}" is also one to watch, by CLOUDFLARE_ACCOUNT_ID (environment); remove one of the two`,
  ]);
  expect(loaded({ env: { ...ACCESS, CLOUDFLARE_ACCOUNT_ID: OTHER_ACCOUNT }, argv }).warnings).toEqual([
    '--cloudflare.exclude-account-id (flag): has no effect, because the accounts to watch are named',
  ]);
});

test('a tunnel can be expected in an account that is not discovered yet, by the shard that would watch it', () => {
  const yaml = `expected_tunnels: [{account_id: ${ACCOUNT}, name: web}, {name: anywhere}]`;
  expect(withFile(yaml, { env: TOKEN_ONLY }).config.expectedTunnels).toMatchObject([
    { accountId: ACCOUNT, tunnel: 'web' },
    { tunnel: 'anywhere' },
  ]);
  const own = `expected_tunnels: [{account_id: ${ACCOUNT}, name: web}]`;
  for (const index of [0, 1]) {
    const argv = ['--shard.total=2', `--shard.index=${index}`];
    const { config, warnings } = withFile(own, { env: TOKEN_ONLY, argv });
    expect(config.expectedTunnels).toHaveLength(shardOf(ACCOUNT, 2) === index ? 1 : 0);
    expect(warnings).toEqual([]);
  }
  const argv = ['--config.file=c.yaml', `--cloudflare.exclude-account-id=${ACCOUNT}`];
  expect(problemsOf({ env: TOKEN_ONLY, argv, files: { 'c.yaml': own } })).toEqual([
    `expected_tunnels[0] (c.yaml:1): account "${ACCOUNT}" is not watched, because --cloudflare.exclude-account-id (flag) excludes it`,
  ]);
});

test("discovery does not find the tunnel of the sidecar's cloudflared", () => {
  const argv = ['--sidecar.cloudflared-url=http://127.0.0.1:20241'];
  expect(problemsOf({ env: TOKEN_ONLY, argv })).toEqual([
    '--sidecar.cloudflared-url (flag): the tunnel that this cloudflared runs is not known; give --sidecar.tunnel-token-file or TUNNEL_TOKEN, or one account and one --tunnels.id',
  ]);
});

test('accounts of the file have names and tokens of their own, or use the default token', () => {
  const files = {
    'c.yaml': [
      'cloudflare:',
      `  account-id: ${OTHER_ACCOUNT}`,
      'accounts:',
      `  - {id: ${ACCOUNT}, name: production, api_token_file: one}`,
      '  - {id: ffffffffffffffffffffffffffffffff, name: staging}',
      'expected_tunnels:',
      `  - {account_id: ${ACCOUNT}, name: web, min_connectors: 2}`,
      '  - {id: c1744f8b-faa1-48a4-9e5c-02ac921467fa}',
    ].join('\n'),
    one: 'token-of-production\n',
    shared: 'token-of-all\n',
  };
  const env = { CLOUDFLARE_API_TOKEN_FILE: 'shared' };
  const { config, secrets } = loaded({ argv: ['--config.file=c.yaml'], env, files });
  expect(config.accounts).toEqual([
    { id: ACCOUNT, name: 'production', token: { kind: 'file', path: 'one' } },
    { id: 'f'.repeat(32), name: 'staging', token: { kind: 'file', path: 'shared' } },
    { id: OTHER_ACCOUNT, name: '', token: { kind: 'file', path: 'shared' } },
  ]);
  expect(config.expectedTunnels).toEqual([
    { accountId: ACCOUNT, tunnel: 'web', minConnectors: 2 },
    { accountId: undefined, tunnel: 'c1744f8b-faa1-48a4-9e5c-02ac921467fa', minConnectors: undefined },
  ]);
  expect([...secrets].toSorted()).toEqual(['token-of-all', 'token-of-production']);
});

test('accounts with the same token have the same budget group', () => {
  const files = {
    'c.yaml': [
      'accounts:',
      `  - {id: ${ACCOUNT}, api_token_file: one, budget_group: alice}`,
      `  - {id: ${OTHER_ACCOUNT}, api_token_file: one}`,
      '  - {id: ffffffffffffffffffffffffffffffff}',
    ].join('\n'),
    one: 'token-of-alice',
  };
  const { config } = loaded({ argv: ['--config.file=c.yaml'], env: { CLOUDFLARE_API_TOKEN: TOKEN }, files });
  expect(config.accounts.map(({ budgetGroup }) => budgetGroup)).toEqual(['alice', 'alice', undefined]);
});

test('accounts that all have their own tokens need no default token', () => {
  const files = { 'c.yaml': `accounts: [{id: ${ACCOUNT}, api_token_file: one}]`, one: TOKEN };
  expect(loaded({ argv: ['--config.file=c.yaml'], files }).config.accounts).toHaveLength(1);
});

test('accounts named by a flag or variable are the only ones, with the names and tokens of the file', () => {
  const files = {
    'c.yaml': [
      'accounts:',
      `  - {id: ${ACCOUNT}, name: production}`,
      `  - {id: ${OTHER_ACCOUNT}, name: staging}`,
      'expected_tunnels:',
      `  - {account_id: ${OTHER_ACCOUNT}, name: web}`,
    ].join('\n'),
  };
  const { config, warnings } = loaded({ argv: ['--config.file=c.yaml'], env: ACCESS, files });
  expect(config.accounts).toMatchObject([{ id: ACCOUNT, name: 'production' }]);
  expect(config.expectedTunnels).toEqual([]);
  expect(warnings).toEqual([
    `accounts[1] (c.yaml:3): account "${OTHER_ACCOUNT}" is not watched, because CLOUDFLARE_ACCOUNT_ID (environment) names the accounts`,
  ]);
});

test('account ids from repeated flags and comma lists are watched once each', () => {
  const argv = [
    '--cloudflare.account-id',
    `${ACCOUNT},${OTHER_ACCOUNT},`,
    `--cloudflare.account-id=${ACCOUNT}`,
  ];
  expect(configOf({ argv }).accounts.map(({ id }) => id)).toEqual([ACCOUNT, OTHER_ACCOUNT]);
});
