import { spawnSync } from 'node:child_process';
import { expect, test } from 'vitest';

test('1,000 events about large tunnels take less than 2 MB, and hold no snapshot', () => {
  const { stdout, stderr } = spawnSync(process.execPath, ['--expose-gc', 'test/bench/event-memory.ts'], {
    encoding: 'utf8',
  });
  const measured: { readonly events: number; readonly bytes: number } = JSON.parse(stdout || stderr);
  expect(measured.events).toBe(1000);
  expect(measured.bytes).toBeLessThan(2_000_000);
});
