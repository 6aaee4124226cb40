import { once } from 'node:events';
import { connect } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import type { Simulator, SimulatorOptions } from '../../src/simulator/server.ts';
import { createSimulator } from '../../src/simulator/server.ts';
import { SIMULATOR_TOKEN } from '../../src/simulator/simulation.ts';
import { ACCOUNT, START } from './support.ts';

async function serve(options: SimulatorOptions = {}): Promise<Simulator> {
  const simulator = await createSimulator({
    accounts: [{ id: ACCOUNT, name: 'One', tunnels: [{ name: 'web', connectors: [{}] }] }],
    ...options,
  });
  onTestFinished(simulator.close);
  return simulator;
}

const headers = { authorization: `Bearer ${SIMULATOR_TOKEN}` };

test('it answers under /client/v4 on loopback, with the headers of the real API', async () => {
  const { url } = await serve();
  expect(url).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/client\/v4$/);
  const response = await fetch(`${url}/accounts/${ACCOUNT}/tunnels?per_page=5`, { headers });
  expect(response.status).toBe(200);
  expect(response.headers.get('content-type')).toBe('application/json');
  expect(response.headers.get('ratelimit-policy')).toBe('"default";q=1200;w=300');
  expect(await response.json()).toMatchObject({
    success: true,
    result_info: { per_page: 5, total_count: 1 },
  });
});

test('a path outside of the base is not found', async () => {
  const { url } = await serve();
  const response = await fetch(`${new URL(url).origin}/accounts`, { headers });
  expect(response.status).toBe(404);
  expect(await response.json()).toMatchObject({ success: false, errors: [{ code: 7003 }, { code: 7000 }] });
});

test('a POST is read completely and visible to the next request', async () => {
  const { url } = await serve();
  const name = 'tünnel '.repeat(20_000);
  const created = await fetch(`${url}/accounts/${ACCOUNT}/cfd_tunnel`, {
    method: 'POST',
    headers,
    body: JSON.stringify({ name }),
  });
  expect(created.status).toBe(200);
  const list = await fetch(`${url}/accounts/${ACCOUNT}/cfd_tunnel?include_prefix=t%C3%BCnnel`, { headers });
  expect(await list.json()).toMatchObject({ result: [{ name }] });
});

test('a body larger than 1 MB is refused', async () => {
  const { url } = await serve();
  const body = JSON.stringify({ name: 'x'.repeat(1024 * 1024) });
  const response = await fetch(`${url}/accounts/${ACCOUNT}/cfd_tunnel`, { method: 'POST', headers, body });
  expect(response.status).toBe(413);
});

test('time comes from the injected clock', async () => {
  let now = START;
  const simulator = await serve({ now: () => now, rateLimit: { requests: 1 } });
  const status = async (): Promise<number> => (await fetch(`${simulator.url}/accounts`, { headers })).status;
  expect([await status(), await status()]).toEqual([200, 429]);
  now += 300_000;
  expect(await status()).toBe(200);
  expect(simulator.now()).toBe(now);
});

test('the fleet changes by itself with autoTickMs', async () => {
  const lived = Promise.withResolvers<string>();
  await serve({
    autoTickMs: 5,
    life: { everyMs: { low: 5, high: 10 } },
    onLifeEvent: (event) => lived.resolve(event.what),
  });
  expect(await lived.promise).not.toBe('');
});

test('a port in use is an error', async () => {
  const { url } = await serve();
  await expect(createSimulator({ port: Number(new URL(url).port) })).rejects.toThrow('EADDRINUSE');
});

test('close ends connections that are open, in use or idle', async () => {
  const simulator = await createSimulator();
  simulator.faults.add({ effect: { kind: 'silence' } });
  const waiting = fetch(`${simulator.url}/accounts`, { headers });
  const socket = connect(Number(new URL(simulator.url).port), '127.0.0.1');
  await once(socket, 'connect');
  const ended = once(socket, 'close');
  const outcome = waiting.catch((error: unknown) => String(error));
  await expect.poll(() => simulator.requests.count()).toBe(1);
  await simulator.close();
  await ended;
  expect(await outcome).toBe('TypeError: fetch failed');
});
