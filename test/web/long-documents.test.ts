import { gunzipSync } from 'node:zlib';
import { once } from 'node:events';
import { expect, test, vi } from 'vitest';
import { createDocumentRoute } from '../../src/web/document-route.ts';
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

/** A fleet that cannot be read to its end. */
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

test.each(['/', '/api/v1/tunnels'])(
  '%s holds every tunnel of a large fleet, plain and compressed',
  async (path) => {
    const { url } = await serving({ snapshot: aLargeFleet });
    const plain = await ask(`${url}${path}`);
    const zipped = await ask(`${url}${path}`, { headers: { 'accept-encoding': 'gzip' } });
    for (let index = 0; index < TUNNELS; index += 1) expect(plain.text).toContain(`tunnel ${index}`);
    expect(plain.headers).not.toHaveProperty('content-length');
    expect(zipped.headers['content-encoding']).toBe('gzip');
    expect(gunzipSync(zipped.body).toString()).toBe(plain.text);
  },
);

test.each(['/', '/api/v1/tunnels'])(
  'HEAD of a large %s has the headers of GET that do not depend on the body',
  async (path) => {
    const { url } = await serving({ snapshot: aLargeFleet });
    const get = await ask(`${url}${path}`);
    const head = await ask(`${url}${path}`, { method: 'HEAD' });
    expect(head.body).toHaveLength(0);
    const { 'transfer-encoding': encoding, ...others } = get.headers;
    expect(encoding).toBe('chunked');
    expect({ ...head.headers, date: '' }).toEqual({ ...others, date: '' });
  },
);

test.each(['gzip', 'identity'])(
  'a large document that breaks in the middle is cut off, not ended as if it were whole (%s)',
  async (encoding) => {
    const { url, logged } = await serving({ snapshot: aBrokenFleet });
    await expect(ask(`${url}/api/v1/tunnels`, { headers: { 'accept-encoding': encoding } })).rejects.toThrow(
      'aborted',
    );
    expect(logged.map(({ message }) => message)).toEqual(['Cannot send an HTTP response']);
    expect(await ask(`${url}/livez`)).toMatchObject({ status: 200 });
  },
);

test('a large document is made no faster than it is read, and the event loop has its turns meanwhile', async () => {
  let made = 0;
  const over = new AbortController();
  const route = createDocumentRoute({
    contentType: 'text/plain',
    headers: {},
    limit: 1,
    render: () => ({ ok: true, parts: lines(() => (made += 1)) }),
  });
  const { chunks } = await route({ headers: {}, query: new URLSearchParams(), over: over.signal });
  const before = made;
  let turns = 0;
  const turn = (): void => {
    turns += 1;
    if (!over.signal.aborted) setImmediate(turn);
  };
  setImmediate(turn);
  let read = 0;
  for await (const chunk of chunks) {
    read += chunk.length;
    expect(made * LINE.length - read).toBeLessThanOrEqual(3 * 2 ** 16);
  }
  over.abort();
  expect(before * LINE.length).toBeLessThanOrEqual(3 * 2 ** 16);
  expect(read).toBe(made * LINE.length);
  expect(turns).toBeGreaterThanOrEqual(Math.floor(read / 2 ** 16) - 2);
});

const LINE = `${'x'.repeat(999)}\n`;

function* lines(count: () => void): Generator<string> {
  for (let line = 0; line < 1000; line += 1) {
    count();
    yield LINE;
  }
}

test('a client that leaves a large document makes room for another', async () => {
  const { url } = await serving({ snapshot: aLargeFleet, config: { maxRequests: 1 } });
  const slow = connection(url, 'GET /api/v1/tunnels HTTP/1.1\r\nHost: x\r\nAccept-Encoding: gzip\r\n\r\n');
  await once(slow, 'readable');
  slow.destroy();
  const roomAgain = await vi.waitUntil(async () => (await ask(`${url}/api/v1/tunnels`)).status === 200);
  expect(roomAgain).toBe(true);
});

test('a client of HTTP/1.0 gets a large document until the connection closes', async () => {
  const { url } = await serving({ snapshot: aLargeFleet });
  const answer = await received(connection(url, 'GET /api/v1/tunnels HTTP/1.0\r\n\r\n'));
  const [, body = ''] = answer.split('\r\n\r\n');
  expect(JSON.parse(body)).toHaveProperty('tunnels.length', TUNNELS);
});
