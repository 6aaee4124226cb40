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

const clientsOf = async (...use: Parameters<ClientPool['use']>[]) => {
  const pool = aPool();
  const used = [];
  for (const [config] of use) used.push((await pool.use(config)).map(({ client }) => client));
  return used;
};

test('a token that stays keeps its client, whatever accounts it serves', async () => {
  const [before, after] = await clientsOf(
    [{ accounts: [account(ACCOUNT, 'a')], cloudflare }],
    [{ accounts: [account(OTHER_ACCOUNT, 'a'), account(ACCOUNT, 'a'), account('c', 'b')], cloudflare }],
  );
  expect(after?.[0]).toBe(before?.[0]);
  expect(after).toHaveLength(2);
});

test('other settings of the API make another client, with the budget that is left', async () => {
  const api = await simulate();
  const pool = aPool();
  const accounts = [account(ACCOUNT, 'a')];
  const settings = { ...cloudflare, apiUrl: api.url };
  const [before] = await pool.use({ accounts, cloudflare: settings });
  await spend(before?.client);
  const left = before?.client.budget.available() ?? 0;
  expect(left).toBeLessThan((before?.client.budget.capacity ?? 0) / 2);

  const [after] = await pool.use({ accounts, cloudflare: { ...settings, requestBudget: 1200 } });
  expect(after?.client).not.toBe(before?.client);
  expect(after?.client.budget).toMatchObject({ requests: 1200, capacity: 300 });
  // What it gains meanwhile is some requests a second.
  expect(after?.client.budget.available()).toBeLessThan(left + 40);
  await pool.closeUnused();
  expect(await before?.client.verify(ACCOUNT)).toMatchObject({ ok: false, failure: { message: 'stopped' } });
  expect(pool.budgets()).toEqual([after?.client.budget]);
});

test('a token that went and comes back has not got a new budget', async () => {
  const api = await simulate();
  const pool = aPool();
  const settings = { ...cloudflare, apiUrl: api.url };
  const [before] = await pool.use({ accounts: [account(ACCOUNT, 'a')], cloudflare: settings });
  await spend(before?.client);
  const left = before?.client.budget.available() ?? 0;
  await pool.use({ accounts: [account(ACCOUNT, 'b')], cloudflare: settings });
  await pool.closeUnused();
  const [after] = await pool.use({ accounts: [account(ACCOUNT, 'a')], cloudflare: settings });
  expect(after?.client).not.toBe(before?.client);
  expect(after?.client.budget.available()).toBeLessThan(left + 40);
});
