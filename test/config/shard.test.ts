import { expect, test } from 'vitest';
import { isOfShard, shardOf } from '../../src/core/discovery.ts';
import { ACCESS, loaded, problemsOf, TOKEN } from './support.ts';

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
