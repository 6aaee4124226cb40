import { expect, onTestFinished, test } from 'vitest';
import { STOPPED } from '../../src/cloudflare/errors.ts';
import type { Account, Failure, Result } from '../../src/core/model.ts';
import { type AccountLister, createAccountDiscovery } from '../../src/cloudflare/account-discovery.ts';

const MINUTE = 60_000;
const A: Account = { id: 'a', name: 'Acme' };
const B: Account = { id: 'b', name: 'Beta' };
const DOWN: Failure = { reason: 'server', message: 'GET /accounts answered 503' };

interface RigOptions {
  /** By token. */
  readonly tokens?: readonly string[];
}

/** A discovery in virtual time: `pass` lets it go on until its next pause. */
function aRig({ tokens = ['one'] }: RigOptions = {}) {
  let now = 0;
  const answers = new Map<string, Result<readonly Account[]>>();
  const listed: string[] = [];
  const logged: string[] = [];
  let paused = Promise.withResolvers<void>();
  let drain: (() => void) | undefined;
  let pauseMs = Infinity;
  let changes = 0;
  const lister = (key: string): AccountLister => ({
    key,
    name: `file ${key}`,
    list: async () => {
      listed.push(`${key} ${now / MINUTE}`);
      return answers.get(key) ?? { ok: false, failure: DOWN };
    },
  });
  const discovery = createAccountDiscovery({
    listers: () => tokens.map(lister),
    onListed: async () => void (changes += 1),
    clock: () => now,
    monotonic: () => now,
    random: () => 0,
    log: {
      info: (...entry: readonly unknown[]) => void logged.push(`info: ${String(entry.at(-1))}`),
      warn: (...entry: readonly unknown[]) => void logged.push(`warn: ${String(entry.at(-1))}`),
    },
    pause: (milliseconds, signal) =>
      new Promise((resolve) => {
        pauseMs = milliseconds;
        drain = resolve;
        signal.addEventListener('abort', () => resolve(), { once: true });
        if (signal.aborted) resolve();
        paused.resolve();
      }),
  });
  onTestFinished(() => discovery.stop());
  discovery.reconfigure(tokens.map((key) => ({ key, accounts: [] })));
  const isPaused = async (): Promise<void> => {
    await paused.promise;
    paused = Promise.withResolvers();
  };
  return {
    discovery,
    listed,
    logged,
    changes: () => changes,
    answer: (key: string, ...accounts: readonly Account[]) => answers.set(key, { ok: true, value: accounts }),
    fail: (key: string, failure: Failure = DOWN) => answers.set(key, { ok: false, failure }),
    known: (key = 'one') => [...discovery.listOf(key).accounts.keys()],
    start: async () => {
      discovery.start();
      await isPaused();
    },
    /** Until the next pause, as long as the discovery wants to wait. */
    pass: async () => {
      now += pauseMs;
      drain?.();
      await isPaused();
    },
    isPaused,
  };
}

test('lists at once, and then every ten minutes', async () => {
  const { answer, start, pass, listed, known, changes } = aRig();
  answer('one', A);
  await start();
  expect(known()).toEqual(['a']);
  answer('one', A, B);
  await pass();
  expect(known()).toEqual(['a', 'b']);
  answer('one', B);
  await pass();
  expect(known()).toEqual(['a', 'b']);
  await pass();
  expect(known()).toEqual(['b']);
  expect(listed).toEqual(['one 0', 'one 10', 'one 20', 'one 30']);
  expect(changes()).toBe(4);
});

test('a failed list is retried with increasing delays, and logged every ten minutes', async () => {
  const { fail, answer, start, pass, listed, logged } = aRig();
  fail('one');
  await start();
  for (let tries = 0; tries < 9; tries += 1) await pass();
  const at = listed.map((line) => Number(line.split(' ')[1]) * MINUTE);
  expect(at.map((time, index) => (time - (at[index - 1] ?? 0)) / 1000)).toEqual([
    0, 5, 10, 20, 40, 80, 160, 320, 600, 600,
  ]);
  // After 0, 635, 1235 and 1835 seconds.
  expect(logged).toEqual(
    Array(4).fill('warn: Cannot list the accounts of file one: GET /accounts answered 503'),
  );
  answer('one', A);
  await pass();
  expect(logged.at(-1)).toBe('info: the accounts of file one can be listed again');
});

test('a failure is logged when its reason changes, not when its message does', async () => {
  const { fail, start, pass, logged } = aRig();
  fail('one', { reason: 'rate_limited', message: 'refused for another 300 s' });
  await start();
  fail('one', { reason: 'rate_limited', message: 'refused for another 295 s' });
  await pass();
  fail('one');
  await pass();
  expect(logged).toEqual([
    'warn: Cannot list the accounts of file one: refused for another 300 s',
    'warn: Cannot list the accounts of file one: GET /accounts answered 503',
  ]);
});

test('a failed list in between changes nothing', async () => {
  const { answer, fail, start, pass, known, logged } = aRig();
  answer('one', A, B);
  await start();
  answer('one', A);
  await pass();
  expect(logged).toEqual([
    'info: no longer among the accounts of file one, and dropped if the next list does not contain them either: Beta (b)',
  ]);
  fail('one');
  await pass();
  expect(known()).toEqual(['a', 'b']);
  expect(logged.at(-1)).toBe(
    'warn: Cannot list the accounts of file one: GET /accounts answered 503; the 2 known accounts stay',
  );
  answer('one', A);
  await pass();
  expect(known()).toEqual(['a']);
});

test('each token has its own schedule', async () => {
  const { answer, fail, start, pass, listed } = aRig({ tokens: ['one', 'two'] });
  answer('one', A);
  fail('two');
  await start();
  answer('two', B);
  await pass();
  await pass();
  await pass();
  expect(listed).toEqual(['one 0', 'two 0', `two ${5 / 60}`, 'one 10', `two ${10 + 5 / 60}`]);
});

test('listSoon lists again, also during a list', async () => {
  const { answer, discovery, start, isPaused, listed } = aRig();
  answer('one', A);
  await start();
  discovery.listSoon();
  await isPaused();
  expect(listed).toHaveLength(2);
  discovery.listSoon();
  await Promise.resolve();
  discovery.listSoon();
  await isPaused();
  expect(listed.length).toBeGreaterThan(2);
});

test('once resolves to whether every list was complete', async () => {
  const { answer, fail, discovery, changes } = aRig({ tokens: ['one', 'two'] });
  answer('one', A);
  fail('two');
  expect(await discovery.once()).toBe(false);
  expect(changes()).toBe(1);
  answer('two', B);
  expect(await discovery.once()).toBe(true);
});

test('reconfigure keeps the accounts of tokens that stay', async () => {
  const { answer, discovery, start, known } = aRig();
  answer('one', A);
  await start();
  discovery.reconfigure([
    { key: 'one', accounts: [B] },
    { key: 'new', accounts: [B] },
  ]);
  expect(known()).toEqual(['a']);
  expect(known('new')).toEqual(['b']);
  discovery.reconfigure([]);
  expect(known()).toEqual([]);
});

test('a list stopped by new settings is neither a failure nor a success', async () => {
  const { fail, start, logged, known, pass, answer } = aRig();
  fail('one', STOPPED);
  await start();
  expect(logged).toEqual([]);
  answer('one', A);
  await pass();
  expect(known()).toEqual(['a']);
});
