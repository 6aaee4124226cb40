import { once } from 'node:events';
import { createServer } from 'node:http';
import type { ServerResponse } from 'node:http';
import { expect, onTestFinished, test, vi } from 'vitest';
import type { PageBody, PageRequest } from '../../src/exposition/page.ts';
import { sendReply } from '../../src/web/reply.ts';
import { aPage, ask, connection, received, serving } from './serving.ts';

const SCRAPE = 'GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n';

/** A page that renders when the test calls `release`. */
function aHeldPage(...chunks: readonly string[]) {
  const waiting: ((body: PageBody) => void)[] = [];
  const body = {
    contentType: 'text/plain',
    length: Buffer.byteLength(chunks.join('')),
    chunks: chunks.map((chunk) => Buffer.from(chunk)),
  };
  return {
    page: { body: () => new Promise<PageBody>((resolve) => waiting.push(resolve)) },
    waiting,
    release: () => waiting.splice(0).forEach((resolve) => resolve(body)),
  };
}

const BIG = 20 * 1024 * 1024;

/** A page of 20 MB. */
function aBigPage(chunkSize = 64 * 1024) {
  const chunk = Buffer.alloc(chunkSize, 'x');
  const chunks = Array<Buffer>(BIG / chunkSize).fill(chunk);
  return { body: () => Promise.resolve({ contentType: 'text/plain', length: BIG, chunks }) };
}

test('the page is rendered in the format, encoding and names that the scrape requests', async () => {
  const asked: PageRequest[] = [];
  const { url } = await serving({
    page: {
      body: (request) => {
        asked.push(request);
        return aPage('a 1\n', '', 'b 2\n').body(request);
      },
    },
  });
  const scrape = await ask(`${url}/metrics?name[]=a&name%5B%5D=b&other=c`, {
    headers: { accept: 'application/openmetrics-text;version=1.0.0', 'accept-encoding': 'gzip' },
  });
  expect(scrape).toMatchObject({ status: 200, text: 'a 1\nb 2\n' });
  expect(scrape.headers).toMatchObject({
    'content-type': 'fake/openmetrics+gzip',
    'content-encoding': 'gzip',
    'content-length': '8',
    vary: 'Accept, Accept-Encoding',
  });
  const plain = await ask(`${url}/metrics`);
  expect(plain.headers).toMatchObject({ 'content-type': 'fake/text', vary: 'Accept, Accept-Encoding' });
  expect(plain.headers).not.toHaveProperty('content-encoding');
  expect(asked).toEqual([
    { format: 'openmetrics', gzip: true, names: new Set(['a', 'b']), overlaps: false },
    { format: 'text', gzip: false, names: undefined, overlaps: false },
  ]);
});

test('an empty page is a valid answer', async () => {
  const { url } = await serving({ page: aPage() });
  expect(await ask(`${url}/metrics`)).toMatchObject({ status: 200, text: '' });
});

test('a page that cannot be rendered is answered 500, with the reason in the log only', async () => {
  const reason = new Error('secret detail');
  const { url, logged } = await serving({ page: { body: () => Promise.reject(reason) } });
  expect(await ask(`${url}/metrics`)).toMatchObject({
    status: 500,
    text: 'Cannot render the metrics page; the log of the exporter says why.\n',
  });
  expect(logged).toEqual([{ details: { err: reason }, message: 'Cannot render the metrics page' }]);
});

test('scrapes above the limit are answered 503; other paths and later scrapes are served', async () => {
  const { page, waiting, release } = aHeldPage('done\n');
  const { url } = await serving({ page, config: { maxRequests: 2 } });
  const scrapes = [ask(`${url}/metrics`), ask(`${url}/metrics`)];
  await vi.waitUntil(() => waiting.length === 2);
  const refused = await ask(`${url}/metrics`);
  expect(refused).toMatchObject({
    status: 503,
    text: 'Too many scrapes in flight; --web.max-requests allows 2.\n',
  });
  expect(refused.headers['retry-after']).toBe('1');
  expect(await ask(`${url}/livez`)).toMatchObject({ status: 200 });
  expect(await ask(url)).toMatchObject({ status: 200 });
  release();
  for (const scrape of scrapes) expect(await scrape).toMatchObject({ status: 200, text: 'done\n' });
  const later = ask(`${url}/metrics`);
  await vi.waitUntil(() => waiting.length === 1);
  release();
  expect(await later).toMatchObject({ status: 200 });
});

test('scrapes whose client has left free their slot, including pipelined ones', async () => {
  let rendered = 0;
  const { server, url } = await serving({
    page: {
      body: (request) => {
        rendered += 1;
        return rendered <= 3 ? new Promise(() => {}) : aPage('done\n').body(request);
      },
    },
    config: { maxRequests: 3 },
  });
  const socket = connection(url, SCRAPE.repeat(3));
  await vi.waitUntil(() => rendered === 3);
  expect(await ask(`${url}/metrics`)).toMatchObject({ status: 503 });
  socket.destroy();
  await vi.waitUntil(async () => (await ask(`${url}/metrics`)).status === 200);
  await server.drain();
});

test('a client that stops reading delays no other client, and gets the whole page when it continues', async () => {
  const { url } = await serving({ page: aBigPage() });
  const slow = connection(url, SCRAPE.replace('\r\n\r\n', '\r\nConnection: close\r\n\r\n'));
  slow.pause();
  await once(slow, 'connect');
  for (let round = 0; round < 3; round += 1) {
    expect((await ask(`${url}/metrics`)).body.length).toBe(BIG);
    expect(await ask(`${url}/livez`)).toMatchObject({ status: 200 });
  }
  slow.resume();
  const page = await received(slow);
  expect(page.slice(page.indexOf('\r\n\r\n') + 4)).toHaveLength(BIG);
});

test('at most one batch of the shared chunks is buffered for a client that stops reading', async () => {
  const responses: ServerResponse[] = [];
  const server = createServer((_, response) => {
    responses.push(response);
    const chunks = Array<Buffer>(320).fill(Buffer.alloc(64 * 1024));
    void sendReply(
      response,
      { status: 200, headers: {}, chunks },
      { ended: new AbortController().signal, head: false, lastOnConnection: false },
    );
  });
  onTestFinished(() => {
    server.close().closeAllConnections();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('The server listens on no port');
  connection(`http://127.0.0.1:${address.port}`, SCRAPE).pause();
  const response = await vi.waitUntil(() => responses.find(({ writableNeedDrain }) => writableNeedDrain));
  expect(response.writableLength).toBeLessThanOrEqual(2 * 1024 * 1024);
});

test('a response that is not read before the deadline is cut off, and its slot is free again', async () => {
  const { url } = await serving({ page: aBigPage(), responseDeadlineMs: 200, config: { maxRequests: 1 } });
  const slow = connection(url, SCRAPE);
  slow.pause();
  await once(slow, 'connect');
  await vi.waitUntil(async () => (await ask(`${url}/metrics`)).status === 503);
  await vi.waitUntil(
    async () => (await ask(`${url}/metrics`).catch(() => undefined))?.status === 200,
    15_000,
  );
  slow.resume();
  expect((await received(slow)).length).toBeLessThan(BIG);
});

test('clients that stop reading in the middle of a scrape are cut off, and their slots are free again', async () => {
  const { url } = await serving({ page: aBigPage(), stalledReaderMs: 300, config: { maxRequests: 3 } });
  const stalled = Array.from({ length: 3 }, () => connection(url, SCRAPE));
  for (const socket of stalled) socket.pause();
  const pages = stalled.map(received);
  await vi.waitUntil(async () => (await ask(`${url}/metrics`)).status === 503, 10_000);
  for (const probe of ['/livez', '/readyz', '/'])
    expect(await ask(`${url}${probe}`)).toMatchObject({ status: 200 });
  await vi.waitUntil(async () => (await ask(`${url}/metrics`)).status === 200, 15_000);
  for (const socket of stalled) socket.resume();
  for (const page of await Promise.all(pages)) expect(page.length).toBeLessThan(BIG);
});

test('a slow client that keeps reading is not cut off', async () => {
  const { url } = await serving({ page: aBigPage(), stalledReaderMs: 400 });
  const slow = connection(url, SCRAPE.replace('\r\n\r\n', '\r\nConnection: close\r\n\r\n'));
  let size = 0;
  slow.on('data', (chunk: Buffer) => {
    size += chunk.length;
    slow.pause();
    setTimeout(() => slow.resume(), size < BIG / 4 ? 20 : 0);
  });
  await once(slow, 'close');
  expect(size).toBeGreaterThan(BIG);
});

test('draining finishes a scrape in flight, closes its connection, and answers other requests until then', async () => {
  const { page, waiting, release } = aHeldPage('whole\n');
  const { server, url } = await serving({ page });
  const idle = connection(url, 'GET /livez HTTP/1.1\r\nHost: x\r\n\r\n');
  await once(idle, 'data');
  const halfARequest = connection(url, 'GET /metrics HTTP/1.1\r\n');
  const inFlight = connection(url, SCRAPE);
  await vi.waitUntil(() => waiting.length === 1);

  const idleClosed = once(idle, 'close');
  let drained = false;
  const drain = server.drain().then(() => (drained = true));
  await idleClosed;
  expect(await ask(`${url}/livez`)).toMatchObject({ status: 200, headers: { connection: 'close' } });
  expect(drained).toBe(false);

  const answer = received(inFlight);
  const cut = received(halfARequest);
  release();
  expect(await answer).toMatch(/^HTTP\/1\.1 200 OK\r\n[^]*Connection: close\r\n[^]*\r\n\r\nwhole\n$/);
  await drain;
  expect(await cut).toBe('');
  await expect(ask(`${url}/livez`)).rejects.toThrow('ECONNREFUSED');
});

test.each([64 * 1024, BIG])(
  'draining waits for a slow client that reads chunks of %d bytes',
  async (chunkSize) => {
    const { server, url } = await serving({ page: aBigPage(chunkSize) });
    const slow = connection(url, SCRAPE);
    await once(slow, 'readable');
    const drain = server.drain();
    const page = received(slow);
    await drain;
    expect((await page).split('\r\n\r\n')[1]).toHaveLength(BIG);
  },
);

test('closing ends a drain that takes too long', async () => {
  const { page, waiting } = aHeldPage();
  const { server, url } = await serving({ page });
  const inFlight = connection(url, SCRAPE);
  await vi.waitUntil(() => waiting.length === 1);
  const drain = server.drain();
  const answer = received(inFlight);
  await server.close();
  await drain;
  expect(await answer).toBe('');
});
