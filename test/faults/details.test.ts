import { expect, test } from 'vitest';
import type { FailureReason } from '../../src/core/model.ts';
import type { FaultEffect, FleetTunnel } from '../../src/simulator/index.ts';
import { ACCOUNT, fleetOf } from '../poller/support.ts';
import {
  anExporter,
  errors,
  observedAt,
  POLL_MS,
  POLLS_UNTIL_STALE,
  SHORT_TIMEOUT_MS,
  success,
  up,
} from './support.ts';

/**
 * A tunnel's connections that cannot be observed: the last good ones stay until they are too old, the other tunnel and
 * the list are as fresh as ever.
 */
interface DetailFault {
  readonly name: string;
  readonly effect: FaultEffect;
  readonly reason: FailureReason;
  readonly told: RegExp;
  readonly requestTimeoutMs?: number;
}

const FAULTS: readonly DetailFault[] = [
  {
    name: 'connections that answer 403',
    effect: { kind: 'status', status: 403 },
    reason: 'permission',
    told: /token lacks Cloudflare Tunnel Read/,
  },
  {
    name: 'connections that answer 500',
    effect: { kind: 'status', status: 500 },
    reason: 'server',
    told: /answered 500/,
  },
  {
    name: 'connections whose headers are never sent',
    effect: { kind: 'silence' },
    reason: 'timeout',
    requestTimeoutMs: SHORT_TIMEOUT_MS,
    told: /no complete answer within/,
  },
  {
    name: 'connections that are cut off in the middle of the body',
    effect: { kind: 'cut' },
    reason: 'network',
    told: /ECONNRESET|closed|aborted|terminated|broke/i,
  },
  {
    name: 'connections whose result is null',
    effect: { kind: 'text', text: '{"success":true,"errors":[],"messages":[],"result":null}' },
    reason: 'malformed',
    told: /result is null, expected an array/,
  },
  {
    name: 'connections of wrong types',
    effect: { kind: 'text', text: '{"success":true,"errors":[],"messages":[],"result":[{"conns":7}]}' },
    reason: 'malformed',
    told: /result\[0\]\.conns is of type number/,
  },
];

test.each(FAULTS)('$name', async ({ effect, reason, told, requestTimeoutMs = 10_000 }) => {
  const exporter = await anExporter({
    config: { cloudflare: { requestTimeoutMs }, tunnels: { configurations: false } },
  });
  await exporter.pollNext();
  const seenAt = observedAt(await exporter.metrics(), 'shop');
  const tunnelId = exporter.simulator.fleet.tunnelNamed(ACCOUNT, 'shop')?.id ?? '';
  const { remove } = exporter.simulator.faults.add({
    endpoint: 'cfd_tunnel_connections',
    tunnelId,
    effect,
  });

  await exporter.pollNext();
  const during = await exporter.metrics();
  expect(up(during)).toBe(1);
  expect(success(during, 'connections')).toBe(0);
  expect(errors(during, reason)).toBe(1);
  expect(during.value('connectors', { tunnel_name: 'shop' })).toBe(1);
  expect(observedAt(during, 'shop')).toBe(seenAt);
  expect(observedAt(during, 'erp')).toBe(exporter.clock.now() / 1000);
  expect(exporter.told()).toEqual([expect.stringMatching(told)]);

  // It is not asked for in every poll any more, which is no recovery.
  for (let poll = 2; poll < POLLS_UNTIL_STALE; poll += 1) {
    await exporter.pollNext();
    expect(success(await exporter.metrics(), 'connections')).toBe(0);
  }
  expect(exporter.told()).toEqual([]);
  await exporter.pollNext();
  const stale = await exporter.metrics();
  expect(stale.tunnels()).toEqual(['erp', 'shop']);
  expect(stale.value('connectors', { tunnel_name: 'shop' })).toBeUndefined();
  expect(stale.value('connectors', { tunnel_name: 'erp' })).toBe(1);

  remove();
  // As long again as it has failed, and five minutes at most.
  for (let poll = 0; poll < 10; poll += 1) await exporter.pollNext();
  const after = await exporter.metrics();
  expect(after.value('connectors', { tunnel_name: 'shop' })).toBe(1);
  expect(success(after, 'connections')).toBe(1);
  expect(exporter.told().filter((line) => line.startsWith('info'))).toEqual(['info: recovered']);
});

test('a tunnel that is deleted between the list and its connections', async () => {
  const exporter = await anExporter();
  await exporter.pollNext();
  const { fleet, faults } = exporter.simulator;
  const tunnelId = fleet.tunnelNamed(ACCOUNT, 'shop')?.id ?? '';
  faults.add({
    endpoint: ['cfd_tunnel_connections', 'cfd_tunnel_configurations'],
    tunnelId,
    times: 2,
    effect: { kind: 'status', status: 404 },
  });
  await exporter.pollNext();
  const during = await exporter.metrics();
  expect(success(during, 'connections')).toBe(1);
  expect(errors(during, 'not_found')).toBe(1);
  expect(during.tunnels()).toEqual(['erp', 'shop']);
  expect(exporter.told()).toEqual([]);

  fleet.deleteTunnel(tunnelId, Date.now());
  await exporter.pollNext();
  expect((await exporter.metrics()).tunnels()).toEqual(['erp']);
});

/** Of its connectors, as they are now: the fleet's own list is a live view. */
const idsOf = (tunnel: FleetTunnel | undefined): readonly string[] =>
  tunnel?.connectors.map(({ id }) => id) ?? [];

test('a tunnel that is deleted and created again under the same name', async () => {
  const exporter = await anExporter();
  await exporter.pollNext();
  const { fleet } = exporter.simulator;
  const old = fleet.tunnelNamed(ACCOUNT, 'shop');
  for (const id of idsOf(old)) fleet.restartConnector(id, Date.now());
  await exporter.pollNext();
  const opened = async () =>
    (await exporter.metrics()).value('connections_opened_total', { tunnel_name: 'shop' });
  expect(await opened()).toBe(4);
  fleet.deleteTunnel(old?.id ?? '', Date.now());
  fleet.createTunnel({ accountId: ACCOUNT, name: 'shop', connectors: [{}] }, Date.now());
  await exporter.pollNext();
  expect(await opened()).toBe(0);
});

test('counters go on after a fault, and never down', async () => {
  const exporter = await anExporter({ simulator: fleetOf('shop') });
  const restart = (): void => {
    const { fleet } = exporter.simulator;
    for (const id of idsOf(fleet.tunnelNamed(ACCOUNT, 'shop'))) fleet.restartConnector(id, Date.now());
  };
  const opened = async () =>
    (await exporter.metrics()).value('connections_opened_total', { tunnel_name: 'shop' });
  await exporter.pollNext();
  restart();
  await exporter.pollNext();
  expect(await opened()).toBe(4);
  const { remove } = exporter.simulator.faults.add({ effect: { kind: 'status', status: 500 } });
  for (let poll = 0; poll <= POLLS_UNTIL_STALE; poll += 1) await exporter.pollNext();
  expect(await opened()).toBeUndefined();
  restart();
  remove();
  await exporter.pollNext();
  expect(await opened()).toBe(8);
});

test('a configuration that answers 500', async () => {
  const exporter = await anExporter();
  await exporter.pollNext();
  const version = { tunnel_name: 'shop' };
  expect((await exporter.metrics()).value('config_version', version)).toBeDefined();
  const { remove } = exporter.simulator.faults.add({
    endpoint: 'cfd_tunnel_configurations',
    effect: { kind: 'status', status: 500 },
  });
  exporter.clock.pass(10 * 60_000 - POLL_MS);
  await exporter.pollNext();
  const during = await exporter.metrics();
  expect(success(during, 'configurations')).toBe(0);
  expect(success(during, 'connections')).toBe(1);
  expect(during.value('config_version', version)).toBeUndefined();
  expect(during.value('connectors', version)).toBe(1);
  remove();
  for (let poll = 0; poll < 2; poll += 1) await exporter.pollNext();
  const after = await exporter.metrics();
  expect(success(after, 'configurations')).toBe(1);
  expect(after.value('config_version', version)).toBeDefined();
});
