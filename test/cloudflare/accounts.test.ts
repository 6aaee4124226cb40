import { setTimeout } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { ACCOUNT, always, clientFor, containing, envelope, serve, simulate, TOKEN } from './support.ts';

const OTHER = 'b'.repeat(32);
const numbered = (count: number) =>
  Array.from({ length: count }, (_, index) => ({
    id: String(index).padStart(32, '0'),
    name: `account-${index}`,
  }));

test('200 accounts take four requests of 50 each', async () => {
  const simulator = await simulate({ accounts: numbered(200) });
  const { client, sent } = await clientFor(simulator.url);
  expect(await client.accounts()).toEqual({ ok: true, value: numbered(200) });
  expect(sent.map(({ endpoint, code }) => `${endpoint} ${code}`)).toEqual(Array(4).fill('accounts 200'));
  expect(simulator.requests.entries().map(({ query }) => query)).toEqual(
    [1, 2, 3, 4].map((page) => `per_page=50&page=${page}`),
  );
});

test('a token lists the accounts that it can access', async () => {
  const simulator = await simulate({
    accounts: [
      { id: ACCOUNT, name: 'One' },
      { id: OTHER, name: 'Two' },
    ],
    tokens: [{ value: TOKEN, accounts: [OTHER] }],
  });
  const { client } = await clientFor(simulator.url);
  expect(await client.accounts()).toEqual({ ok: true, value: [{ id: OTHER, name: 'Two' }] });
});

test('a failed page fails the whole list', async () => {
  const simulator = await simulate({ accounts: numbered(60) });
  simulator.faults.add({ endpoint: 'accounts', page: 2, effect: { kind: 'half_json' } });
  const { client, errors } = await clientFor(simulator.url);
  expect(await client.accounts()).toMatchObject({
    ok: false,
    failure: { message: containing('incomplete list, page 2 failed') },
  });
  expect(errors).toEqual(['malformed']);
});

test('a page of 50 without any count is followed by another one', async () => {
  const simulator = await simulate({ accounts: numbered(60) });
  simulator.faults.add({
    endpoint: 'accounts',
    effect: { kind: 'rewrite', rewrite: (body) => ({ ...Object(body), result_info: undefined }) },
  });
  const { client } = await clientFor(simulator.url);
  const list = await client.accounts();
  expect(list.ok && list.value).toHaveLength(60);
});

test('a total_count that also counts accounts out of reach does not make the list incomplete', async () => {
  const simulator = await simulate({ accounts: numbered(3) });
  simulator.faults.add({ endpoint: 'accounts', effect: { kind: 'total_count', add: 4 } });
  const { client } = await clientFor(simulator.url);
  expect(await client.accounts()).toEqual({ ok: true, value: numbered(3) });
});

const NAME_THEM = 'set CLOUDFLARE_ACCOUNT_ID, or name accounts in the configuration file';

test.each([
  [
    'a token that an account owns',
    { owner: 'account' as const },
    `token is owned by an account and cannot list accounts; ${NAME_THEM}: GET /accounts answered 400, code 1001 "List accounts endpoint does not support account owned tokens."`,
  ],
  [
    'a token without the permission',
    { permissions: ['Cloudflare Tunnel Read'] as const },
    `token can list no account; give it Account Settings Read on the accounts to watch, or ${NAME_THEM}: GET /accounts answered 200 with an empty list`,
  ],
])('%s is told in one line what to do', async (_, spec, message) => {
  const simulator = await simulate({ tokens: [{ value: TOKEN, ...spec }] });
  const { client, errors } = await clientFor(simulator.url);
  expect(await client.accounts()).toEqual({ ok: false, failure: { reason: 'permission', message } });
  expect(errors).toEqual(['permission']);
});

test('an account-owned token fails with what to do instead', async () => {
  const simulator = await simulate();
  simulator.tokens.revoke(TOKEN);
  const { client } = await clientFor(simulator.url);
  expect(await client.accounts()).toEqual({
    ok: false,
    failure: {
      reason: 'auth',
      message:
        'token is not valid (mistyped, revoked, expired, or not allowed from this address): GET /accounts answered 403, code 9109 "Invalid access token"',
    },
  });
});

test.each([
  [[{ name: 'no id' }], 'result[0].id is missing, expected a string'],
  [{}, 'result is of type object, expected an array'],
  [null, 'result is null, expected an array'],
])('%j is no list', async (result, problem) => {
  const { client } = await clientFor(await serve(always(200, envelope(result))));
  expect(await client.accounts()).toEqual({
    ok: false,
    failure: { reason: 'malformed', message: `GET /accounts: ${problem}` },
  });
});

test('a name may be missing, null or of a wrong type', async () => {
  const accounts = [{ id: 'a' }, { id: 'b', name: null }, { id: 'c', name: 7 }, { id: 'd', name: 'D' }];
  const { client } = await clientFor(await serve(always(200, envelope(accounts))));
  const list = await client.accounts();
  expect(list.ok && list.value.map(({ name }) => name)).toEqual(['', '', '', 'D']);
});

test('a call may wait longer for the budget than for an answer', async () => {
  const simulator = await simulate({ accounts: numbered(1) });
  const { client } = await clientFor(simulator.url, { requestBudget: 1, requestTimeoutMs: 100 });
  client.budget.hold(1);
  expect(await client.accounts()).toMatchObject({ ok: false, failure: { reason: 'rate_limited' } });
  const stop = new AbortController();
  const waiting = client.accounts({ budgetWaitMs: 600_000, signal: stop.signal });
  await setTimeout(20);
  stop.abort();
  expect(await waiting).toMatchObject({ ok: false, failure: { message: 'stopped' } });
  expect(simulator.requests.count()).toBe(0);
});
