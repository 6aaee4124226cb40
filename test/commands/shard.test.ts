import { expect, test, vi } from 'vitest';
import { shardOf } from '../../src/core/discovery.ts';
import { cli, ONCE, running, samplesOf, scrape, simulate } from './support.ts';

const PATIENCE = { timeout: 15_000, interval: 50 };
const ACCOUNTS = ['a', 'b', 'c', 'd', 'e'].map((digit) => digit.repeat(32));
/** One more than there are accounts, so that at least one shard has none. */
const TOTAL = 6;
const IDLE = Array.from({ length: TOTAL }, (_, index) => index).find(
  (index) => !ACCOUNTS.some((account) => shardOf(account, TOTAL) === index),
);

const fleet = () =>
  simulate({
    accounts: ACCOUNTS.map((id) => ({ id, name: id, tunnels: [{ name: 't', connectors: [{}] }] })),
  });

test('two shards show every account once', async () => {
  const api = await fleet();
  const pages = await Promise.all(
    [0, 1].map((index) =>
      cli(['once', '--shard.total=2', `--shard.index=${index}`], { api, accounts: ACCOUNTS }),
    ),
  );
  const shown = pages.flatMap(({ stdout }) =>
    samplesOf(stdout, 'cloudflare_tunnel_info').map(({ labels }) => labels.get('account_id') ?? ''),
  );
  expect(shown.toSorted()).toEqual(ACCOUNTS);
});

test('a shard without accounts is ready, sends no requests, and logs that', async () => {
  const api = await fleet();
  const exporter = await running([...ONCE, `--shard.total=${TOTAL}`, `--shard.index=${IDLE}`], {
    api,
    accounts: ACCOUNTS,
  });
  await vi.waitFor(async () => expect((await exporter.get('/readyz')).status).toBe(200), PATIENCE);
  expect(exporter.logs()[0]).toMatchObject({
    level: 'warn',
    msg: `shard ${IDLE} of ${TOTAL} has none of the 5 accounts, and watches nothing`,
  });
  expect(await scrape(exporter)).not.toContain('account_id=');
  expect((await exporter.get('/')).status).toBe(200);
  expect(api.requests.count()).toBe(0);
  expect(await exporter.stop()).toEqual({ code: 0, signal: null });
  expect(
    await cli(['check', `--shard.total=${TOTAL}`, `--shard.index=${IDLE}`], { api, accounts: ACCOUNTS }),
  ).toMatchObject({ code: 0 });
});
