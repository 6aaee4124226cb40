import { expect, test } from 'vitest';
import { nearest } from '../../src/config/nearest.ts';

const known = ['poll.stale-after', 'poll.schedule', 'cloudflare.account-id', 'config.file', 'log.level'];

test.each([
  ['poll.stale-aftr', 'poll.stale-after'],
  ['POLL_STALE_AFTER', 'poll.stale-after'],
  ['stale-after', 'poll.stale-after'],
  ['account_id', 'cloudflare.account-id'],
  ['config', 'config.file'],
  ['log.levle', 'log.level'],
])('%s most likely means %s', (name, meant) => {
  expect(nearest(name, known)).toBe(meant);
});

test('a name that is like nothing is left alone', () => {
  expect(nearest('web.tls', known)).toBeUndefined();
});
