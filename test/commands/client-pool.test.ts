import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test, vi } from 'vitest';
import type { Client } from '../../src/cloudflare/client.ts';
import { type ClientPool, type ClientPoolOptions, createClientPool } from '../../src/commands/client-pool.ts';
import { concurrencyPerToken } from '../../src/cloudflare/transport.ts';
import type { AccountConfig } from '../../src/config/config.ts';
import type { TokenSpec } from '../../src/simulator/index.ts';
import { envelope, listen } from '../cloudflare/support.ts';
import { aConfig } from '../support/config.ts';
import { ACCOUNT, OTHER_ACCOUNT, simulate } from './support.ts';

const account = (id: string, token: string): AccountConfig => ({
  id,
  name: '',
  token: { kind: 'value', value: token },
});
const { cloudflare } = aConfig();

/** Nearly all requests that can be sent at once. */
async function spend(client: Client | undefined): Promise<void> {
  while ((client?.budget.available() ?? 0) > 2) await client?.verify(ACCOUNT);
}

function aPool(options: Partial<ClientPoolOptions> = {}): ClientPool {
  const pool = createClientPool({
    version: '1.2.3',
    clock: Date.now,
    log: { info: () => undefined },
    onRegroup: () => undefined,
    ...options,
  });
  onTestFinished(() => pool.close());
  return pool;
}

/** Applies the settings and returns the tokens of all groups. */
async function tokensOf(pool: ClientPool, ...use: Parameters<ClientPool['use']>) {
  return (await pool.use(...use)).flatMap(({ tokens }) => tokens);
}

test('a token keeps its client when its accounts change', async () => {
  const pool = aPool();
  const [before] = await tokensOf(pool, { accounts: [account(ACCOUNT, 'a')], cloudflare });
  const after = await tokensOf(pool, {
    accounts: [account(OTHER_ACCOUNT, 'a'), account(ACCOUNT, 'a'), account('c', 'b')],
    cloudflare,
  });
  expect(after[0]?.client).toBe(before?.client);
  expect(after).toHaveLength(2);
});

test('other API settings create another client, with the remaining budget', async () => {
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
  // The budget gains a few requests a second meanwhile.
  expect(after?.client.budget.available()).toBeLessThan(left + 40);
  await pool.closeUnused();
  expect(await before?.client.verify(ACCOUNT)).toMatchObject({ ok: false, failure: { message: 'stopped' } });
  expect(pool.budgets()).toMatchObject([{ requests: 1200, capacity: 300 }]);
});

test('a token that is removed and added again gets no new budget', async () => {
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

const USER = 'a-user-token-of-40-characters-in-length';
const OTHER_USER = 'another-user-token-of-40-characters-long';
const OWN = 'a-token-that-an-account-owns-and-no-user';
const OTHER_OWN = 'another-token-that-an-account-owns-alone';
const TOKENS: readonly TokenSpec[] = [
  { value: USER },
  { value: OTHER_USER },
  { value: OWN, owner: 'account' },
  { value: OTHER_OWN, owner: 'account' },
];
const IDS = 'abcdef'.split('').map((letter) => letter.repeat(32));

/** More than a budget gains while a test lasts. */
const REFILLED = 20;

const named = (id: string, token: string, budgetGroup: string): AccountConfig => ({
  ...account(id, token),
  budgetGroup,
});

/** A pool for an API with four tokens, with an account for each given token. */
async function against(
  tokens: readonly (string | AccountConfig)[],
  options: Partial<ClientPoolOptions> = {},
) {
  const api = await simulate({
    accounts: IDS.map((id) => ({ id, name: '' })),
    tokens: TOKENS,
  });
  let regroups = 0;
  const pool = aPool({
    onRegroup: () => {
      regroups += 1;
    },
    ...options,
  });
  const accounts = tokens.map((token, index) =>
    typeof token === 'string' ? account(IDS[index] ?? '', token) : token,
  );
  const config = { accounts, cloudflare: { ...cloudflare, apiUrl: api.url } };
  return {
    api,
    pool,
    config,
    regroups: () => regroups,
    /** Names of the groups, with the number of tokens in each. */
    use: async () => (await pool.use(config)).map(({ name, tokens: { length } }) => [name, length]),
    clients: async () => (await tokensOf(pool, config)).map(({ client }) => client),
  };
}

test('user tokens share one budget, because their user is not known', async () => {
  const { pool, use, regroups } = await against([USER, OTHER_USER]);
  expect(await use()).toEqual([['user tokens', 2]]);
  await pool.ownersAsked();
  expect(await use()).toEqual([['user tokens', 2]]);
  expect(pool.budgets().map(({ requests }) => requests)).toEqual([600]);
  expect(regroups()).toBe(0);
});

test('account-owned tokens have a budget each, once Cloudflare has reported their owner', async () => {
  const { api, pool, use, regroups } = await against([USER, OWN, OTHER_OWN, OTHER_USER]);
  expect(await use()).toEqual([['user tokens', 4]]);
  await vi.waitFor(() => expect(regroups()).toBe(1));
  expect((await use()).map(([, count]) => count)).toEqual([2, 1, 1]);
  expect(pool.budgets()).toHaveLength(3);
  await pool.ownersAsked();
  // One request for a user token, two for an account-owned token, none twice.
  expect(api.requests.count()).toBe(6);
  expect(regroups()).toBe(1);
});

test('a single token is not verified, because it shares its budget with no other', async () => {
  const { api, pool, use } = await against([OWN]);
  expect(await use()).toEqual([['CLOUDFLARE_API_TOKEN', 1]]);
  await pool.ownersAsked();
  expect(api.requests.count()).toBe(0);
});

test('tokens with a budget group are not verified', async () => {
  const [a = '', b = '', c = ''] = IDS;
  const { api, pool, use } = await against([
    named(a, USER, 'alice'),
    named(b, OTHER_USER, 'alice'),
    named(c, OWN, 'bob'),
    OTHER_OWN,
  ]);
  expect(await use()).toEqual([
    ['alice', 2],
    ['bob', 1],
    ['CLOUDFLARE_API_TOKEN', 1],
  ]);
  await pool.ownersAsked();
  expect(api.requests.count()).toBe(0);
});

test('requests sent before the owner of a token was known count for the owner', async () => {
  const { pool, use, clients, regroups } = await against([USER, OWN]);
  const [user, own] = await clients();
  await pool.ownersAsked();
  for (let call = 0; call < 10; call += 1) await own?.verify(IDS[1] ?? '');
  for (let call = 0; call < 5; call += 1) await user?.verify(IDS[0] ?? '');
  await vi.waitFor(() => expect(regroups()).toBe(1));
  const left = own?.budget.available() ?? 0;
  expect(await use()).toHaveLength(2);
  // The five requests of the user token are given back; the 2 of its verification and the 20 of ten
  // more are not.
  const afterwards = own?.budget.available() ?? 0;
  expect(afterwards).toBeGreaterThan(left);
  expect(afterwards).toBeLessThan(75 - 2 - 20 + REFILLED);
});

test('a token file with a token of another owner uses the shared budget until that owner is known', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'pool-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const path = join(folder, 'token');
  writeFileSync(path, OWN);
  const [, second = ''] = IDS;
  const { pool, use, config, regroups } = await against([
    USER,
    { id: second, name: '', token: { kind: 'file', path } },
  ]);
  await use();
  await vi.waitFor(() => expect(regroups()).toBe(1));
  expect(await use()).toHaveLength(2);

  writeFileSync(path, OTHER_USER);
  const [, inFile] = await tokensOf(pool, config);
  expect(await inFile?.token.refresh()).toMatchObject({ changed: true });
  expect(regroups()).toBe(2);
  expect(await use()).toEqual([['user tokens', 2]]);
  await pool.ownersAsked();
  expect(await use()).toEqual([['user tokens', 2]]);

  writeFileSync(path, OTHER_OWN);
  await inFile?.token.refresh();
  // It shares the budget already: nothing changes until its owner is known.
  await vi.waitFor(() => expect(regroups()).toBe(3));
  expect(await use()).toHaveLength(2);
});

test('the same token in two files has one budget', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'pool-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const files = ['a', 'b'].map((name) => {
    const path = join(folder, name);
    writeFileSync(path, OWN);
    return { kind: 'file', path } as const;
  });
  const { use, regroups } = await against([
    USER,
    ...files.map((token, index) => ({ id: IDS[index + 1] ?? '', name: '', token })),
  ]);
  await use();
  await vi.waitFor(() => expect(regroups()).toBe(1));
  expect((await use()).map(([, count]) => count)).toEqual([1, 2]);
});

test('a failed verification leaves the token in its budget', async () => {
  const { api, pool, use, regroups } = await against([USER, OWN]);
  api.faults.add({ endpoint: 'account_token_verify', effect: { kind: 'status', status: 400 } });
  await use();
  await pool.ownersAsked();
  expect(await use()).toEqual([['user tokens', 2]]);
  expect(regroups()).toBe(0);
});

test('a 429 of one token blocks every token of its owner', async () => {
  const { api, pool, clients } = await against([USER, OTHER_USER]);
  const [first, second] = await clients();
  await pool.ownersAsked();
  api.requests.clear();
  api.faults.add({ effect: { kind: 'status', status: 429 } });
  await first?.verify(ACCOUNT);
  expect(await second?.verify(OTHER_ACCOUNT)).toMatchObject({
    ok: false,
    failure: { reason: 'rate_limited' },
  });
  expect(api.requests.count()).toBe(1);
});

test('a 429 of one owner does not block another', async () => {
  const { api, use, clients, regroups } = await against([USER, OWN]);
  await use();
  await vi.waitFor(() => expect(regroups()).toBe(1));
  const [user, own] = await clients();
  api.faults.add({ token: USER, effect: { kind: 'status', status: 429 } });
  await user?.verify(ACCOUNT);
  expect(user?.budget.blockedUntil()).toBeDefined();
  expect(own?.budget.blockedUntil()).toBeUndefined();
  expect(await own?.verify(IDS[1] ?? '')).toMatchObject({ ok: true });
});

test('the log lists which tokens share a budget, by file or variable', async () => {
  const logged: unknown[][] = [];
  const { use, regroups } = await against([USER, OWN, OTHER_USER], {
    log: { info: (...line: unknown[]) => void logged.push(line) },
  });
  await use();
  await vi.waitFor(() => expect(regroups()).toBe(1));
  await use();
  const name = 'CLOUDFLARE_API_TOKEN';
  expect(logged.map(([fields]) => fields)).toEqual([
    { budgets: [{ budget: 'user tokens', tokens: [name, name, name] }] },
    {
      budgets: [
        { budget: 'user tokens', tokens: [name, name] },
        { budget: name, tokens: [name] },
      ],
    },
  ]);
  expect(JSON.stringify(logged)).not.toContain(OWN);
});

/** An API whose answers and connections the test controls. */
async function aSlowApi(answer: (token: string, response: ServerResponse) => void) {
  const server = createServer((request, response) => {
    answer(String(request.headers.authorization).replace(/^Bearer /, ''), response);
  });
  const opened = new Set<Socket>();
  const open = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    opened.add(socket);
    open.add(socket);
    socket.on('close', () => open.delete(socket));
  });
  const url = `http://127.0.0.1:${await listen(server)}/client/v4`;
  return { url, opened: () => opened.size, open: () => open.size };
}

const answered = (response: ServerResponse): unknown =>
  response.end(envelope({ id: 'a'.repeat(32), status: 'active' }));

test('tokens share connections, and each request carries its token', async () => {
  const seen: string[] = [];
  const api = await aSlowApi((token, response) => {
    seen.push(token);
    answered(response);
  });
  const pool = aPool();
  const tokens = ['one-token', 'two-tokens', 'three-tokens'];
  const clients = await tokensOf(pool, {
    accounts: tokens.map((token, index) => ({ ...account(IDS[index] ?? '', token), budgetGroup: 'all' })),
    cloudflare: { ...cloudflare, apiUrl: api.url },
  });
  for (const { client } of clients) expect(await client.verify(ACCOUNT)).toMatchObject({ ok: true });
  expect(seen).toEqual(tokens);
  expect(api.opened()).toBe(1);
});

test('a token whose requests hang delays no other', async () => {
  const hanging: ServerResponse[] = [];
  const api = await aSlowApi((token, response) => {
    if (token === 'slow') hanging.push(response);
    else answered(response);
  });
  const pool = aPool();
  const concurrency = 3;
  const [slow, quick] = await tokensOf(pool, {
    accounts: [named(ACCOUNT, 'slow', 'a'), named(OTHER_ACCOUNT, 'quick', 'a')],
    cloudflare: { ...cloudflare, apiUrl: api.url, concurrency, requestTimeoutMs: 600_000 },
  });
  const calls = Array.from({ length: 10 }, async () => slow?.client.verify(ACCOUNT));
  await vi.waitFor(() => expect(hanging).toHaveLength(concurrency));
  for (let call = 0; call < 5; call += 1) {
    expect(await quick?.client.verify(OTHER_ACCOUNT)).toMatchObject({ ok: true });
  }
  // Other requests of the slow token were not sent meanwhile.
  expect(hanging).toHaveLength(concurrency);
  expect(api.opened()).toBe(concurrency + 1);
  await slow?.client.close();
  expect(await Promise.all(calls)).toEqual(
    calls.map(() => ({ ok: false, failure: { reason: 'network', message: 'stopped' } })),
  );
  // Closing one token's client leaves the connections of the others.
  expect(await quick?.client.verify(OTHER_ACCOUNT)).toMatchObject({ ok: true });
  await vi.waitFor(() => expect(api.open()).toBe(1));
  expect(api.opened()).toBe(concurrency + 1);
});

test('connections survive a reload unless the connection settings change', async () => {
  const api = await aSlowApi((_token, response) => answered(response));
  const other = await aSlowApi((_token, response) => answered(response));
  const pool = aPool();
  const accounts = [account(ACCOUNT, 'a')];
  const verifyUnder = async (settings: Partial<typeof cloudflare>): Promise<void> => {
    const [token] = await tokensOf(pool, { accounts, cloudflare: { ...cloudflare, ...settings } });
    await pool.closeUnused();
    expect(await token?.client.verify(ACCOUNT)).toMatchObject({ ok: true });
  };
  await verifyUnder({ apiUrl: api.url });
  await verifyUnder({ apiUrl: api.url, requestBudget: 900, concurrency: 4 });
  expect(api.opened()).toBe(1);
  await verifyUnder({ apiUrl: other.url });
  await vi.waitFor(() => expect(api.open()).toBe(0));
  await verifyUnder({ apiUrl: api.url });
  expect(api.opened()).toBe(2);
  await pool.close();
  await vi.waitFor(() => expect(api.open() + other.open()).toBe(0));
});

test.each([
  { tokens: 0, concurrency: 8, each: 8 },
  { tokens: 1, concurrency: 8, each: 8 },
  { tokens: 16, concurrency: 8, each: 8 },
  { tokens: 17, concurrency: 8, each: 7 },
  { tokens: 40, concurrency: 8, each: 3 },
  { tokens: 40, concurrency: 2, each: 2 },
  { tokens: 2_000, concurrency: 8, each: 1 },
])(
  '$tokens tokens with a concurrency of $concurrency: $each in flight per token',
  ({ tokens, concurrency, each }) => {
    expect(concurrencyPerToken(tokens, concurrency)).toBe(each);
  },
);

test('a token that lists accounts is open without any, shares a budget with others, and its replacement is reported', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'pool-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const path = join(folder, 'token');
  writeFileSync(path, USER);
  const api = await simulate({ accounts: IDS.map((id) => ({ id, name: id })), tokens: TOKENS });
  let replaced = 0;
  const pool = aPool({ onReplaced: () => void (replaced += 1) });
  const settings = { ...cloudflare, apiUrl: api.url };
  const discovery = { tokens: [{ token: { kind: 'file', path } }], exclude: [], names: [] } as const;
  const accounts = [account(ACCOUNT, OTHER_USER)];
  const [finding] = (await pool.use({ accounts, discovery, cloudflare: settings })).flatMap(({ tokens }) =>
    tokens.filter((token) => token.accounts.length === 0),
  );
  expect(pool.budgets()).toHaveLength(1);
  const [lister, ...others] = pool.listers();
  expect({ name: lister?.name, others }).toEqual({ name: path, others: [] });
  const list = () => lister?.list(new AbortController().signal);
  expect(await list()).toMatchObject({ ok: true, value: IDS.map((id) => ({ id, name: id })) });

  writeFileSync(path, OWN);
  await finding?.token.refresh();
  expect(replaced).toBe(1);
  expect(await list()).toMatchObject({ ok: false, failure: { reason: 'permission' } });
  await finding?.token.refresh();
  expect(replaced).toBe(1);
});
