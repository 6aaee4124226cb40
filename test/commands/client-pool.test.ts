import { expect, onTestFinished, test } from 'vitest';
import type { Client } from '../../src/cloudflare/client.ts';
import { type ClientPool, createClientPool } from '../../src/commands/client-pool.ts';
import type { AccountConfig } from '../../src/config/config.ts';
import { aConfig } from '../support/config.ts';
import { ACCOUNT, OTHER_ACCOUNT, simulate } from './support.ts';

const account = (id: string, token: string): AccountConfig => ({
  id,
  name: '',
  token: { kind: 'value', value: token },
});
const { cloudflare } = aConfig();

/** Nearly all that may be sent at once. */
async function spend(client: Client | undefined): Promise<void> {
  while ((client?.budget.available() ?? 0) > 2) await client?.verify(ACCOUNT);
}

function aPool(): ClientPool {
  const pool = createClientPool({ version: '1.2.3', clock: Date.now });
  onTestFinished(() => pool.close());
  return pool;
}

/** Uses the settings; the tokens of all groups. */
async function tokensOf(pool: ClientPool, ...use: Parameters<ClientPool['use']>) {
  return (await pool.use(...use)).flatMap(({ tokens }) => tokens);
}

test('a token that stays keeps its client, whatever accounts it serves', async () => {
  const pool = aPool();
  const [before] = await tokensOf(pool, { accounts: [account(ACCOUNT, 'a')], cloudflare });
  const after = await tokensOf(pool, {
    accounts: [account(OTHER_ACCOUNT, 'a'), account(ACCOUNT, 'a'), account('c', 'b')],
    cloudflare,
  });
  expect(after[0]?.client).toBe(before?.client);
  expect(after).toHaveLength(2);
});

test('other settings of the API make another client, with the budget that is left', async () => {
  const api = await simulate();
  const pool = aPool();
  const accounts = [account(ACCOUNT, 'a')];
  const settings = { ...cloudflare, apiUrl: api.url };
  const [before] = await tokensOf(pool, { accounts, cloudflare: settings });
  await spend(before?.client);
  const left = before?.client.budget.available() ?? 0;
  expect(left).toBeLessThan((before?.client.budget.capacity ?? 0) / 2);

  const [after] = await tokensOf(pool, { accounts, cloudflare: { ...settings, requestBudget: 1200 } });
  expect(after?.client).not.toBe(before?.client);
  expect(after?.client.budget).toMatchObject({ requests: 1200, capacity: 300 });
  // What it gains meanwhile is some requests a second.
  expect(after?.client.budget.available()).toBeLessThan(left + 40);
  await pool.closeUnused();
  expect(await before?.client.verify(ACCOUNT)).toMatchObject({ ok: false, failure: { message: 'stopped' } });
  expect(pool.budgets()).toMatchObject([{ requests: 1200, capacity: 300 }]);
});

test('a token that went and comes back has not got a new budget', async () => {
  const api = await simulate();
  const pool = aPool();
  const settings = { ...cloudflare, apiUrl: api.url };
  const [before] = await tokensOf(pool, { accounts: [account(ACCOUNT, 'a')], cloudflare: settings });
  await spend(before?.client);
  const left = before?.client.budget.available() ?? 0;
  await pool.use({ accounts: [account(ACCOUNT, 'b')], cloudflare: settings });
  await pool.closeUnused();
  const [after] = await tokensOf(pool, { accounts: [account(ACCOUNT, 'a')], cloudflare: settings });
  expect(after?.client).not.toBe(before?.client);
  expect(after?.client.budget.available()).toBeLessThan(left + 40);
});

test('user tokens share one budget, because nothing tells whose they are', async () => {
  const pool = aPool();
  const accounts = [account(ACCOUNT, 'a'), account(OTHER_ACCOUNT, 'b'), account('c'.repeat(32), 'c')];
  const groups = await pool.use({ accounts, cloudflare });
  expect(groups.map(({ tokens }) => tokens.length)).toEqual([3]);
  expect(pool.budgets().map(({ requests }) => requests)).toEqual([600]);
});

test('a refusal of one token stops every token of its owner', async () => {
  const api = await simulate({ tokens: [{ value: 'a'.repeat(40) }, { value: 'b'.repeat(40) }] });
  api.faults.add({ effect: { kind: 'status', status: 429 } });
  const pool = aPool();
  const [first, second] = await tokensOf(pool, {
    accounts: [account(ACCOUNT, 'a'.repeat(40)), account(OTHER_ACCOUNT, 'b'.repeat(40))],
    cloudflare: { ...cloudflare, apiUrl: api.url },
  });
  await first?.client.verify(ACCOUNT);
  expect(await second?.client.verify(OTHER_ACCOUNT)).toMatchObject({
    ok: false,
    failure: { reason: 'rate_limited' },
  });
  expect(api.requests.count()).toBe(1);
});
