import { expect, test } from 'vitest';
import { costOf, createBasicAuth, readUsers, verifyByBcrypt } from '../../../src/web/basic-auth.ts';
import type { Authenticate } from '../../../src/web/basic-auth.ts';
import { parseSection } from '../../../src/web/web-config-section.ts';

/** Hashes of "secret" and "süß". */
const ALICE = '$2y$05$YWFQW5BwG70FIFM9v.2QB.TzhV7/0BWBxBOCkEKvUXw9zC3BsIY2y';
const BOB = '$2b$04$9vKsqr5EasAAY/WuAAooHuWQ7Nd6n5LxprUwIhRVM9P0B/Vm8PUW2';

const NEVER = new AbortController().signal;

function theUsers(): Map<string, string> {
  return new Map([
    ['alice', ALICE],
    ['bob', BOB],
  ]);
}

function basic(credentials: string): string {
  return `Basic ${Buffer.from(credentials).toString('base64')}`;
}

async function statusOf(authenticate: Authenticate, authorization?: string): Promise<number> {
  return (await authenticate(authorization, NEVER))?.status ?? 200;
}

/** Basic auth with real bcrypt. `verified` lists the hashes that were verified. */
function recorded() {
  const verified: string[] = [];
  const users = theUsers();
  const authenticate = createBasicAuth({
    users: () => users,
    verify: (password, hash) => {
      verified.push(hash);
      return verifyByBcrypt(password, hash);
    },
  });
  return { authenticate, verified, users };
}

test('the right password is accepted, and verified once', async () => {
  const { authenticate, verified } = recorded();
  for (let time = 0; time < 3; time++) expect(await statusOf(authenticate, basic('alice:secret'))).toBe(200);
  expect(verified).toEqual([ALICE]);
  expect(await statusOf(authenticate, basic('bob:süß'))).toBe(200);
  expect(await statusOf(authenticate, basic('bob:süß').replace('Basic', 'BASIC '))).toBe(200);
  expect(verified).toEqual([ALICE, BOB]);
});

test('a wrong password is verified and refused every time', async () => {
  const { authenticate, verified } = recorded();
  for (const password of ['', 'Secret', 'secret ', 'süß', 'a:secret'])
    expect(await statusOf(authenticate, basic(`alice:${password}`))).toBe(401);
  expect(await statusOf(authenticate, basic('alice:secret'))).toBe(200);
  expect(await statusOf(authenticate, basic('alice:Secret'))).toBe(401);
  expect(await statusOf(authenticate, basic('bob:secret'))).toBe(401);
  expect(verified).toHaveLength(8);
});

test('every refusal is the same, and requests Basic credentials', async () => {
  const { authenticate } = recorded();
  const wrongPassword = await authenticate(basic('alice:wrong'), NEVER);
  expect(wrongPassword).toMatchObject({
    status: 401,
    headers: { 'WWW-Authenticate': expect.stringMatching(/^Basic realm=/) },
  });
  expect(await authenticate(basic('nobody:wrong'), NEVER)).toEqual(wrongPassword);
  expect(await authenticate(undefined, NEVER)).toEqual(wrongPassword);
});

test('an unknown user costs one verification like a known one, the same for each name', async () => {
  const { authenticate, verified } = recorded();
  const names = Array.from({ length: 24 }, (_, index) => `nobody-${index}`);
  for (const name of [...names, ...names])
    expect(await statusOf(authenticate, basic(`${name}:secret`))).toBe(401);
  expect(verified).toHaveLength(48);
  expect(verified.slice(24)).toEqual(verified.slice(0, 24));
  expect(new Set(verified.map(costOf))).toEqual(new Set(['04', '05']));
  expect(verified).not.toContain(ALICE);
});

test.each([
  undefined,
  '',
  'Basic',
  'Basic ',
  'Basic !!!!',
  'Basic YWxpY2U=',
  'Bearer YWxpY2U6c2VjcmV0',
  'Digest username="alice"',
  'Basic YWxpY2U6c2VjcmV0, Basic YWxpY2U6c2VjcmV0',
])('a header without Basic credentials is refused without verification: %j', async (authorization) => {
  const { authenticate, verified } = recorded();
  expect(await statusOf(authenticate, authorization)).toBe(401);
  expect(verified).toEqual([]);
});

test('without users nobody needs a password', async () => {
  const authenticate = createBasicAuth({
    users: () => new Map(),
    verify: () => Promise.reject(new Error('not to be called')),
  });
  expect(await statusOf(authenticate)).toBe(200);
  expect(await statusOf(authenticate, basic('alice:wrong'))).toBe(200);
});

test('a user who was removed or has a new hash is refused at once, even if cached', async () => {
  const { authenticate, users } = recorded();
  expect(await statusOf(authenticate, basic('alice:secret'))).toBe(200);
  users.set('alice', BOB);
  expect(await statusOf(authenticate, basic('alice:secret'))).toBe(401);
  expect(await statusOf(authenticate, basic('alice:süß'))).toBe(200);
  users.delete('alice');
  expect(await statusOf(authenticate, basic('alice:süß'))).toBe(401);
});

/** Basic auth whose verifications wait for `answerNext`. `verified` lists the passwords. */
function pending() {
  const verified: string[] = [];
  const open: ((good: boolean) => void)[] = [];
  const users = theUsers();
  const authenticate = createBasicAuth({
    users: () => users,
    verify: (password) => {
      verified.push(Buffer.from(password).toString());
      return new Promise((resolve) => void open.push(resolve));
    },
  });
  return { authenticate, verified, users, answerNext: (good: boolean) => open.shift()?.(good) };
}

/** Resolves when all pending promises have settled that need no answer. */
function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

test('passwords are verified one at a time with a short queue, which cached ones do not enter', async () => {
  const { authenticate, verified, answerNext } = pending();
  const first = statusOf(authenticate, basic('bob:good'));
  await settled();
  answerNext(true);
  expect(await first).toBe(200);

  const statuses = Array.from({ length: 30 }, (_, index) => statusOf(authenticate, basic(`alice:${index}`)));
  await settled();
  expect(verified).toEqual(['good', '0']);
  expect(await statusOf(authenticate, basic('bob:good'))).toBe(200);
  const busy = await authenticate(basic('alice:late'), NEVER);
  expect(busy).toMatchObject({ status: 503, headers: { 'Retry-After': '1' } });
  for (let index = 0; index < 30; index++) {
    answerNext(false);
    await settled();
  }
  const refused = (await Promise.all(statuses)).filter((status) => status === 401);
  // Every refused request was verified; the others were answered 503.
  expect(verified.slice(1)).toHaveLength(refused.length);
  expect((await Promise.all(statuses)).filter((status) => status === 503)).toHaveLength(30 - refused.length);
  expect(refused.length).toBeGreaterThan(10);
});

test('no password is verified for a client that left the queue', async () => {
  const { authenticate, verified, answerNext } = pending();
  const gone = new AbortController();
  const first = statusOf(authenticate, basic('alice:first'));
  const second = authenticate(basic('alice:second'), gone.signal);
  await settled();
  gone.abort();
  answerNext(true);
  expect(await first).toBe(200);
  expect(await second).toMatchObject({ status: 401 });
  expect(verified).toEqual(['first']);
});

test('a password is refused if its user is removed during the verification', async () => {
  const { authenticate, answerNext, users } = pending();
  const status = statusOf(authenticate, basic('alice:good'));
  await settled();
  users.delete('alice');
  answerNext(true);
  expect(await status).toBe(401);
});

test('only the latest hundred passwords are cached', async () => {
  const { authenticate, verified, answerNext } = pending();
  const ask = async (password: string): Promise<void> => {
    const status = statusOf(authenticate, basic(`alice:${password}`));
    await settled();
    answerNext(true);
    expect(await status).toBe(200);
  };
  for (let index = 0; index <= 100; index++) await ask(String(index));
  await ask('100');
  await ask('1');
  expect(verified).toHaveLength(101);
  await ask('0');
  expect(verified).toHaveLength(102);
});

test.each([
  [`basic_auth_users: { alice: ${ALICE} }`, 1],
  ['basic_auth_users: {}', 0],
])('without the native part of bcrypt, only users are a problem: %s', (yaml, count) => {
  const problems: string[] = [];
  const top = parseSection(yaml, {
    file: 'web.yml',
    known: ['basic_auth_users'],
    problem: (line) => void problems.push(line),
  });
  readUsers(top.section('basic_auth_users'), () => false);
  expect(problems).toEqual(
    Array.from({ length: count }, () =>
      expect.stringMatching(/^basic_auth_users \(web\.yml:1\): needs the native part of @node-rs\/bcrypt/),
    ),
  );
});
