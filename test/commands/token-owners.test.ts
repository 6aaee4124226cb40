import { expect, test, vi } from 'vitest';
import type { VerifiedToken } from '../../src/cloudflare/client.ts';
import { createOwnerWatch, type OwnedToken, type TokenOwner } from '../../src/commands/token-owners.ts';
import type { Result } from '../../src/core/model.ts';

const FAILED = { ok: false, failure: { reason: 'server', message: 'answered 503' } } as const;

/** A token whose verification fails `failures` times first. */
function aToken(is: TokenOwner, failures = 0) {
  let owner: TokenOwner | undefined;
  const verify = vi.fn<() => Promise<Result<VerifiedToken>>>(async () => {
    if (verify.mock.calls.length <= failures) return FAILED;
    return { ok: true, value: { status: 'active', expiresAt: undefined, owner: is } };
  });
  const token: OwnedToken = {
    owner: () => owner,
    verify,
    learned: (learned) => {
      owner = learned;
    },
  };
  return { token, verify };
}

function aWatch() {
  const pauses: number[] = [];
  let attempts = 0;
  const watch = createOwnerWatch({
    afterAttempt: () => {
      attempts += 1;
    },
    pause: async (milliseconds) => void pauses.push(milliseconds),
  });
  return { watch, pauses, attempts: () => attempts };
}

test('all tokens are verified at the same time, once', async () => {
  const { watch, pauses, attempts } = aWatch();
  const tokens = [aToken('user'), aToken('account')];
  watch.watch(tokens.map(({ token }) => token));
  await vi.waitFor(() => expect(attempts()).toBe(1));
  expect(tokens.map(({ token }) => token.owner())).toEqual(['user', 'account']);
  expect(tokens.map(({ verify }) => verify.mock.calls.length)).toEqual([1, 1]);
  expect(pauses).toEqual([]);
});

test('only failed verifications are repeated, with growing pauses', async () => {
  const { watch, pauses, attempts } = aWatch();
  const [good, bad] = [aToken('user'), aToken('account', 7)];
  watch.watch([good.token, bad.token]);
  await watch.firstAttempt();
  expect(bad.token.owner()).toBeUndefined();
  await vi.waitFor(() => expect(bad.token.owner()).toBe('account'));
  await vi.waitFor(() => expect(attempts()).toBe(8));
  expect(good.verify).toHaveBeenCalledTimes(1);
  expect(pauses.map((ms) => ms / 1_000)).toEqual([30, 60, 120, 240, 480, 600, 600]);
});

test('tokens of known owners are not verified', async () => {
  const { watch } = aWatch();
  const { token, verify } = aToken('user');
  token.learned('account');
  watch.watch([token]);
  await watch.firstAttempt();
  expect(verify).not.toHaveBeenCalled();
});

test('results after stop are ignored', async () => {
  const { watch, attempts } = aWatch();
  const { token } = aToken('user');
  watch.watch([token]);
  watch.stop();
  await watch.firstAttempt();
  expect(token.owner()).toBeUndefined();
  expect(attempts()).toBe(0);
});
