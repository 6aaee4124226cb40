import { expect, test } from 'vitest';
import { isOfShard, shardOf } from '../../src/core/discovery.ts';
import {
  ACCESS,
  ACCOUNT,
  configOf,
  loaded,
  OTHER_ACCOUNT,
  problemsOf,
  TOKEN,
  TUNNEL,
  TUNNEL_SECRET,
  tunnelToken,
} from './support.ts';

const API = { CLOUDFLARE_API_TOKEN: TOKEN };
const URL_FLAG = '--sidecar.cloudflared-url=http://127.0.0.1:20241';

test("cloudflared's own token names account and tunnel", () => {
  const { config, warnings } = loaded({ env: { ...API, TUNNEL_TOKEN: `${tunnelToken()}\n` } });
  expect(config.accounts).toEqual([{ id: ACCOUNT, name: '', token: { kind: 'value', value: TOKEN } }]);
  expect(config.tunnels).toMatchObject({ ids: [TUNNEL], types: ['cfd_tunnel'] });
  expect(config.sidecar).toBeUndefined();
  expect(warnings).toEqual([]);
});

test('the secret of a tunnel token is not in the configuration, and is redacted in the log', () => {
  const token = tunnelToken();
  for (const result of [
    loaded({ env: { ...API, TUNNEL_TOKEN: token } }),
    loaded({ env: { ...API, TUNNEL_TOKEN_FILE: '/run/token' }, files: { '/run/token': `${token}\n` } }),
  ]) {
    expect(JSON.stringify(result.config)).not.toContain(TUNNEL_SECRET);
    expect(JSON.stringify(result.config)).not.toContain(token);
    expect(result.secrets).toEqual(expect.arrayContaining([token, TUNNEL_SECRET]));
  }
});

test('a tunnel token can be in a file, together with account and tunnel types', () => {
  const { config } = loaded({
    argv: ['--sidecar.tunnel-token-file=t', '--config.file=c.yaml', URL_FLAG, '--sidecar.min-connections=2'],
    env: { ...ACCESS, TUNNEL_EXPORTER_TUNNELS_TYPES: 'cfd_tunnel,gre' },
    files: { t: tunnelToken(), 'c.yaml': `accounts: [{id: ${ACCOUNT}, name: shop}]` },
  });
  expect(config).toMatchObject({
    accounts: [{ id: ACCOUNT, name: 'shop' }],
    tunnels: { ids: [TUNNEL], types: ['cfd_tunnel', 'gre'] },
    sidecar: {
      cloudflaredUrl: 'http://127.0.0.1:20241',
      tunnel: { accountId: ACCOUNT, id: TUNNEL },
      minConnections: 2,
    },
  });
});

test('with a tunnel token, other accounts and expected tunnels of the file are ignored with a warning', () => {
  const { config, warnings } = loaded({
    argv: ['--config.file=c.yaml'],
    env: { ...API, TUNNEL_TOKEN: tunnelToken() },
    files: { 'c.yaml': `accounts: [{id: ${OTHER_ACCOUNT}}]\nexpected_tunnels: [{name: shop}]` },
  });
  expect(config.accounts.map(({ id }) => id)).toEqual([ACCOUNT]);
  expect(config.expectedTunnels).toEqual([]);
  expect(warnings).toEqual([
    `accounts[0] (c.yaml:1): account "${OTHER_ACCOUNT}" is not watched, because TUNNEL_TOKEN (environment) names the accounts`,
    'expected_tunnels[0] (c.yaml:2): ignored, because only the tunnel of TUNNEL_TOKEN (environment) is watched',
  ]);
});

test('one account and one tunnel id replace a tunnel token', () => {
  expect(configOf({ argv: [URL_FLAG, `--tunnels.id=${TUNNEL}`] }).sidecar).toEqual({
    cloudflaredUrl: 'http://127.0.0.1:20241',
    tunnel: { accountId: ACCOUNT, id: TUNNEL },
    minConnections: 1,
  });
});

const NOT_A_TOKEN =
  'is not a tunnel token, what cloudflared runs with (base64 of JSON with account and tunnel); an API token belongs in CLOUDFLARE_API_TOKEN';

test.each([
  ['an API token', TOKEN],
  ['a list', Buffer.from('[1]').toString('base64')],
  ['null', Buffer.from('null').toString('base64')],
  ['no tunnel', tunnelToken({ t: undefined })],
  ['an account that is none', tunnelToken({ a: '../x' })],
  ['a number for an id', tunnelToken({ t: 7 })],
  ['half a token', tunnelToken().slice(0, 40)],
  ['text around it', `cloudflared tunnel run --token ${tunnelToken()}`],
])('%s is not a tunnel token, and is not shown', (_what, text) => {
  expect(problemsOf({ env: { ...API, TUNNEL_TOKEN: text } })).toEqual([
    `TUNNEL_TOKEN (environment): ${NOT_A_TOKEN}`,
  ]);
  const files = { 'token-file': text };
  expect(problemsOf({ argv: ['--sidecar.tunnel-token-file=token-file', URL_FLAG], env: API, files })).toEqual(
    [`--sidecar.tunnel-token-file (flag): "token-file" ${NOT_A_TOKEN}`],
  );
});

test.each([
  [
    'two sources of a tunnel token',
    { env: { ...API, TUNNEL_TOKEN: tunnelToken(), TUNNEL_TOKEN_FILE: 't' }, files: { t: tunnelToken() } },
    'TUNNEL_TOKEN (environment) and TUNNEL_TOKEN_FILE (environment): both give a tunnel token; keep one',
  ],
  [
    'another account',
    { env: { ...API, CLOUDFLARE_ACCOUNT_ID: OTHER_ACCOUNT, TUNNEL_TOKEN: tunnelToken() } },
    `CLOUDFLARE_ACCOUNT_ID (environment): "${OTHER_ACCOUNT}" is not the account of TUNNEL_TOKEN (environment), "${ACCOUNT}"; remove one of the two`,
  ],
  [
    'another tunnel',
    { argv: [`--tunnels.id=${TUNNEL},other`], env: { ...API, TUNNEL_TOKEN: tunnelToken() } },
    `--tunnels.id (flag): "other" is not the tunnel of TUNNEL_TOKEN (environment), "${TUNNEL}"; remove one of the two`,
  ],
  [
    'no API token',
    { env: { TUNNEL_TOKEN: tunnelToken() } },
    'cloudflare.api-token (not set): set CLOUDFLARE_API_TOKEN, or name its file by --cloudflare.api-token-file or CLOUDFLARE_API_TOKEN_FILE',
  ],
  [
    'a token as an argument',
    { argv: [`--sidecar.tunnel-token=${tunnelToken()}`], env: ACCESS },
    '--sidecar.tunnel-token (flag): never give the token as an argument, where every process can read it; use TUNNEL_TOKEN or --sidecar.tunnel-token-file',
  ],
  [
    'a token in the file',
    { argv: ['--config.file=c'], env: ACCESS, files: { c: `sidecar: {tunnel_token: ${tunnelToken()}}` } },
    'sidecar.tunnel_token (c:1): no token in this file: put it in a file and name it by tunnel_token_file',
  ],
  [
    'a cloudflared whose tunnel is not known',
    { argv: [URL_FLAG], env: ACCESS },
    '--sidecar.cloudflared-url (flag): the tunnel that this cloudflared runs is not known; give --sidecar.tunnel-token-file or TUNNEL_TOKEN, or one account and one --tunnels.id',
  ],
  [
    'one tunnel for several shards',
    {
      argv: ['--shard.total=2', '--shard.index=0'],
      env: { ...API, TUNNEL_TOKEN: tunnelToken({ a: 'first' }) },
    },
    'TUNNEL_TOKEN (environment): one tunnel cannot be shared by 2 shards; leave shard.total out',
  ],
])('%s is refused with one line', (_what, given, problem) => {
  expect(problemsOf(given)).toEqual([problem]);
});

test.each([
  ['not a url', '"not a url" is not a URL'],
  ['ftp://127.0.0.1:20241', '"ftp://127.0.0.1:20241" must be http or https'],
  ['http://user:pw@127.0.0.1:20241', 'must not hold credentials'],
  [
    'http://127.0.0.1:20241/metrics',
    '"http://127.0.0.1:20241/metrics" must be scheme, host and port alone; use e.g. http://127.0.0.1:20241',
  ],
])('the cloudflared URL %s is refused', (url, problem) => {
  expect(
    problemsOf({ argv: [`--sidecar.cloudflared-url=${url}`], env: { ...API, TUNNEL_TOKEN: tunnelToken() } }),
  ).toEqual([`--sidecar.cloudflared-url (flag): ${problem}`]);
});

test('healthcheck and demo ignore a tunnel token', () => {
  const env = { TUNNEL_TOKEN: 'nonsense', TUNNEL_TOKEN_FILE: 'no/such/file' };
  expect(loaded({ argv: ['healthcheck'], env }).warnings).toEqual([]);
  expect(loaded({ argv: ['demo'], env }).warnings).toEqual([
    'TUNNEL_TOKEN (environment): ignored, demo brings its own account and API',
    'TUNNEL_TOKEN_FILE (environment): ignored, demo brings its own account and API',
  ]);
});

const ACCOUNTS = Array.from({ length: 12 }, (_, index) => index.toString(16).padStart(32, '0'));
const env = { CLOUDFLARE_ACCOUNT_ID: ACCOUNTS.join(','), CLOUDFLARE_API_TOKEN: TOKEN };
const shardedBy = (...argv: readonly string[]) => loaded({ argv, env }).config;
const idsOf = ({ accounts }: ReturnType<typeof shardedBy>): readonly string[] => accounts.map(({ id }) => id);

test('each shard watches its part of the accounts', () => {
  const parts = [0, 1, 2].map((index) => idsOf(shardedBy('--shard.total=3', `--shard.index=${index}`)));
  expect(parts.flat().toSorted()).toEqual(ACCOUNTS);
  for (const part of parts) expect(part.length).toBeGreaterThan(0);
  expect(idsOf(shardedBy())).toEqual(ACCOUNTS);
});

test.each([
  ['tunnel-exporter-2', 2],
  ['tunnel-exporter-0.tunnel-exporter.monitoring.svc.cluster.local', 0],
  ['a-10-1', 1],
])('by default the index is the number at the end of the host name %s', (hostName, index) => {
  expect(loaded({ argv: ['--shard.total=3'], env, hostName }).config.shard).toEqual({ total: 3, index });
});

test('a given index wins over the host name', () => {
  const argv = ['--shard.total=3', '--shard.index=1'];
  expect(loaded({ argv, env, hostName: 'exporter-2' }).config.shard).toEqual({ total: 3, index: 1 });
});

test('without shards the host name does not matter', () => {
  expect(loaded({ env, hostName: 'exporter-7' }).config.shard).toEqual({ total: 1, index: 0 });
});

test.each(['exporter', 'exporter-abc', 'exporter5', 'exporter-'])(
  'the host name %s has no number, so the index must be given',
  (hostName) => {
    expect(problemsOf({ argv: ['--shard.total=3'], env, hostName })).toEqual([
      `--shard.total (flag): the host name "${hostName}" does not end in -<number>, so it does not name a shard; give --shard.index`,
    ]);
  },
);

test.each([
  [
    ['--shard.total=3', '--shard.index=3'],
    '--shard.index (flag): 3 is not less than shard.total, which is 3; shards are counted from 0',
  ],
  [
    ['--shard.index=1'],
    '--shard.index (flag): 1 is not less than shard.total, which is 1; shards are counted from 0',
  ],
  [
    ['--shard.total=2'],
    'host name "exporter-5": 5 is not less than shard.total, which is 2; shards are counted from 0',
  ],
  [['--shard.total=0'], '--shard.total (flag): "0" is not a whole number from 1 to 1000'],
])('%j is refused', (argv, problem) => {
  expect(problemsOf({ argv, env, hostName: 'exporter-5' })).toEqual([problem]);
});

test('a shard reads only the token files of its own accounts, and needs no token if it has no accounts', () => {
  const files = {
    c: `accounts:\n${ACCOUNTS.map((id) => `  - {id: "${id}", api_token_file: token-${shardOf(id, 2)}}`).join('\n')}`,
    'token-1': TOKEN,
  };
  const argv = ['--config.file=c', '--shard.total=2', '--shard.index=1'];
  const { config, warnings } = loaded({ argv, files });
  expect(idsOf(config)).toEqual(ACCOUNTS.filter((id) => isOfShard(id, { total: 2, index: 1 })));
  expect(warnings).toEqual([]);
  const one = loaded({
    argv: ['--shard.total=2', `--shard.index=${1 - shardOf(ACCOUNTS[0] ?? '', 2)}`, '--config.file=c'],
    files: { c: `accounts: [{id: "${ACCOUNTS[0]}"}]` },
  });
  expect(one.config.accounts).toEqual([]);
  expect(one.warnings).toEqual([
    `shard ${one.config.shard.index} of 2 has none of the one account, and watches nothing`,
  ]);
});

test('a shard ignores expected tunnels in accounts of other shards, and each needs an account id', () => {
  const [first = '', second = ''] = [0, 1].map((index) => ACCOUNTS.find((id) => shardOf(id, 2) === index));
  const files = {
    c: `expected_tunnels:\n  - {account_id: "${first}", name: a}\n  - {account_id: "${second}", name: b}\n`,
    any: 'expected_tunnels: [{name: a}]',
  };
  const argv = ['--shard.total=2', '--shard.index=1'];
  expect(loaded({ argv: [...argv, '--config.file=c'], env, files }).config.expectedTunnels).toEqual([
    { accountId: second, tunnel: 'b', minConnectors: undefined },
  ]);
  expect(problemsOf({ argv: [...argv, '--config.file=any'], env, files })).toEqual([
    'expected_tunnels[0] (any:1): needs an account_id, because no shard sees all accounts',
  ]);
  const unknown = { c: 'expected_tunnels: [{account_id: abc, name: a}]' };
  expect(
    problemsOf({ argv: [...argv, '--config.file=c'], env: { ...env, ...ACCESS }, files: unknown }),
  ).toEqual(['expected_tunnels[0] (c:1): account "abc" is not one of the accounts watched']);
});
