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
])('the known name nearest to %s is %s', (name, meant) => {
  expect(nearest(name, known)).toBe(meant);
});

test('a name that is near to none has no suggestion', () => {
  expect(nearest('web.tls', known)).toBeUndefined();
});
