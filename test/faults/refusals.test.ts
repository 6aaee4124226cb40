import { expect, test } from 'vitest';
import type { FaultEffect } from '../../src/simulator/index.ts';
import { configOf } from '../config/support.ts';
import { numbered, fleetOf } from '../poller/support.ts';
import { anExporter, errors, POLL_MS, success, up } from './support.ts';

/**
 * Too many requests: nothing is asked with the token until Cloudflare allows it again, which the metrics tell; what is
 * known stays until it is too old; then requests ramp up.
 */
interface Refusal {
  readonly name: string;
  readonly effect: FaultEffect;
  readonly blockedSeconds: number;
}

const with429 = (headers: Readonly<Record<string, string>>): FaultEffect => ({
  kind: 'status',
  status: 429,
  headers,
});

const REFUSALS: readonly Refusal[] = [
  { name: '429 with Retry-After in seconds', effect: with429({ 'retry-after': '42' }), blockedSeconds: 42 },
  {
    name: '429 with Retry-After as a date',
    effect: with429({
      'retry-after': 'Tue, 29 Sep 2026 00:02:00 GMT',
      date: 'Tue, 29 Sep 2026 00:00:00 GMT',
    }),
    blockedSeconds: 120,
  },
  { name: '429 without Retry-After', effect: with429({}), blockedSeconds: 300 },
  { name: '429 with Retry-After 0', effect: with429({ 'retry-after': '0' }), blockedSeconds: 5 },
  { name: '429 with a negative Retry-After', effect: with429({ 'retry-after': '-60' }), blockedSeconds: 5 },
  {
    name: '429 with Retry-After 999999',
    effect: with429({ 'retry-after': '999999' }),
    blockedSeconds: 3_600,
  },
  {
    name: 'code 971 under 200',
    effect: { kind: 'error', status: 200, code: 971 },
    blockedSeconds: 300,
  },
];

test.each(REFUSALS)('$name', async ({ effect, blockedSeconds }) => {
  const exporter = await anExporter({ simulator: fleetOf(...numbered(60)) });
  await exporter.pollNext();
  exporter.simulator.faults.add({ times: 1, effect });
  await exporter.pollNext();
  const refusedAt = exporter.clock.now();
  const requests = exporter.simulator.requests.count();
  const during = await exporter.metrics();
  expect(during.value('exporter_api_blocked_until_timestamp_seconds')).toBe(
    refusedAt / 1000 + blockedSeconds,
  );
  expect(during.value('exporter_api_budget_available')).toBe(0);
  expect(up(during)).toBe(0);
  expect(errors(during, 'rate_limited')).toBeGreaterThanOrEqual(1);
  expect(during.tunnels()).toHaveLength(60);
  const [line = ''] = exporter.told();
  expect(line).toContain(`no request with this token for ${blockedSeconds} s`);
  expect(line.includes('Cloudflare asked for longer, which is ignored')).toBe(blockedSeconds === 3_600);

  // One more poll while it lasts, a moment before it is over.
  exporter.clock.pass(blockedSeconds * 1000 - 1 - POLL_MS);
  await exporter.pollNext();
  expect(exporter.simulator.requests.count()).toBe(requests);
  const isStale = blockedSeconds >= 300;
  expect((await exporter.metrics()).tunnels()).toHaveLength(isStale ? 0 : 60);

  // Two a second from then on, of which the list is the first.
  exporter.clock.pass(5_001 - POLL_MS);
  await exporter.pollNext();
  const after = await exporter.metrics();
  expect(exporter.simulator.requests.count() - requests).toBeLessThanOrEqual(10);
  expect(up(after)).toBe(1);
  expect(after.tunnels()).toHaveLength(60);
  expect(after.value('exporter_api_blocked_until_timestamp_seconds')).toBe(0);
  for (let poll = 0; poll < 3; poll += 1) await exporter.pollNext();
  expect(success(await exporter.metrics(), 'connections')).toBe(1);
});

test('429 among the details stops the rest of the pass', async () => {
  const exporter = await anExporter({
    simulator: fleetOf(...numbered(20)),
    config: { cloudflare: { concurrency: 1 }, tunnels: { configurations: false } },
  });
  await exporter.pollNext();
  exporter.simulator.requests.clear();
  exporter.simulator.faults.add({
    endpoint: 'cfd_tunnel_connections',
    skip: 3,
    times: 1,
    effect: with429({ 'retry-after': '60' }),
  });
  await exporter.pollNext();
  expect(exporter.simulator.requests.totals()).toEqual({ tunnels: 1, cfd_tunnel_connections: 4 });
  const during = await exporter.metrics();
  expect(success(during, 'connections')).toBe(0);
  expect(up(during)).toBe(1);
  for (let poll = 0; poll < 6; poll += 1) await exporter.pollNext();
  expect(success(await exporter.metrics(), 'connections')).toBe(1);
});

test('429 without Retry-After keeps the tunnels, for data may be older than the block lasts', async () => {
  const { staleAfterMs } = configOf({}).poll;
  const exporter = await anExporter({ config: { poll: { staleAfterMs } } });
  await exporter.pollNext();
  exporter.simulator.faults.add({ times: 1, effect: with429({}) });
  for (let poll = 0; poll < 11; poll += 1) {
    await exporter.pollNext();
    expect((await exporter.metrics()).tunnels()).toEqual(['erp', 'shop']);
  }
  await exporter.pollNext();
  expect(up(await exporter.metrics())).toBe(1);
});
