import { getEventListeners, once } from 'node:events';
import { rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { expect, onTestFinished, test } from 'vitest';
import { createClient } from '../../src/cloudflare/client.ts';
import { ENDPOINTS } from '../../src/cloudflare/endpoints.ts';
import { isStopped, STOPPED } from '../../src/cloudflare/errors.ts';
import { openLiveToken } from '../../src/cloudflare/live-token.ts';
import type { ListEntry, Observation, Result } from '../../src/core/model.ts';
import { sampleAccounts } from '../../src/simulator/index.ts';
import {
  ACCOUNT,
  always,
  apiError,
  clientFor,
  containing,
  envelope,
  recording,
  serve,
  simulate,
  TOKEN,
} from './support.ts';

const NOW = Date.UTC(2026, 8, 29);

/** Twelve cloudflared tunnels, three of them down, and two WARP connectors. */
const fleet = (tunnels = 12) => sampleAccounts({ seed: 1, now: NOW, tunnels, warpConnectors: 2, down: 0.25 });

function firstAccount(simulator: Awaited<ReturnType<typeof simulate>>) {
  const [account] = simulator.fleet.accounts();
  if (account === undefined) throw new Error('no account');
  return account;
}

function listOf(observation: Observation | undefined): readonly ListEntry[] {
  if (observation?.kind !== 'tunnels') throw new Error('no list');
  if (!observation.result.ok) throw new Error(observation.result.failure.message);
  return observation.result.value;
}

function valueOf<T>(result: Result<T>): T {
  if (!result.ok) throw new Error(result.failure.message);
  return result.value;
}

const BOTH = ['cfd_tunnel', 'warp_connector'] as const;

test('lists the tunnels of all requested types in one list', async () => {
  const simulator = await simulate({ accounts: fleet() });
  const { client, clocks, sent, errors } = await clientFor(simulator.url);
  clocks.wall = NOW + 5;
  const observations = await client.listTunnels(firstAccount(simulator), BOTH);
  expect(observations).toMatchObject([
    { kind: 'tunnels', types: BOTH, at: NOW + 5, accountId: firstAccount(simulator).id },
  ]);
  const entries = listOf(observations[0]);
  expect(Map.groupBy(entries, ({ tunnel }) => tunnel.type).get('warp_connector')).toHaveLength(2);
  expect(entries).toHaveLength(14);
  expect(entries.filter(({ tunnel }) => tunnel.status === 'down')).toHaveLength(3);
  expect(sent).toMatchObject([{ endpoint: 'tunnels', code: '200' }]);
  expect(errors).toEqual([]);
  const [request] = simulator.requests.entries();
  expect(Object.fromEntries(new URLSearchParams(request?.query))).toEqual({
    tun_types: 'cfd_tunnel,warp_connector',
    is_deleted: 'false',
    per_page: '1000',
    page: '1',
  });
});

test('continues if the server returns fewer tunnels per page than requested', async () => {
  const simulator = await simulate({ accounts: fleet(), maxPerPage: 5 });
  const { client, sent } = await clientFor(simulator.url);
  expect(listOf((await client.listTunnels(firstAccount(simulator), BOTH))[0])).toHaveLength(14);
  expect(sent).toHaveLength(3);
});

/** Two accounts with two tunnels each; the first also has a deleted one, which total_count includes. */
const counted = () =>
  sampleAccounts({ seed: 1, now: NOW, tunnels: 4, accounts: 2, deleted: 1 }).map((account, index) => ({
    ...account,
    id: 'ab'.charAt(index).repeat(32),
  }));

test('the meaning of a total_count that also counts deleted tunnels is remembered for a day', async () => {
  const simulator = await simulate({ accounts: counted(), totalCount: 'unfiltered' });
  const { client, clocks, sent, errors } = await clientFor(simulator.url);
  const requestsOf = async (): Promise<number> => {
    const before = sent.length;
    expect(listOf((await client.listTunnels({ id: ACCOUNT }, ['cfd_tunnel']))[0])).toHaveLength(2);
    return sent.length - before;
  };
  expect(await requestsOf()).toBe(2);
  clocks.monotonic += 86_399_999;
  expect(await requestsOf()).toBe(1);
  clocks.monotonic += 1;
  expect(await requestsOf()).toBe(2);
  expect(errors).toEqual([]);
});

test('the meaning of total_count is only requested if it does not fit', async () => {
  const simulator = await simulate({ accounts: counted(), totalCount: 'unfiltered' });
  const { client, sent } = await clientFor(simulator.url);
  expect(listOf((await client.listTunnels({ id: 'b'.repeat(32) }, ['cfd_tunnel']))[0])).toHaveLength(2);
  expect(sent).toHaveLength(1);
});

test('a list of one tunnel is complete if total_count counts all tunnels', async () => {
  const simulator = await simulate({ accounts: counted(), totalCount: 'unfiltered' });
  const { client } = await clientFor(simulator.url);
  const [tunnel] = simulator.fleet.tunnels(ACCOUNT);
  const alone = { id: ACCOUNT, tunnelId: tunnel?.id };
  expect(listOf((await client.listTunnels(alone, ['cfd_tunnel']))[0])).toHaveLength(1);
});

test('typed lists are complete if total_count counts all tunnels', async () => {
  const simulator = await simulate({ accounts: fleet(), totalCount: 'unfiltered', maxPerPage: 5 });
  simulator.faults.add({ endpoint: 'tunnels', effect: { kind: 'status', status: 403 } });
  const account = firstAccount(simulator);
  const [tunnel] = simulator.fleet.tunnels(account.id);
  simulator.fleet.deleteTunnel(tunnel?.id ?? '', NOW);
  const { client } = await clientFor(simulator.url);
  const lists = await client.listTunnels(account, BOTH);
  expect(lists.map((list) => listOf(list).length)).toEqual([11, 2]);
});

test('a list shorter than a total_count that follows the search parameters is a failure', async () => {
  const simulator = await simulate({ accounts: fleet() });
  simulator.faults.add({ endpoint: 'tunnels', page: 2, effect: { kind: 'empty_page' } });
  simulator.faults.add({
    endpoint: 'tunnels',
    effect: { kind: 'rewrite', rewrite: withoutTheFirst },
  });
  const { client, sent } = await clientFor(simulator.url);
  const lists = await client.listTunnels(firstAccount(simulator), BOTH);
  expect(lists[0]?.result).toMatchObject({ ok: false, failure: { reason: 'malformed' } });
  // Two attempts of two pages, and the request for the meaning of total_count.
  expect(sent).toHaveLength(5);
});

/** A page with a missing row. */
function withoutTheFirst(body: unknown): unknown {
  if (typeof body !== 'object' || body === null || !('result' in body)) throw new Error('no page');
  return { ...body, result: Array.isArray(body.result) ? body.result.slice(1) : body.result };
}

test('without types there is no request', async () => {
  const { client, sent } = await clientFor(await serve(always(500, '')));
  expect(await client.listTunnels({ id: ACCOUNT }, [])).toEqual([]);
  expect(sent).toEqual([]);
});

test('tunnels of other types and deleted tunnels are dropped if the server sends them', async () => {
  const result = [
    { id: '1', tun_type: 'cfd_tunnel' },
    { id: '2', tun_type: 'gre' },
    { id: '3', tun_type: 'cfd_tunnel', deleted_at: '2026-09-29T07:06:00Z' },
    { id: '4', tun_type: 'quantum' },
  ];
  const { client } = await clientFor(await serve(always(200, envelope(result, { total_count: 4 }))));
  const entries = listOf((await client.listTunnels({ id: ACCOUNT }, ['cfd_tunnel']))[0]);
  expect(entries.map(({ tunnel }) => tunnel.id)).toEqual(['1', '4']);
});

test('embedded connections are used if the API still sends them', async () => {
  const simulator = await simulate({ accounts: fleet(), embeddedConnections: 'populated' });
  const { client } = await clientFor(simulator.url);
  const entries = listOf((await client.listTunnels(firstAccount(simulator), BOTH))[0]);
  const healthy = entries.find(({ tunnel }) => tunnel.status === 'healthy' && tunnel.type === 'cfd_tunnel');
  expect(healthy?.embedded?.map(({ connections }) => connections.length)).toEqual([4, 4]);
});

test('if /tunnels is forbidden, each typed list succeeds or fails on its own', async () => {
  const simulator = await simulate({ accounts: fleet() });
  simulator.faults.add({ endpoint: 'tunnels', effect: { kind: 'status', status: 403 } });
  simulator.faults.add({ endpoint: 'warp_connector', effect: { kind: 'status', status: 403 } });
  const { client, sent, errors } = await clientFor(simulator.url);
  const [cloudflared, warp, ...others] = await client.listTunnels(firstAccount(simulator), [
    ...BOTH,
    'gre',
    'cni',
  ]);
  expect(listOf(cloudflared)).toHaveLength(12);
  expect(cloudflared).toMatchObject({ types: ['cfd_tunnel'] });
  expect(warp).toMatchObject({
    types: ['warp_connector'],
    result: { ok: false, failure: { reason: 'permission' } },
  });
  expect(others).toMatchObject([
    { types: ['gre', 'cni'], result: { ok: false, failure: { reason: 'permission' } } },
  ]);
  expect(
    sent.map(({ endpoint, code }) => `${endpoint} ${code}`).toSorted((a, b) => a.localeCompare(b)),
  ).toEqual(['cfd_tunnel 200', 'tunnels 403', 'warp_connector 403']);
  expect(errors).toEqual(['permission', 'permission']);
});

test('a token that may not read cloudflared tunnels still lists WARP connectors', async () => {
  const simulator = await simulate({
    accounts: fleet(),
    tokens: [{ value: TOKEN, permissions: ['Cloudflare One Connector: WARP Read'] }],
  });
  const { client } = await clientFor(simulator.url);
  const [cloudflared, warp] = await client.listTunnels(firstAccount(simulator), BOTH);
  expect(cloudflared?.result).toMatchObject({
    ok: false,
    failure: { message: containing('token lacks Cloudflare Tunnel Read') },
  });
  expect(listOf(warp)).toHaveLength(2);
});

test.each([
  [['gre'], /, or the token lacks Cloudflare Tunnel Read \([^)]*\): GET \/accounts\/…\/tunnels answered 403/],
  [['cfd_tunnel'], /, or the token lacks Cloudflare Tunnel Read \([^)]*\): GET \/accounts\/…\/cfd_tunnel /],
  [BOTH, /lacks Cloudflare Tunnel Read \([^)]*\), and Cloudflare One Connector: WARP Read \([^)]*\): GET /],
] as const)('where every list of %j is refused, the account may be the reason', async (types, message) => {
  const simulator = await simulate({ accounts: fleet(), tokens: [{ value: TOKEN, permissions: [] }] });
  const { client } = await clientFor(simulator.url);
  for (const { result } of await client.listTunnels(firstAccount(simulator), types)) {
    expect(result).toMatchObject({
      ok: false,
      failure: { reason: 'permission', message: expect.stringMatching(message) },
    });
    expect(result).toMatchObject({ failure: { message: containing('is not among those') } });
  }
});

test('a forbidden /tunnels is remembered for ten minutes, per account', async () => {
  const simulator = await simulate({
    accounts: sampleAccounts({ seed: 1, now: NOW, tunnels: 4, accounts: 2 }),
  });
  const [first, second] = simulator.fleet.accounts();
  if (first === undefined || second === undefined) throw new Error('no accounts');
  simulator.faults.add({ endpoint: 'tunnels', accountId: first.id, effect: { kind: 'status', status: 403 } });
  const { client, clocks } = await clientFor(simulator.url);
  const asked = () => simulator.requests.count({ endpoint: 'tunnels', accountId: first.id });

  await client.listTunnels(first, ['cfd_tunnel']);
  expect(listOf((await client.listTunnels(first, ['cfd_tunnel']))[0])).toHaveLength(2);
  expect(asked()).toBe(1);
  await client.listTunnels(second, ['cfd_tunnel']);
  expect(simulator.requests.count({ endpoint: 'tunnels', accountId: second.id })).toBe(1);

  clocks.monotonic += 599_999;
  await client.listTunnels(first, ['cfd_tunnel']);
  expect(asked()).toBe(1);
  clocks.monotonic += 1;
  await client.listTunnels(first, ['cfd_tunnel']);
  expect(asked()).toBe(2);
});

test('a new token is used at once, and /tunnels is requested again', async () => {
  const path = join(tmpdir(), `token-${process.pid}-${Date.now()}`);
  onTestFinished(() => rm(path));
  await writeFile(path, TOKEN);
  const better = `${TOKEN}-2`;
  const simulator = await simulate({
    accounts: fleet(),
    tokens: [{ value: TOKEN, permissions: ['Cloudflare One Connector: WARP Read'] }, { value: better }],
  });
  const token = await openLiveToken({ kind: 'file', path });
  const client = createClient({
    config: { apiUrl: simulator.url, requestBudget: 600, concurrency: 8, requestTimeoutMs: 5_000 },
    token,
    clock: () => NOW,
    random: () => 0,
    version: '1.2.3',
  });
  onTestFinished(() => client.close());

  expect(await client.listTunnels(firstAccount(simulator), BOTH)).toHaveLength(2);
  await writeFile(path, `${better}\n`);
  expect(await token.refresh()).toMatchObject({ changed: true });
  const [all, ...others] = await client.listTunnels(firstAccount(simulator), BOTH);
  expect(others).toEqual([]);
  expect(listOf(all)).toHaveLength(14);
});

test("a deleted tunnel's connections are not found; an unknown type has no such endpoint", async () => {
  const simulator = await simulate({ accounts: fleet() });
  const { client, sent, errors } = await clientFor(simulator.url);
  const account = firstAccount(simulator);
  const [tunnel] = simulator.fleet.tunnels(account.id);
  const ref = { id: tunnel?.id ?? '', accountId: account.id, type: 'cfd_tunnel' } as const;
  expect(valueOf((await client.connections(ref)).result)).toBeDefined();
  simulator.faults.add({ tunnelId: ref.id, effect: { kind: 'status', status: 404 } });
  expect((await client.connections(ref)).result).toMatchObject({
    ok: false,
    failure: { reason: 'not_found' },
  });
  expect(sent).toHaveLength(2);
  expect((await client.connections({ ...ref, type: 'gre' })).result).toMatchObject({
    ok: false,
    failure: { reason: 'not_found', message: 'the API has no connections of tunnels of type gre' },
  });
  expect(sent).toHaveLength(2);
  expect(errors).toEqual(['not_found', 'not_found']);
});

test.each(BOTH)('connections and configuration of a %s', async (type) => {
  const simulator = await simulate({ accounts: fleet() });
  const { client, sent } = await clientFor(simulator.url);
  const account = firstAccount(simulator);
  const entries = listOf((await client.listTunnels(account, [type]))[0]);
  const tunnel = entries.find((entry) => entry.tunnel.status === 'healthy')?.tunnel;
  if (tunnel === undefined) throw new Error('no healthy tunnel');
  const connections = await client.connections(tunnel);
  expect(connections).toMatchObject({
    kind: 'connections',
    accountId: account.id,
    tunnelId: tunnel.id,
    at: NOW,
  });
  if (connections.kind !== 'connections') throw new Error('no connections');
  expect(valueOf(connections.result)).toHaveLength(2);
  const configuration = await client.configuration(tunnel);
  expect(configuration).toMatchObject({ kind: 'configuration', tunnelId: tunnel.id, result: { ok: true } });
  expect(sent.map(({ endpoint }) => endpoint)).toEqual([
    'tunnels',
    `${type}_connections`,
    `${type}_configurations`,
  ]);
});

const withRoutes = [
  {
    id: ACCOUNT,
    name: 'One',
    tunnels: [
      {
        name: 'office',
        networks: ['10.0.0.0/16', '10.1.0.0/16', 'fd00::/64'],
        hostnames: ['wiki.corp'],
      },
    ],
  },
];

test('lists of routes are read to their end, each with its own requests', async () => {
  const simulator = await simulate({ accounts: withRoutes, maxPerPage: 2 });
  const { client, clocks, sent } = await clientFor(simulator.url);
  const [tunnel] = simulator.fleet.tunnels(ACCOUNT);
  const networks = await client.routes(ACCOUNT, 'network');
  expect(networks).toMatchObject({
    kind: 'routes',
    accountId: ACCOUNT,
    routeKind: 'network',
    at: clocks.wall,
  });
  expect(valueOf(networks.result)).toMatchObject([
    { target: '10.0.0.0/16', tunnelId: tunnel?.id, tunnelType: 'cfd_tunnel', virtualNetwork: 'default' },
    { target: '10.1.0.0/16' },
    { target: 'fd00::/64' },
  ]);
  const hostnames = await client.routes(ACCOUNT, 'hostname');
  expect(valueOf(hostnames.result)).toMatchObject([
    { target: 'wiki.corp', tunnelId: tunnel?.id, tunnelType: undefined, virtualNetwork: '' },
  ]);
  expect(sent.map(({ endpoint }) => endpoint)).toEqual([
    'teamnet_routes',
    'teamnet_routes',
    'hostname_routes',
  ]);
  expect(simulator.requests.entries().map(({ query }) => query)).toEqual([
    'is_deleted=false&per_page=1000&page=1',
    'is_deleted=false&per_page=1000&page=2',
    'is_deleted=false&per_page=1000&page=1',
  ]);
});

test.each(['network', 'hostname'] as const)(
  'without the permission, the failure of the list of %s routes names it',
  async (kind) => {
    const simulator = await simulate({
      accounts: withRoutes,
      tokens: [{ value: TOKEN, permissions: ['Cloudflare One Connectors Read'] }],
    });
    const { client, errors } = await clientFor(simulator.url);
    const { result } = await client.routes(ACCOUNT, kind);
    expect(result).toMatchObject({
      ok: false,
      failure: {
        reason: 'permission',
        message: containing('token lacks Cloudflare Tunnel Read (or Cloudflare One Networks Read)'),
      },
    });
    expect(errors).toEqual(['permission']);
  },
);

test('probing a list of routes is one small request', async () => {
  const simulator = await simulate({ accounts: withRoutes });
  const { client, sent } = await clientFor(simulator.url);
  expect(await client.probe(ACCOUNT, 'teamnet_routes')).toEqual({ ok: true, value: { totalCount: 3 } });
  expect(await client.probe(ACCOUNT, 'hostname_routes')).toEqual({ ok: true, value: { totalCount: 1 } });
  expect(sent).toHaveLength(2);
});

test('a configuration that does not exist is no failure', async () => {
  const { body, status } = recording('configuration-of-a-deleted-tunnel');
  const { client, errors } = await clientFor(await serve(always(status, JSON.stringify(body))));
  for (const type of BOTH) {
    const { result } = await client.configuration({ id: 't', accountId: ACCOUNT, type });
    expect(result).toEqual({ ok: true, value: undefined });
  }
  expect(errors).toEqual([]);
});

test('a wrong account id fails for configurations, too', async () => {
  const { client } = await clientFor(
    await serve(always(404, apiError(7003, 'Could not route to /accounts/x'))),
  );
  const { result } = await client.configuration({ id: 't', accountId: 'x', type: 'cfd_tunnel' });
  expect(result).toMatchObject({ ok: false, failure: { reason: 'not_found' } });
});

test.each(['user', 'account'] as const)('verifies a token owned by a %s', async (owner) => {
  const expiresAt = Date.now() + 86_400_000;
  const simulator = await simulate({ accounts: fleet(), tokens: [{ value: TOKEN, owner, expiresAt }] });
  const { client, sent, errors } = await clientFor(simulator.url);
  const status = valueOf(await client.verify(firstAccount(simulator).id));
  expect(status).toEqual({ status: 'active', expiresAt: Math.floor(expiresAt / 1_000) * 1_000, owner });
  expect(sent.every(({ endpoint }) => endpoint === 'token_verify')).toBe(true);
  expect(errors).toEqual([]);
});

test('a revoked token is not valid', async () => {
  const simulator = await simulate({ accounts: fleet() });
  simulator.tokens.revoke(TOKEN);
  const { client, errors } = await clientFor(simulator.url);
  expect(await client.verify(firstAccount(simulator).id)).toMatchObject({
    ok: false,
    failure: { reason: 'auth', message: containing('token is not valid') },
  });
  expect(errors).toEqual(['auth']);
});

test('verification sends one request if the API cannot be reached', async () => {
  const { client, sent } = await clientFor(await serve(always(404, 'nothing here')));
  expect(await client.verify(ACCOUNT)).toMatchObject({ ok: false, failure: { reason: 'malformed' } });
  expect(sent).toHaveLength(1);
});

test('probes report per endpoint whether the token may use it, and the number of tunnels', async () => {
  const simulator = await simulate({
    accounts: fleet(),
    tokens: [{ value: TOKEN, permissions: ['Cloudflare Tunnel Read'] }],
  });
  const { client } = await clientFor(simulator.url);
  const { id } = firstAccount(simulator);
  expect(await client.probe(id, 'cfd_tunnel')).toEqual({ ok: true, value: { totalCount: 12 } });
  expect(await client.probe(id, 'tunnels')).toMatchObject({ ok: true });
  expect(await client.probe(id, 'warp_connector')).toMatchObject({
    ok: false,
    failure: {
      reason: 'permission',
      message: containing('Cloudflare One Connector: WARP Read'),
    },
  });
  const tunnelId = simulator.fleet.tunnels(id)[0]?.id ?? '';
  for (const endpoint of ['cfd_tunnel_connections', 'cfd_tunnel_configurations'] as const)
    expect(await client.probe(id, { endpoint, tunnelId })).toEqual({
      ok: true,
      value: { totalCount: undefined },
    });
  expect(simulator.requests.entries({ endpoint: 'cfd_tunnel' })[0]?.query).toContain('per_page=1');
});

test('sends token, User-Agent and escaped ids; understands gzip; keeps connections open', async () => {
  const seen: { url: string | undefined; headers: NodeJS.Dict<string | string[]> }[] = [];
  const sockets = new Set<unknown>();
  const url = await serve((request, response) => {
    seen.push({ url: request.url, headers: request.headers });
    sockets.add(request.socket);
    response.writeHead(200, { 'content-encoding': 'gzip' }).end(gzipSync(envelope([])));
  });
  const { client } = await clientFor(url);
  const tunnel = { id: '../a b/\uD800', accountId: 'x/y', type: 'cfd_tunnel' } as const;
  expect((await client.connections(tunnel)).result).toEqual({ ok: true, value: [] });
  expect((await client.connections(tunnel)).result).toEqual({ ok: true, value: [] });
  expect(seen[0]?.url).toBe('/client/v4/accounts/x%2Fy/cfd_tunnel/..%2Fa%20b%2F%EF%BF%BD/connections');
  expect(seen[0]?.headers).toMatchObject({
    authorization: `Bearer ${TOKEN}`,
    'user-agent': 'cloudflare-tunnel-exporter/1.2.3',
    'accept-encoding': 'gzip',
  });
  expect(sockets.size).toBe(1);
});

test('requests in flight never exceed the concurrency', async () => {
  let open = 0;
  let most = 0;
  const url = await serve((_request, response) => {
    open += 1;
    most = Math.max(most, open);
    setTimeout(() => {
      open -= 1;
      response.end(envelope([]));
    }, 5);
  });
  const { client } = await clientFor(url, { concurrency: 3 });
  const calls = Array.from({ length: 12 }, (_, index) =>
    client.connections({ id: `t${index}`, accountId: ACCOUNT, type: 'cfd_tunnel' }),
  );
  for (const { result } of await Promise.all(calls)) expect(result.ok).toBe(true);
  expect(most).toBe(3);
});

test('a call stopped by its signal resolves as stopped and counts as no error', async () => {
  const { promise: arrived, resolve: arrive } = Promise.withResolvers<void>();
  const url = await serve(() => arrive());
  const { client, errors, sent } = await clientFor(url, { requestTimeoutMs: 60_000, concurrency: 1 });
  const stop = new AbortController();
  const inFlight = client.listTunnels({ id: ACCOUNT }, BOTH, { signal: stop.signal });
  const queued = client.connections(
    { id: 't', accountId: ACCOUNT, type: 'cfd_tunnel' },
    { signal: stop.signal },
  );
  await arrived;
  stop.abort();
  const results = [...(await inFlight), await queued].map(({ result }) => result);
  expect(results).toHaveLength(2);
  for (const result of results) expect(result.ok || isStopped(result.failure)).toBe(true);
  expect(results[0]).toEqual({ ok: false, failure: { reason: STOPPED.reason, message: 'stopped' } });
  expect(errors).toEqual([]);
  expect(sent).toHaveLength(1);
});

test("a call leaves no listener on its caller's signal", async () => {
  const { client } = await clientFor(await serve(always(503, '')));
  const { signal } = new AbortController();
  await client.verify(ACCOUNT, signal);
  expect(getEventListeners(signal, 'abort')).toEqual([]);
});

test('close stops calls in flight and later calls', async () => {
  const server = Promise.withResolvers<void>();
  const url = await serve((request) => {
    server.resolve();
    void once(request.socket, 'close');
  });
  const { client, errors } = await clientFor(url, { requestTimeoutMs: 60_000 });
  const call = client.verify(ACCOUNT);
  await server.promise;
  await client.close();
  for (const result of [await call, await client.verify(ACCOUNT)])
    expect(result).toMatchObject({ ok: false, failure: { message: 'stopped' } });
  expect(errors).toEqual([]);
});

test('every request is taken from the budget, including retries', async () => {
  const simulator = await simulate({ accounts: fleet() });
  simulator.faults.add({ endpoint: 'tunnels', times: 2, effect: { kind: 'status', status: 503 } });
  const { client, retries } = await clientFor(simulator.url);
  expect(client.budget).toMatchObject({ requests: 600, capacity: 150 });
  expect(client.budget.available()).toBe(75);
  expect(listOf((await client.listTunnels(firstAccount(simulator), BOTH))[0])).toHaveLength(14);
  expect(retries()).toBe(2);
  expect(client.budget.available()).toBe(72);
});

test('a spent budget refuses calls that would wait too long, without a request', async () => {
  const { client, clocks, sent, errors } = await clientFor(await serve(always(200, envelope([]))), {
    requestBudget: 24,
  });
  const tunnel = { id: 't', accountId: ACCOUNT, type: 'cfd_tunnel' } as const;
  for (let call = 0; call < 3; call += 1) expect((await client.connections(tunnel)).result.ok).toBe(true);
  expect((await client.connections(tunnel)).result).toMatchObject({
    ok: false,
    failure: {
      reason: 'rate_limited',
      message: containing('own budget of 24 requests per 5 minutes is spent for another 13 s'),
    },
  });
  expect(sent).toHaveLength(3);
  expect(errors).toEqual(['rate_limited']);
  expect(client.budget.blockedUntil()).toBeUndefined();
  clocks.monotonic += 12_500;
  expect((await client.connections(tunnel)).result.ok).toBe(true);
});

test('a call waits for the budget if the wait is short enough', async () => {
  const { client, clocks } = await clientFor(await serve(always(200, envelope([]))), { requestBudget: 24 });
  const tunnel = { id: 't', accountId: ACCOUNT, type: 'cfd_tunnel' } as const;
  for (let call = 0; call < 3; call += 1) await client.connections(tunnel);
  clocks.monotonic += 12_450;
  expect((await client.connections(tunnel)).result.ok).toBe(true);
  expect(client.budget.available()).toBe(0);
});

test('without a token there is no request, and the failure says why', async () => {
  const url = await serve(always(200, envelope([])));
  const { client, sent } = await clientFor(url, { token: '' });
  expect(await client.verify(ACCOUNT)).toMatchObject({
    ok: false,
    failure: { reason: 'auth', message: 'no API token: the API token is empty; put the API token there' },
  });
  expect(sent).toEqual([]);
  expect(client.budget.available()).toBe(75);
});

test('every endpoint that is sent is a known label', () => {
  expect(new Set(ENDPOINTS).size).toBe(ENDPOINTS.length);
});

test('if the list of all types is not found, the typed lists are used', async () => {
  const simulator = await simulate({ accounts: fleet() });
  simulator.faults.add({ endpoint: 'tunnels', effect: { kind: 'error', status: 404, code: 7000 } });
  const { client, sent } = await clientFor(simulator.url);
  const observations = await client.listTunnels(firstAccount(simulator), BOTH);
  expect(observations.map((observation) => listOf(observation).length)).toEqual([12, 2]);
  expect(sent.map(({ endpoint }) => endpoint)).toEqual(['tunnels', 'cfd_tunnel', 'warp_connector']);
});

test('one tunnel is listed by its id, also from the typed list', async () => {
  const simulator = await simulate({ accounts: fleet() });
  const account = firstAccount(simulator);
  const [tunnel] = simulator.fleet.tunnels(account.id);
  const { client } = await clientFor(simulator.url);
  const listAlone = async () =>
    listOf((await client.listTunnels({ ...account, tunnelId: tunnel?.id }, BOTH))[0]);
  expect((await listAlone()).map((entry) => entry.tunnel.id)).toEqual([tunnel?.id]);
  simulator.faults.add({ effect: { kind: 'status', status: 403 }, endpoint: 'tunnels' });
  expect((await listAlone()).map((entry) => entry.tunnel.id)).toEqual([tunnel?.id]);
  expect(simulator.requests.entries().map(({ query }) => new URLSearchParams(query).get('uuid'))).toEqual(
    simulator.requests.entries().map(() => tunnel?.id),
  );
});

test('a connector is requested by its id', async () => {
  const simulator = await simulate({ accounts: fleet() });
  const account = firstAccount(simulator);
  const tunnel = [...simulator.fleet.tunnels(account.id)].find(({ connectors }) => connectors.length > 0);
  const connector = tunnel?.connectors[0];
  const { client, sent, errors } = await clientFor(simulator.url);
  const ref = { accountId: account.id, id: tunnel?.id ?? '' };
  expect(valueOf(await client.connector(ref, connector?.id ?? ''))).toMatchObject({
    id: connector?.id,
    connections: connector?.connections.map(({ id }) => ({ id })),
  });
  expect(valueOf(await client.connector(ref, '00000000-0000-4000-8000-000000000000'))).toBeUndefined();
  expect(sent.map(({ endpoint, code }) => `${endpoint} ${code}`)).toEqual([
    'cfd_tunnel_connector 200',
    'cfd_tunnel_connector 404',
  ]);
  expect(errors).toEqual([]);
});

test('a refused request for a connector is a failure, an unknown connector is not', async () => {
  const { client } = await clientFor(await serve(always(404, apiError(7003, 'Could not route'))));
  expect(await client.connector({ accountId: ACCOUNT, id: 't' }, 'c')).toMatchObject({ ok: false });
  const odd = await clientFor(await serve(always(200, envelope(null))));
  expect(await odd.client.connector({ accountId: ACCOUNT, id: 't' }, 'c')).toMatchObject({
    ok: false,
    failure: { reason: 'malformed' },
  });
});

test('answers that arrive together are read one per iteration of the event loop', async () => {
  const waiting: (() => void)[] = [];
  const apiUrl = await serve((_request, response) => {
    waiting.push(() => response.end(envelope([])));
    if (waiting.length === 8) for (const answer of waiting) answer();
  });
  const { client } = await clientFor(apiUrl);
  let iteration = 0;
  const counting = new AbortController();
  const count = (): void => {
    iteration += 1;
    if (!counting.signal.aborted) setImmediate(count);
  };
  count();
  const readIn = await Promise.all(
    Array.from({ length: 8 }, async (_, index) => {
      await client.connections({ accountId: ACCOUNT, id: `${index}`, type: 'cfd_tunnel' });
      return iteration;
    }),
  );
  counting.abort();
  expect(new Set(readIn).size).toBe(8);
});

test('an exception while a call is made or read is a malformed failure of that call', async () => {
  const token = await openLiveToken({ kind: 'value', value: TOKEN });
  const errors: string[] = [];
  let isBroken = false;
  const client = createClient({
    config: {
      apiUrl: await serve(always(200, envelope([]))),
      requestBudget: 600,
      concurrency: 1,
      requestTimeoutMs: 5_000,
    },
    token: {
      ...token,
      current: () => {
        if (isBroken) throw new RangeError('Maximum call stack size exceeded');
        return TOKEN;
      },
    },
    clock: () => NOW,
    random: () => 0,
    version: '1.2.3',
    hooks: { onError: (reason) => errors.push(reason) },
  });
  onTestFinished(() => client.close());
  const tunnel = { id: 'x', accountId: ACCOUNT, type: 'cfd_tunnel' } as const;
  isBroken = true;
  const { result } = await client.connections(tunnel);
  isBroken = false;
  expect(result).toMatchObject({
    ok: false,
    failure: { reason: 'malformed', message: containing('cannot be read (RangeError)') },
  });
  expect(errors).toEqual(['malformed']);
  // The next call succeeds.
  expect((await client.connections(tunnel)).result.ok).toBe(true);
});
