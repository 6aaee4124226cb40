import { expect, test, vi } from 'vitest';
import { failureOf } from '../../src/core/model.ts';
import type { Snapshot } from '../../src/core/snapshot.ts';
import { type EndpointName, SIMULATOR_TOKEN } from '../../src/simulator/index.ts';
import { ACCOUNT, aRig, fleetOf, numbered, OTHER_ACCOUNT, specOf, type Rig } from './support.ts';

const WARP = { name: 'mesh', type: 'warp_connector', haMode: 'aws', connectors: [{}, {}] } as const;
const DETAILS: readonly EndpointName[] = [
  'cfd_tunnel_connections',
  'warp_connector_connections',
  'cfd_tunnel_configurations',
  'warp_connector_configurations',
];
const FORBIDDEN = { kind: 'status', status: 403 } as const;
const twoAccounts = {
  accounts: [
    { id: ACCOUNT, name: 'One', tunnels: ['a', 'b'].map(specOf) },
    { id: OTHER_ACCOUNT, name: 'Two', tunnels: ['c'].map(specOf) },
  ],
};

/** The names of the tunnels that a detail endpoint was requested for, in order. */
function asked({ simulator }: Rig, ...endpoints: readonly EndpointName[]): readonly string[] {
  return simulator.requests
    .entries()
    .filter(({ endpoint }) => endpoints.includes(endpoint))
    .map(({ tunnelId }) => simulator.fleet.tunnel(tunnelId ?? '')?.name ?? 'unknown');
}

const detailRequests = (rig: Rig): number => asked(rig, ...DETAILS).length;

test('a poll lists the tunnels and observes their connectors and configurations', async () => {
  const rig = await aRig({ simulator: fleetOf('a', WARP) });
  const outcome = await rig.poll();
  expect(rig.names()).toEqual(['a', 'mesh']);
  expect(rig.account().up).toBe(true);
  expect(rig.tunnel('a').connectors.value).toHaveLength(1);
  expect(rig.tunnel('mesh').connectors.value?.map(({ haStatus }) => haStatus)).toEqual(['active', 'passive']);
  expect(rig.tunnel('mesh').configuration.value?.haMode).toBe('aws');
  const { routes: _, ...collectors } = rig.account().collectors;
  expect(Object.values(collectors).map(({ success }) => success)).toEqual(Array(4).fill(true));
  expect(outcome.waiting).toBe(0);
});

test('a list is published before any detail is requested', async () => {
  const published: { readonly snapshot: Snapshot; readonly detailRequests: number }[] = [];
  const rig: Rig = await aRig({
    simulator: fleetOf('a', 'b'),
    onChange: (snapshot) => {
      if (snapshot.accounts.get(ACCOUNT)?.up === undefined) return;
      published.push({ snapshot, detailRequests: detailRequests(rig) });
    },
  });
  await rig.poll();
  const tunnels = [...(published[0]?.snapshot.accounts.get(ACCOUNT)?.tunnels.values() ?? [])];
  expect(tunnels.map(({ tunnel, connectors }) => [tunnel.name, connectors.value])).toEqual([
    ['a', undefined],
    ['b', undefined],
  ]);
  expect(published.map((each) => each.detailRequests)).toEqual([0, 4, 4]);
});

test('a fast account is published while a slow one is still being listed', async () => {
  const shown = Promise.withResolvers<void>();
  const rig: Rig = await aRig({
    simulator: twoAccounts,
    accounts: [ACCOUNT, OTHER_ACCOUNT],
    onChange: () => rig.names(OTHER_ACCOUNT).includes('c') && shown.resolve(),
  });
  rig.simulator.faults.add({ endpoint: 'tunnels', accountId: ACCOUNT, effect: { kind: 'silence' } });
  const stopping = new AbortController();
  const polling = rig.poll(stopping.signal);
  await shown.promise;
  expect(rig.names()).toEqual([]);
  stopping.abort();
  await polling;
});

test('an account whose list fails does not affect others', async () => {
  const rig = await aRig({ simulator: twoAccounts, accounts: [ACCOUNT, OTHER_ACCOUNT] });
  rig.simulator.faults.add({
    endpoint: 'tunnels',
    accountId: ACCOUNT,
    effect: { kind: 'status', status: 500 },
  });
  await rig.poll();
  expect(rig.account()).toMatchObject({ up: false, collectors: { tunnels: { success: false } } });
  expect(rig.names()).toEqual([]);
  expect(rig.account(OTHER_ACCOUNT)).toMatchObject({
    up: true,
    collectors: { tunnels: { success: true }, connections: { success: true } },
  });
  expect(rig.names(OTHER_ACCOUNT)).toEqual(['c']);
});

test('a failed list keeps the known tunnels, and their details are still requested', async () => {
  const rig = await aRig({ simulator: fleetOf('a') });
  await rig.poll();
  rig.simulator.faults.add({ endpoint: 'tunnels', effect: { kind: 'status', status: 500 } });
  rig.clock.pass(30_000);
  await rig.poll();
  expect(rig.account().up).toBe(false);
  expect(rig.tunnel('a').connectors).toMatchObject({ at: rig.clock.now(), failingSince: undefined });
});

test('the typed lists are used if /tunnels is forbidden', async () => {
  const rig = await aRig({ simulator: fleetOf('a', WARP) });
  rig.simulator.faults.add({ endpoint: 'tunnels', effect: FORBIDDEN });
  await rig.poll();
  expect(rig.names()).toEqual(['a', 'mesh']);
  expect(rig.account()).toMatchObject({ up: true, collectors: { tunnels: { success: true } } });
  await rig.poll();
  expect(rig.simulator.requests.totals()).toMatchObject({ tunnels: 1, cfd_tunnel: 2, warp_connector: 2 });
});

test('if only WARP connectors are forbidden, the cloudflared tunnels are complete and the account is not up', async () => {
  const permissions = ['Cloudflare One Connector: cloudflared Read'] as const;
  const rig = await aRig({
    simulator: { ...fleetOf('a', WARP), tokens: [{ value: SIMULATOR_TOKEN, permissions }] },
  });
  rig.simulator.faults.add({ endpoint: 'tunnels', effect: FORBIDDEN });
  const { observations } = await rig.poll();
  expect(rig.names()).toEqual(['a']);
  expect(rig.account()).toMatchObject({ up: false, collectors: { connections: { success: true } } });
  expect(rig.tunnel('a').connectors.value).toHaveLength(1);
  expect(observations.flatMap((each) => failureOf(each)?.message ?? [])).toEqual([
    expect.stringContaining('Cloudflare One Connector: WARP Read'),
  ]);
});

test('connections forbidden for every tunnel are requested a few times, and all count as failing', async () => {
  const rig = await aRig({ simulator: fleetOf(...numbered(30)), config: { cloudflare: { concurrency: 4 } } });
  rig.simulator.faults.add({ endpoint: 'cfd_tunnel_connections', effect: FORBIDDEN });
  await rig.poll();
  const first = asked(rig, 'cfd_tunnel_connections').length;
  expect(first).toBeGreaterThanOrEqual(3);
  expect(first).toBeLessThan(3 + 4);
  expect(rig.account().collectors).toMatchObject({
    tunnels: { success: true },
    connections: { success: false },
    configurations: { success: true },
  });
  const failing = [...rig.account().tunnels.values()].filter(({ connectors }) => connectors.failingSince);
  expect(failing).toHaveLength(30);

  rig.clock.pass(30_000);
  await rig.poll();
  expect(asked(rig, 'cfd_tunnel_connections').length).toBeGreaterThan(first);
});

test('forbidden tunnels do not prevent requests about others', async () => {
  const names = numbered(12);
  const rig = await aRig({ simulator: fleetOf(...names), config: { cloudflare: { concurrency: 1 } } });
  for (const name of names.slice(3, 9)) {
    const tunnelId = rig.simulator.fleet.tunnelNamed(ACCOUNT, name)?.id ?? '';
    rig.simulator.faults.add({ endpoint: 'cfd_tunnel_connections', tunnelId, effect: FORBIDDEN });
  }
  await rig.poll();
  expect(asked(rig, 'cfd_tunnel_connections')).toEqual(names);
  expect(rig.account().collectors.connections.success).toBe(false);
});

test('a tunnel deleted between list and detail is not a failure of the collector', async () => {
  const rig = await aRig({ simulator: fleetOf('a', 'b') });
  const tunnelId = rig.simulator.fleet.tunnelNamed(ACCOUNT, 'b')?.id ?? '';
  rig.simulator.faults.add({ endpoint: DETAILS, tunnelId, effect: { kind: 'status', status: 404 } });
  const { observations } = await rig.poll();
  expect(observations.flatMap((each) => failureOf(each)?.reason ?? [])).toContain('not_found');
  expect(rig.account()).toMatchObject({
    up: true,
    collectors: { connections: { success: true }, configurations: { success: true } },
  });
  expect(rig.tunnel('a').connectors.value).toHaveLength(1);
});

test('after a 429 no request is sent until Cloudflare allows it, and data stays until it is stale', async () => {
  const rig = await aRig({
    simulator: fleetOf(...numbered(6)),
    config: { cloudflare: { concurrency: 1 }, tunnels: { configurations: false } },
  });
  const fault = rig.simulator.faults.add({
    endpoint: 'cfd_tunnel_connections',
    skip: 2,
    effect: { kind: 'status', status: 429, headers: { 'retry-after': '400' } },
  });
  await rig.poll();
  expect(rig.simulator.requests.totals()).toEqual({ tunnels: 1, cfd_tunnel_connections: 3 });
  expect(rig.group.client.budget.blockedUntil()).toBe(rig.clock.now() + 400_000);
  fault.remove();

  rig.clock.pass(299_999);
  await rig.poll();
  expect(rig.simulator.requests.count()).toBe(4);
  expect(rig.account()).toMatchObject({ up: false });
  expect(rig.names()).toEqual(numbered(6));

  rig.clock.pass(1);
  await rig.poll();
  expect(rig.simulator.requests.count()).toBe(4);
  expect(rig.names()).toEqual([]);

  rig.clock.pass(100_000 + 300_000);
  await rig.poll();
  expect(rig.account()).toMatchObject({ up: true });
  expect(rig.names()).toEqual(numbered(6));
});

test('a small budget is not exceeded, and later polls continue with the waiting tunnels', async () => {
  const rig = await aRig({
    simulator: fleetOf(...numbered(20)),
    // Ten requests at once, and sixteen more a minute.
    config: { cloudflare: { requestBudget: 80 }, tunnels: { configurations: false } },
  });
  expect((await rig.poll()).waiting).toBe(11);
  expect(rig.simulator.requests.totals()).toEqual({ tunnels: 1, cfd_tunnel_connections: 9 });
  for (const minute of [1, 2]) {
    rig.clock.pass(60_000);
    await rig.poll();
    expect(rig.simulator.requests.count()).toBeLessThanOrEqual(10 + 16 * minute);
  }
  const names = asked(rig, 'cfd_tunnel_connections');
  expect(names.slice(0, 20).toSorted()).toEqual(numbered(20).toSorted());
  expect(rig.account().up).toBe(true);
});

test('once observes every tunnel and configuration, however long a small budget takes', async () => {
  const rig = await aRig({
    simulator: fleetOf(...numbered(9)),
    // Three requests at once, and then one every 25 seconds: longer than a request may wait. All of them take longer
    // than a list may be old.
    config: { cloudflare: { requestBudget: 12, requestTimeoutMs: 5_000 } },
  });
  const { observations, waiting } = await rig.loop.once(new AbortController().signal);
  expect(waiting).toBe(0);
  expect(observations.flatMap((each) => failureOf(each) ?? [])).toEqual([]);
  const states = [...rig.account().tunnels.values()];
  expect(states.filter(({ connectors }) => connectors.value?.length === 1)).toHaveLength(9);
  expect(states.filter(({ configuration }) => configuration.at !== undefined)).toHaveLength(9);
});

test('once ends even if the lists need more than the budget', async () => {
  const ids = ['a', 'b', 'c', 'd'].map((letter) => letter.repeat(32));
  const accounts = ids.map((id) => ({ id, name: id, tunnels: [specOf('t')] }));
  const rig = await aRig({
    simulator: { accounts },
    accounts: ids,
    // Three requests at once, four for the lists.
    config: { cloudflare: { requestBudget: 12, requestTimeoutMs: 500 }, tunnels: { configurations: false } },
    pollIntervalMs: 1,
  });
  await rig.loop.once(new AbortController().signal);
  expect(rig.account(ids[0]).collectors.connections.success).toBe(true);
});

test('once requests a failing detail one time, and ends', async () => {
  const rig = await aRig({ simulator: fleetOf('a', 'b'), config: { tunnels: { configurations: false } } });
  const fault = rig.simulator.faults.add({
    endpoint: 'cfd_tunnel_connections',
    effect: { kind: 'status', status: 400 },
  });
  await rig.loop.once(new AbortController().signal);
  expect(fault.hits()).toBe(2);
  expect(rig.account().collectors.connections.success).toBe(false);
});

test('only the selected tunnels are listed and observed', async () => {
  const simulator = fleetOf('shop-eu', 'shop-us', 'erp', 'shop-test');
  const rig = await aRig({ simulator, config: { tunnels: { include: [/^shop/], exclude: [/test$/] } } });
  await rig.poll();
  expect(rig.names()).toEqual(['shop-eu', 'shop-us']);
  expect(asked(rig, 'cfd_tunnel_connections').toSorted()).toEqual(['shop-eu', 'shop-us']);
});

test('a sidecar lists and observes only its own tunnel', async () => {
  const id = '0'.repeat(8) + '-0000-4000-8000-' + '0'.repeat(12);
  const simulator = fleetOf('shop', { name: 'erp', id, connectors: [{}] });
  const rig = await aRig({ simulator, config: { tunnels: { ids: [id] } } });
  await rig.poll();
  expect(rig.names()).toEqual(['erp']);
  expect(asked(rig, 'cfd_tunnel_connections')).toEqual(['erp']);
});

test('only the configured types are requested', async () => {
  const rig = await aRig({
    simulator: fleetOf('a', WARP),
    config: { tunnels: { types: ['warp_connector'] } },
  });
  await rig.poll();
  expect(rig.names()).toEqual(['mesh']);
  expect(asked(rig, ...DETAILS)).toEqual(['mesh', 'mesh']);
  expect(rig.account().collectors.connections.success).toBeUndefined();
});

test('if the setting is off, no configuration is requested and the collector is absent', async () => {
  const rig = await aRig({ simulator: fleetOf('a', WARP), config: { tunnels: { configurations: false } } });
  await rig.poll();
  expect(asked(rig, 'cfd_tunnel_configurations', 'warp_connector_configurations')).toEqual([]);
  expect(rig.account().collectors).toMatchObject({
    connections: { success: true },
    warp_connections: { success: true },
    configurations: { success: undefined },
  });
});

test('a tunnel that is down gets only a configuration request, an inactive one none; an idle collector succeeds', async () => {
  const rig = await aRig({
    simulator: fleetOf({ name: 'down', downSince: Date.now() - 60_000 }, { name: 'inactive' }),
  });
  await rig.poll();
  await rig.poll();
  expect(rig.names()).toEqual(['down', 'inactive']);
  expect(rig.simulator.requests.totals()).toEqual({ tunnels: 2, cfd_tunnel_configurations: 1 });
  expect(rig.account().collectors).toMatchObject({
    connections: { success: true },
    warp_connections: { success: true },
    configurations: { success: true },
  });
});

test('a collector that is idle in one account recovers there while it is busy in another', async () => {
  const accounts = [ACCOUNT, OTHER_ACCOUNT].map((id) => ({ id, name: id, tunnels: [WARP] }));
  const rig = await aRig({ simulator: { accounts }, accounts: [ACCOUNT, OTHER_ACCOUNT] });
  const fault = rig.simulator.faults.add({
    endpoint: 'warp_connector_connections',
    accountId: OTHER_ACCOUNT,
    effect: FORBIDDEN,
  });
  await rig.poll();
  expect(rig.account(OTHER_ACCOUNT).collectors.warp_connections.success).toBe(false);
  fault.remove();
  const gone = rig.simulator.fleet.tunnelNamed(OTHER_ACCOUNT, 'mesh');
  rig.simulator.fleet.deleteTunnel(gone?.id ?? '', Date.now());
  await rig.poll();
  expect(rig.account(OTHER_ACCOUNT).collectors.warp_connections.success).toBe(true);
});

test('embedded connectors get one detail request, and no further one while nothing changes', async () => {
  const rig = await aRig({
    simulator: { ...fleetOf('a', 'b'), embeddedConnections: 'populated' },
    config: { tunnels: { configurations: false } },
  });
  await rig.poll();
  expect(detailRequests(rig)).toBe(2);
  rig.clock.pass(30_000);
  await rig.poll();
  expect(detailRequests(rig)).toBe(2);
  expect(rig.tunnel('a').connectors).toMatchObject({
    at: rig.clock.now(),
    value: [{ arch: expect.any(String), connections: { length: 4 } }],
  });
  expect(rig.account().collectors.connections).toEqual({ success: true, lastSuccessAt: rig.clock.now() });
});

test('a poll aborted during its details applies none of them', async () => {
  const rig = await aRig({
    simulator: fleetOf(...numbered(4)),
    config: { cloudflare: { concurrency: 2, requestTimeoutMs: 300_000 }, tunnels: { configurations: false } },
  });
  rig.simulator.faults.add({
    endpoint: 'cfd_tunnel_connections',
    skip: 1,
    effect: { kind: 'silence' },
  });
  const stopping = new AbortController();
  const polling = rig.poll(stopping.signal);
  await vi.waitUntil(() => detailRequests(rig) >= 2);
  const before = rig.store.current();
  stopping.abort();
  expect(await polling).toEqual({ observations: [], waiting: 0 });
  expect(rig.store.current()).toBe(before);
});

test('a poll aborted during its lists applies nothing', async () => {
  const rig = await aRig({
    simulator: fleetOf('a'),
    config: { cloudflare: { requestTimeoutMs: 300_000 } },
  });
  rig.simulator.faults.add({ endpoint: 'tunnels', effect: { kind: 'silence' } });
  const stopping = new AbortController();
  const polling = rig.poll(stopping.signal);
  await vi.waitUntil(() => rig.simulator.requests.count() === 1);
  const before = rig.store.current();
  stopping.abort();
  expect(await polling).toEqual({ observations: [], waiting: 0 });
  expect(rig.store.current()).toBe(before);
});

test('drain continues as the budget refills, until every tunnel is observed', async () => {
  const rig = await aRig({
    simulator: fleetOf(...numbered(20)),
    config: { cloudflare: { requestBudget: 80 }, tunnels: { configurations: false } },
    pollIntervalMs: 600_000,
  });
  await rig.poll();
  const { signal } = new AbortController();
  const before = rig.clock.now();
  await rig.loop.drain(signal);
  expect(rig.loop.waiting()).toBe(0);
  const names = asked(rig, 'cfd_tunnel_connections');
  expect(names.toSorted()).toEqual([...numbered(20)].toSorted());
  const minutes = (rig.clock.now() - before) / 60_000;
  expect(rig.simulator.requests.count()).toBeLessThanOrEqual(10 + 16 * minutes);
});

test('drain ends when it is aborted', async () => {
  const stopped = new AbortController();
  const rig: Rig = await aRig({
    simulator: fleetOf(...numbered(200)),
    config: { cloudflare: { requestBudget: 80 }, tunnels: { configurations: false } },
    onChange: () => {
      if (detailRequests(rig) > 20) stopped.abort();
    },
  });
  await rig.poll();
  await rig.loop.drain(stopped.signal);
  expect(rig.loop.waiting()).toBeGreaterThan(0);
  expect(detailRequests(rig)).toBeLessThan(40);
});

test('an account whose list hangs delays neither the list nor the urgent details of another', async () => {
  const observed = Promise.withResolvers<void>();
  const rig: Rig = await aRig({
    simulator: twoAccounts,
    accounts: [ACCOUNT, OTHER_ACCOUNT],
    config: { cloudflare: { requestTimeoutMs: 300_000 } },
    onChange: () => {
      const tunnels = rig.account(OTHER_ACCOUNT).tunnels.values();
      if (tunnels.some(({ connectors }) => connectors.value?.length === 1)) observed.resolve();
    },
  });
  rig.simulator.faults.add({ endpoint: 'tunnels', accountId: ACCOUNT, effect: { kind: 'silence' } });
  const stopping = new AbortController();
  const poll = rig.poll(stopping.signal);
  await observed.promise;
  expect(rig.account()).toMatchObject({ up: undefined });
  expect(rig.account(OTHER_ACCOUNT)).toMatchObject({ up: true });
  stopping.abort();
  await poll;
});

test.each([
  ['429', { kind: 'status', status: 429, headers: { 'retry-after': '60' } }],
  ['971 under 200', { kind: 'error', status: 200, code: 971 }],
  ['971 under 503', { kind: 'error', status: 503, code: 971 }],
] as const)(
  'after %s nothing at all is asked with that token until it may, others go on, and then it ramps up',
  async (_, effect) => {
    const accounts = [
      { id: ACCOUNT, name: 'One', tunnels: numbered(40).map(specOf) },
      { id: OTHER_ACCOUNT, name: 'Two', tunnels: ['c'].map(specOf) },
    ];
    const rig = await aRig({
      simulator: { accounts, tokens: [{ value: SIMULATOR_TOKEN }, { value: 'other-token' }] },
      accounts: [ACCOUNT, OTHER_ACCOUNT],
      other: { accounts: [OTHER_ACCOUNT], token: 'other-token' },
      config: { tunnels: { configurations: false } },
    });
    const requestsOf = (id: string): number =>
      rig.simulator.requests.entries().filter(({ accountId }) => accountId === id).length;
    rig.simulator.faults.add({ token: SIMULATOR_TOKEN, times: 1, effect });
    await Promise.all([rig.poll(), rig.otherLoop.poll(new AbortController().signal)]);
    expect(requestsOf(ACCOUNT)).toBe(1);
    const until = (rig.group.client.budget.blockedUntil() ?? 0) - rig.clock.now();
    expect(until).toBe(effect.kind === 'status' ? 60_000 : 300_000);

    rig.clock.pass(until - 1);
    const others = requestsOf(OTHER_ACCOUNT);
    await Promise.all([rig.poll(), rig.otherLoop.poll(new AbortController().signal)]);
    expect(requestsOf(ACCOUNT)).toBe(1);
    expect(requestsOf(OTHER_ACCOUNT)).toBeGreaterThan(others);

    // Two requests a second from then on, and no burst.
    rig.clock.pass(1 + 5_000);
    await rig.poll();
    expect(rig.account().up).toBe(true);
    expect(requestsOf(ACCOUNT)).toBeLessThanOrEqual(1 + 10);
    rig.clock.pass(30_000);
    await rig.poll();
    expect(requestsOf(ACCOUNT)).toBeGreaterThan(40);
  },
);

test('a tunnel that goes down loses its connections with the list, without a request', async () => {
  const rig = await aRig({ simulator: fleetOf('a', 'b'), config: { tunnels: { configurations: false } } });
  await rig.poll();
  const { fleet, requests } = rig.simulator;
  const ids = fleet.tunnelNamed(ACCOUNT, 'a')?.connectors.map(({ id }) => id) ?? [];
  for (const id of ids) fleet.stopConnector(id, Date.now());
  requests.clear();
  rig.clock.pass(30_000);
  await rig.poll();
  expect(rig.tunnel('a').tunnel.status).toBe('down');
  expect(rig.tunnel('a').connectors.value).toBeUndefined();
  expect(rig.tunnel('a').counters.closed).toBe(4);
  expect(requests.totals()).toEqual({ tunnels: 1, cfd_tunnel_connections: 1 });
});
