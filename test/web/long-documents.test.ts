import { gunzipSync } from 'node:zlib';
import { once } from 'node:events';
import { expect, test, vi } from 'vitest';
import { createDocumentRoute } from '../../src/web/document-route.ts';
import { createConcurrencyLimit } from '../../src/web/concurrency-limit.ts';
import type { Snapshot } from '../../src/core/snapshot.ts';
import { aSnapshot, aTunnel, anAccount } from '../support/snapshots.ts';
import { ask, connection, received, serving } from './serving.ts';

const TUNNELS = 1000;

function aLargeFleet(): Snapshot {
  const tunnels = Array.from({ length: TUNNELS }, (_, index) =>
    aTunnel({ id: `id-${index}`, name: `tunnel ${index}` }),
  );
  return aSnapshot(anAccount({ tunnels }));
}

/** A fleet whose last tunnel throws when it is read. */
function aBrokenFleet(): Snapshot {
  const [account] = aLargeFleet().accounts.values();
  if (account === undefined) throw new Error('the fleet is empty');
  const tunnels = new Map(account.tunnels);
  const broken = aTunnel({ id: 'broken', name: 'zzz' });
  Object.defineProperty(broken, 'connectors', {
    get: () => {
      throw new Error('broken inside');
    },
  });
  return aSnapshot({ ...account, tunnels: tunnels.set('broken', broken) });
}

test.each(['/?status=healthy', '/api/v1/tunnels'])(
  '%s holds every tunnel of a large fleet, plain and compressed',
  async (path) => {
    const { url } = await serving({ snapshot: aLargeFleet });
    const plain = await ask(`${url}${path}`);
    const zipped = await ask(`${url}${path}`, { headers: { 'accept-encoding': 'gzip' } });
    for (let index = 0; index < TUNNELS; index += 1) expect(plain.text).toContain(`tunnel ${index}`);
    expect(plain.headers['content-length']).toBe(String(plain.body.length));
    expect(zipped.headers['content-encoding']).toBe('gzip');
    expect(gunzipSync(zipped.body).toString()).toBe(plain.text);
  },
);

test.each(['/?status=healthy', '/api/v1/tunnels'])(
  'HEAD of a large %s has the headers of GET',
  async (path) => {
    const { url } = await serving({ snapshot: aLargeFleet });
    const get = await ask(`${url}${path}`);
    const head = await ask(`${url}${path}`, { method: 'HEAD' });
    expect(head.body).toHaveLength(0);
    expect({ ...head.headers, date: '' }).toEqual({ ...get.headers, date: '' });
  },
);

test.each(['gzip', 'identity'])(
  'a large document that fails in the middle is an error, and the next request tries again (%s)',
  async (encoding) => {
    const { url, logged } = await serving({ snapshot: aBrokenFleet });
    for (let time = 0; time < 2; time += 1)
      expect(await ask(`${url}/api/v1/tunnels`, { headers: { 'accept-encoding': encoding } })).toMatchObject({
        status: 500,
      });
    expect(logged.map(({ message }) => message)).toEqual(Array(2).fill('Cannot answer an HTTP request'));
    expect(await ask(`${url}/livez`)).toMatchObject({ status: 200 });
  },
);

/** A route whose document has `size` lines. `made` counts the lines that were rendered. */
function aDocument({ maxRunning = 100, maxWaiting = 100, size = 1000 } = {}) {
  let version = 1;
  let made = 0;
  const route = createDocumentRoute({
    contentType: 'text/plain',
    headers: {},
    limit: createConcurrencyLimit({ maxRunning, maxWaiting }),
    version: () => version,
    render: () => ({ ok: true, parts: lines(size, () => (made += 1)) }),
  });
  return {
    made: () => made,
    renew: () => void (version += 1),
    get: (ended: AbortSignal = new AbortController().signal, query = '', encoding = 'identity') =>
      route({
        headers: { 'accept-encoding': encoding },
        path: '/',
        query: new URLSearchParams(query),
        ended,
      }),
  };
}

test('a document is rendered once for all requests, and again for another snapshot, query or encoding', async () => {
  const document = aDocument();
  const replies = await Promise.all(Array.from({ length: 80 }, () => document.get()));
  expect(document.made()).toBe(1_000);
  // The same chunks, not only equal ones.
  for (const { chunks } of replies) expect(chunks).toBe(replies[0]?.chunks);
  await document.get();
  expect(document.made()).toBe(1_000);
  document.renew();
  await Promise.all([document.get(), document.get()]);
  expect(document.made()).toBe(2_000);
  await document.get(undefined, 'status=down');
  await document.get(undefined, '', 'gzip');
  expect(document.made()).toBe(4_000);
});

test('queries that are not repeated leave the cache', async () => {
  const document = aDocument({ size: 1 });
  const first = await document.get(undefined, 'name=0');
  for (let name = 1; name < 50; name += 1) await document.get(undefined, `name=${name}`);
  expect((await document.get(undefined, 'name=0')).chunks).not.toBe(first.chunks);
});

test('requests above the limit wait, more of them are answered 503, and a client that leaves frees its slot', async () => {
  const document = aDocument({ maxRunning: 1, maxWaiting: 2, size: 1 });
  const requests = Array.from({ length: 4 }, () => {
    const client = new AbortController();
    const answer = document.get(client.signal);
    return { leave: () => client.abort(), status: answer.then(({ status }) => status) };
  });
  const [first, second, third, fourth] = requests;
  expect([await first?.status, await fourth?.status]).toEqual([200, 503]);
  second?.leave();
  expect(await second?.status).toBe(503);
  first?.leave();
  expect(await third?.status).toBe(200);
});

test('the event loop runs other work while a large document is made', async () => {
  const document = aDocument({ size: 5_000 });
  let isMade = false;
  let iterations = 0;
  const iterate = (): void => {
    iterations += 1;
    if (!isMade) setImmediate(iterate);
  };
  setImmediate(iterate);
  await document.get();
  isMade = true;
  expect(iterations).toBeGreaterThanOrEqual(Math.floor((5_000 * LINE.length) / 2 ** 16) - 2);
});

const LINE = `${'x'.repeat(999)}\n`;

function* lines(count: number, made: () => void): Generator<string> {
  for (let line = 0; line < count; line += 1) {
    made();
    yield LINE;
  }
}

test('a client that leaves during a large document frees its slot', async () => {
  const { url } = await serving({ snapshot: aLargeFleet, config: { maxRequests: 1 } });
  const slow = connection(url, 'GET /api/v1/tunnels HTTP/1.1\r\nHost: x\r\nAccept-Encoding: gzip\r\n\r\n');
  await once(slow, 'readable');
  slow.destroy();
  const roomAgain = await vi.waitUntil(async () => (await ask(`${url}/api/v1/tunnels`)).status === 200);
  expect(roomAgain).toBe(true);
});

test('a client of HTTP/1.0 receives a large document, which ends when the connection closes', async () => {
  const { url } = await serving({ snapshot: aLargeFleet });
  const answer = await received(connection(url, 'GET /api/v1/tunnels HTTP/1.0\r\n\r\n'));
  const [, body = ''] = answer.split('\r\n\r\n');
  expect(JSON.parse(body)).toHaveProperty('tunnels.length', TUNNELS);
});
