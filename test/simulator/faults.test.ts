import { once } from 'node:events';
import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import type { FaultEffect } from '../../src/simulator/faults.ts';
import type { Simulator } from '../../src/simulator/server.ts';
import { createSimulator } from '../../src/simulator/server.ts';
import { SIMULATOR_TOKEN } from '../../src/simulator/simulation.ts';
import { ACCOUNT, codes, OTHER_ACCOUNT, rig } from './support.ts';
import type { Rig, Told } from './support.ts';

const base = `/accounts/${ACCOUNT}`;
const WEB = '00000000-0000-4000-8000-000000000001';

const ACCOUNTS = [
  {
    id: ACCOUNT,
    name: 'One',
    tunnels: [
      { name: 'web', id: WEB, connectors: [{}] },
      ...['a', 'b', 'c', 'd'].map((name) => ({ name, connectors: [{}] })),
    ],
  },
  { id: OTHER_ACCOUNT, name: 'Two' },
];

function struck(effect: FaultEffect): Told {
  const { ask, simulation } = rig({ accounts: ACCOUNTS });
  simulation.faults.add({ effect });
  return ask(`${base}/tunnels`);
}

// Which requests a fault applies to

const faulty = (): Rig => rig({ accounts: ACCOUNTS, maxPerPage: 2 });
const BROKEN: FaultEffect = { kind: 'status', status: 500 };

test('a fault applies to its endpoint, account, tunnel and page only', () => {
  const { ask, simulation } = faulty();
  const cases: readonly [Parameters<typeof simulation.faults.add>[0], string, string][] = [
    [{ endpoint: 'tunnels', effect: BROKEN }, `${base}/tunnels`, `${base}/cfd_tunnel`],
    [{ endpoint: ['accounts', 'warp_connector'], effect: BROKEN }, '/accounts', `${base}/cfd_tunnel`],
    [{ accountId: OTHER_ACCOUNT, effect: BROKEN }, `/accounts/${OTHER_ACCOUNT}/tunnels`, `${base}/tunnels`],
    [{ tunnelId: WEB, effect: BROKEN }, `${base}/cfd_tunnel/${WEB}/connections`, `${base}/cfd_tunnel`],
    [{ page: 2, effect: BROKEN }, `${base}/tunnels?page=2`, `${base}/tunnels?page=1`],
  ];
  for (const [spec, hit, spared] of cases) {
    const fault = simulation.faults.add(spec);
    expect([ask(hit).status, ask(spared).status, fault.hits()]).toEqual([500, 200, 1]);
    fault.remove();
    expect(ask(hit).status).toBe(200);
  }
});

test('a fault can apply to one token only', () => {
  const { ask, simulation } = faulty();
  simulation.tokens.add({ value: 'another-token-12345' });
  simulation.faults.add({ token: SIMULATOR_TOKEN, effect: BROKEN });
  expect([ask('/accounts').status, ask({ path: '/accounts', token: 'another-token-12345' }).status]).toEqual([
    500, 200,
  ]);
});

test('skip lets requests through first, times bounds the hits', () => {
  const { ask, simulation } = faulty();
  const fault = simulation.faults.add({ endpoint: 'tunnels', skip: 1, times: 2, effect: BROKEN });
  expect([1, 2, 3, 4, 5].map(() => ask(`${base}/tunnels`).status)).toEqual([200, 500, 500, 200, 200]);
  expect(fault.hits()).toBe(2);
});

test('the fault added first applies, and clear removes all', () => {
  const { ask, simulation } = faulty();
  simulation.faults.add({ times: 1, effect: { kind: 'status', status: 502 } });
  simulation.faults.add({ effect: { kind: 'status', status: 503 } });
  const statuses = [1, 2, 3].map(() => ask('/accounts').status);
  simulation.faults.clear();
  expect([...statuses, ask('/accounts').status]).toEqual([502, 503, 503, 200]);
});

test('affected requests are counted, and one answered by a status changes nothing', () => {
  const { ask, simulation } = faulty();
  simulation.faults.add({ times: 1, effect: { kind: 'status', status: 503 } });
  ask({ method: 'DELETE', path: `${base}/cfd_tunnel/${WEB}` });
  expect(ask(`${base}/cfd_tunnel/${WEB}`).body.result.deleted_at).toBeNull();
  expect(simulation.requests.count({ endpoint: 'cfd_tunnel_delete', status: 503 })).toBe(1);
});

// Wrong answers

test.each([
  [403, [10000]],
  [404, [1002]],
  [429, [971]],
  [500, [10001]],
] as const)('status %i comes in the envelope with codes %j', (status, expected) => {
  const told = struck({ kind: 'status', status });
  expect(told.status).toBe(status);
  expect(codes(told)).toEqual(expected);
  expect(told.headers).not.toHaveProperty('retry-after');
});

test('status 502 is an HTML page', () => {
  const told = struck({ kind: 'status', status: 502 });
  expect(told.headers['Content-Type']).toBe('text/html');
  expect(told.text).toContain('502 Bad gateway');
});

test('a status can have any body and headers', () => {
  const told = struck({ kind: 'status', status: 429, body: '', headers: { 'retry-after': '17' } });
  expect([told.status, told.text, told.headers['retry-after']]).toEqual([429, '', '17']);
  expect(struck({ kind: 'status', status: 429, body: null }).text).toBe('null');
});

test('an error code can have status 200', () => {
  const told = struck({ kind: 'error', status: 200, code: 971 });
  expect([told.status, told.body.success, codes(told)]).toEqual([200, false, [971]]);
});

test('a body can be any text, half of its JSON, or rewritten', () => {
  expect(struck({ kind: 'text', text: 'not json' }).text).toBe('not json');
  const half = struck({ kind: 'half_json' });
  expect(half.status).toBe(200);
  expect(half.text.length).toBeGreaterThan(100);
  expect(() => {
    JSON.parse(half.text);
  }).toThrow('JSON');
  const told = struck({ kind: 'rewrite', rewrite: (body) => ({ ...Object(body), result: null }) });
  expect(told.body).toMatchObject({ success: true, result: null, result_info: { total_count: 5 } });
});

// Incomplete lists

function pages(effect: FaultEffect, numbers: readonly number[]): readonly Told[] {
  const { ask, simulation } = faulty();
  simulation.faults.add({ endpoint: 'tunnels', page: 2, effect });
  return numbers.map((page) => ask(`${base}/tunnels?page=${page}`));
}
const ids = (told: Told | undefined): readonly string[] =>
  told?.body.result.map(({ id }: { id: string }) => id);

test('a page can repeat another one', () => {
  const [first, second] = pages({ kind: 'repeat_page', page: 1 }, [1, 2]);
  expect(ids(second)).toEqual(ids(first));
  expect(second?.body.result_info).toEqual({ page: 2, per_page: 2, count: 2, total_count: 5 });
});

test('a page can be empty', () => {
  const [, second, third] = pages({ kind: 'empty_page' }, [1, 2, 3]);
  expect(ids(second)).toEqual([]);
  expect(second?.body.result_info).toEqual({ page: 2, per_page: 2, count: 0, total_count: 5 });
  expect(ids(third)).toHaveLength(1);
});

test('the total can change between pages', () => {
  const totals = pages({ kind: 'total_count', add: -1 }, [1, 2, 3]).map(
    ({ body }) => body.result_info?.total_count,
  );
  expect(totals).toEqual([5, 4, 5]);
});

test('pages can be endless, with new ids', () => {
  const { ask, simulation } = faulty();
  simulation.faults.add({ effect: { kind: 'endless_pages' } });
  const seen = new Set<string>();
  for (let page = 1; page <= 50; page += 1) {
    const told = ask(`${base}/tunnels?page=${page}`);
    for (const id of ids(told)) seen.add(id);
    expect(told.body.result_info).toMatchObject({ page, count: 2, total_count: (page + 1) * 2 });
  }
  expect(seen.size).toBe(100);
});

// Broken transport, seen from a plain socket

interface Raw {
  readonly simulator: Simulator;
  readonly socket: Socket;
  readonly received: () => string;
}

async function request(effect: FaultEffect | undefined, delayMs = 0): Promise<Raw> {
  const simulator = await createSimulator({ accounts: ACCOUNTS });
  onTestFinished(simulator.close);
  if (effect !== undefined) simulator.faults.add({ effect, delayMs });
  const socket = connect(Number(new URL(simulator.url).port), '127.0.0.1');
  let received = '';
  socket.setEncoding('latin1').on('data', (text: string) => {
    received += text;
  });
  socket.on('error', () => {
    // A reset; the test checks what arrived before it.
  });
  socket.write(
    `GET /client/v4${base}/tunnels HTTP/1.1\r\nHost: simulator\r\nAuthorization: Bearer ${SIMULATOR_TOKEN}\r\nConnection: close\r\n\r\n`,
  );
  return { simulator, socket, received: () => received };
}

const bodyOf = (text: string): string => text.slice(text.indexOf('\r\n\r\n') + 4);
const lengthOf = (text: string): number => Number(/content-length: (\d+)/i.exec(text)?.[1]);

test('without a fault the answer is complete', async () => {
  const { socket, received } = await request(undefined);
  await once(socket, 'close');
  expect(bodyOf(received())).toHaveLength(lengthOf(received()));
});

test('a cut answer ends before its Content-Length', async () => {
  const { socket, received } = await request({ kind: 'cut', bytes: 100 });
  await once(socket, 'end');
  expect(bodyOf(received())).toHaveLength(100);
  expect(lengthOf(received())).toBeGreaterThan(1000);
});

test('a dripping answer continues after its end', async () => {
  const { received } = await request({ kind: 'drip', bytes: 400, everyMs: 1 });
  await expect.poll(() => received().endsWith('\r\n1\r\n \r\n'), { timeout: 10_000 }).toBe(true);
  const { length } = received();
  await expect.poll(() => received().length, { timeout: 10_000 }).toBeGreaterThan(length);
});

test('a silent server accepts the request and sends nothing', async () => {
  const { simulator, socket, received } = await request({ kind: 'silence' });
  await expect.poll(() => simulator.requests.count()).toBe(1);
  const closed = once(socket, 'close');
  await simulator.close();
  await closed;
  expect(received()).toBe('');
});

test('a connection can be reset before the headers', async () => {
  const { socket, received } = await request({ kind: 'reset' });
  const [error] = await once(socket, 'error');
  expect([error.code, received()]).toEqual(['ECONNRESET', '']);
});

test('a connection can be reset in the middle of the body', async () => {
  const { socket } = await request({ kind: 'reset', afterBytes: 50 });
  const [error] = await once(socket, 'error');
  expect(error.code).toBe('ECONNRESET');
});

test('a huge answer is valid JSON of that size', async () => {
  const { socket, received } = await request({ kind: 'huge', megabytes: 3 });
  await once(socket, 'close');
  expect(received().length).toBeGreaterThan(3 * 1024 * 1024);
  const chunks = bodyOf(received())
    .replaceAll(/(^|\r\n)[0-9a-f]+\r\n/g, '')
    .replace(/\r\n$/, '');
  expect(JSON.parse(chunks)).toMatchObject({ success: true, result: [] });
});

test('an answer can be delayed', async () => {
  const start = performance.now();
  const { socket, received } = await request({ kind: 'none' }, 40);
  await once(socket, 'close');
  expect(performance.now() - start).toBeGreaterThanOrEqual(39);
  expect(bodyOf(received())).toHaveLength(lengthOf(received()));
});
