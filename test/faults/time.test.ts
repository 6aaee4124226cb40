import { expect, test, vi } from 'vitest';
import { aPoller } from '../poller/poller-rig.ts';
import { ACCOUNT, fleetOf, numbered } from '../poller/support.ts';
import { anExporter, observedAt, success, up } from './support.ts';

const HOUR = 3_600_000;

test.each([
  ['a clock that jumps forward by an hour', HOUR],
  ['a clock that jumps back by an hour', -HOUR],
])('%s', async (_, jump) => {
  const exporter = await anExporter({ simulator: fleetOf(...numbered(5)) });
  for (let poll = 0; poll < 3; poll += 1) await exporter.pollNext();
  const before = exporter.clock.now();
  exporter.clock.jump(jump);
  expect(Math.abs(exporter.clock.now() - before)).toBe(HOUR);

  // The schedule notices within five seconds, and polls.
  await exporter.pollNext();
  const after = await exporter.metrics();
  expect(up(after)).toBe(1);
  expect(after.tunnels()).toHaveLength(5);
  expect(after.value('exporter_collector_last_success_timestamp_seconds', { collector: 'tunnels' })).toBe(
    exporter.clock.now() / 1000,
  );
  for (const tunnel of numbered(5)) expect(observedAt(after, tunnel)).toBe(exporter.clock.now() / 1000);
  expect(exporter.told()).toEqual([]);
  // No burst, and nothing held back: the budget goes by a clock that does not jump.
  expect(exporter.group.client.budget.available()).toBeLessThanOrEqual(150);
  for (let poll = 0; poll < 3; poll += 1) await exporter.pollNext();
  expect(success(await exporter.metrics(), 'connections')).toBe(1);
});

test.each([
  ['a clock that jumps forward by an hour while the list fails', HOUR],
  ['a clock that jumps back by an hour while the list fails', -HOUR],
])('%s', async (_, jump) => {
  const exporter = await anExporter();
  await exporter.pollNext();
  const { remove } = exporter.simulator.faults.add({ effect: { kind: 'status', status: 500 } });
  exporter.clock.jump(jump);
  await exporter.pollNext();
  // Of unknown age: absent rather than old.
  expect((await exporter.metrics()).tunnels()).toEqual([]);
  remove();
  for (let poll = 0; poll < 2; poll += 1) await exporter.pollNext();
  const after = await exporter.metrics();
  expect(after.tunnels()).toEqual(['erp', 'shop']);
  expect(success(after, 'connections')).toBe(1);
});

test('a clock that jumps back by an hour while connections fail', async () => {
  const exporter = await anExporter({ config: { tunnels: { configurations: false } } });
  await exporter.pollNext();
  const tunnelId = exporter.simulator.fleet.tunnelNamed(ACCOUNT, 'shop')?.id ?? '';
  const { remove, hits } = exporter.simulator.faults.add({
    endpoint: 'cfd_tunnel_connections',
    tunnelId,
    effect: { kind: 'status', status: 400 },
  });
  for (let poll = 0; poll < 3; poll += 1) await exporter.pollNext();
  exporter.clock.jump(-HOUR);
  const before = hits();
  for (let poll = 0; poll < 10; poll += 1) await exporter.pollNext();
  // It backs off as it did before the jump.
  expect(hits() - before).toBeLessThanOrEqual(5);
  expect((await exporter.metrics()).value('connectors', { tunnel_name: 'shop' })).toBeUndefined();
  remove();
  for (let poll = 0; poll < 10; poll += 1) await exporter.pollNext();
  expect((await exporter.metrics()).value('connectors', { tunnel_name: 'shop' })).toBe(1);
});

test('a poll that takes longer than its interval', async () => {
  const rig = await aPoller({
    simulator: fleetOf('shop'),
    config: { cloudflare: { requestTimeoutMs: 2_300 } },
    poll: { schedule: '*/1 * * * * *' },
  });
  rig.simulator.faults.add({ endpoint: 'tunnels', times: 1, effect: { kind: 'silence' } });
  rig.poller.start();
  await vi.waitUntil(() => rig.polls.includes('success'), 10_000);
  // One after the other: the first list is given up, and what was due meanwhile is counted.
  expect(rig.polls.indexOf('skipped')).toBe(0);
  expect(rig.polls.indexOf('failure')).toBeLessThan(rig.polls.indexOf('success'));
  expect(rig.logged).toContainEqual(
    expect.stringContaining('poll skipped: the previous one is still running'),
  );
  expect(rig.names()).toEqual(['shop']);
});
