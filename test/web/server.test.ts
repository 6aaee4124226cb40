import { gunzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { aSnapshot, anAccount } from '../support/snapshots.ts';
import { aPage, aWebServer, ask, connection, received, serving } from './serving.ts';

const PATHS = ['/', '/metrics', '/livez', '/readyz', '/api/v1/tunnels'];

test('every path answers GET, and HEAD with the same headers and no body', async () => {
  const { url } = await serving();
  for (const path of PATHS) {
    const get = await ask(`${url}${path}`);
    const head = await ask(`${url}${path}`, { method: 'HEAD' });
    expect(get.status).toBe(200);
    expect(get.headers['content-length']).toBe(String(get.body.length));
    expect(get.headers['x-content-type-options']).toBe('nosniff');
    expect(get.headers['cache-control']).toBe('no-store');
    expect(head.status).toBe(200);
    expect(head.body.length).toBe(0);
    expect({ ...head.headers, date: '' }).toEqual({ ...get.headers, date: '' });
  }
});

test('another method on a known path is answered 405 with the allowed methods', async () => {
  const { url } = await serving();
  for (const path of PATHS)
    for (const method of ['POST', 'PUT', 'DELETE', 'OPTIONS', 'TRACE']) {
      const { status, headers } = await ask(`${url}${path}`, { method });
      expect(status).toBe(405);
      expect(headers.allow).toBe('GET, HEAD');
    }
});

test.each([
  '/metrics',
  '/metric',
  '/livez/',
  '/LIVEZ',
  '/favicon.ico',
  '/__proto__',
  '//',
  '//livez',
  '/%zz',
])('the unknown path %s is answered 404 for every method, with the paths that exist', async (path) => {
  const { url } = await serving({ config: { telemetryPath: '/tunnel-metrics' } });
  for (const method of ['GET', 'POST'])
    expect(await ask(`${url}${path}`, { method })).toMatchObject({
      status: 404,
      text: 'Not found. Served here: / /tunnel-metrics /livez /readyz /api/v1/tunnels /api/v1/events /tunnels/{id}\n',
    });
});

test('unknown and malformed query strings are ignored', async () => {
  const { url } = await serving();
  for (const path of PATHS) {
    const { status } = await ask(`${url}${path}?x=%zz&&?=/&y=%E0%A4%A`);
    expect(status).toBe(200);
  }
});

test.each([
  ['GET http://somewhere.example/livez HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n', 'HTTP/1.1 200 OK'],
  ['GET http://somewhere.example HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n', 'HTTP/1.1 200 OK'],
  ['GET http://[/livez HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n', 'HTTP/1.1 200 OK'],
  ['GET // HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n', 'HTTP/1.1 404 Not Found'],
  ['GET /%zz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n', 'HTTP/1.1 404 Not Found'],
  ['GET /%00 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n', 'HTTP/1.1 404 Not Found'],
  ['OPTIONS * HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n', 'HTTP/1.1 404 Not Found'],
  ['GET /livez HTTP/1.0\r\n\r\n', 'HTTP/1.1 200 OK'],
  ['GET /livez HTTP/1.1\r\n\r\n', 'HTTP/1.1 400 Bad Request'],
  ['\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03', 'HTTP/1.1 400 Bad Request'],
  ['GET /livez HTTP/1.1\r\nHost: x\r\nBad\u0000Header: 1\r\n\r\n', 'HTTP/1.1 400 Bad Request'],
  ['GET / HTTP/9.9\r\n\r\n', 'HTTP/1.1 400 Bad Request'],
  [`GET / HTTP/1.1\r\nHost: x\r\nX: ${'x'.repeat(20_000)}`, 'HTTP/1.1 431 Request Header Fields Too Large'],
])('the request %j is answered with %s, and the server keeps running', async (bytes, statusLine) => {
  const { url } = await serving();
  expect(await received(connection(url, bytes))).toMatch(new RegExp(`^${statusLine}\r\n`));
  expect(await ask(`${url}/livez`)).toMatchObject({ status: 200, text: 'ok\n' });
});

test('/readyz says why the exporter is not ready, and /livez does not depend on it', async () => {
  let readiness = { ready: false, reason: 'the first poll has not finished' };
  const { url } = await serving({ readiness: () => readiness });
  expect(await ask(`${url}/readyz`)).toMatchObject({
    status: 503,
    text: 'the first poll has not finished\n',
  });
  expect(await ask(`${url}/livez`)).toMatchObject({ status: 200, text: 'ok\n' });
  readiness = { ready: true, reason: '' };
  expect(await ask(`${url}/readyz`)).toMatchObject({ status: 200, text: 'ready\n' });
});

test('the policy of the policy of the status page allows its own style and nothing else', async () => {
  const { url } = await serving();
  const { headers, text } = await ask(url);
  expect(headers['content-type']).toBe('text/html; charset=utf-8');
  expect(headers['content-security-policy']).toMatch(
    /^default-src 'none'; style-src 'sha256-[A-Za-z0-9+/]{43}='; /,
  );
  expect(text).toMatch(/^<!doctype html>/);
});

test('pages are compressed if the client accepts gzip', async () => {
  const { url } = await serving();
  for (const path of ['/', '/api/v1/tunnels']) {
    const plain = await ask(`${url}${path}`);
    const zipped = await ask(`${url}${path}`, { headers: { 'accept-encoding': 'gzip' } });
    expect(zipped.headers['content-encoding']).toBe('gzip');
    expect(zipped.headers.vary).toBe('Accept-Encoding');
    expect(gunzipSync(zipped.body).toString()).toBe(plain.text);
  }
});

test('/api/v1/tunnels says why a filter is invalid', async () => {
  const { url } = await serving();
  expect(await ask(`${url}/api/v1/tunnels?status=dwon`)).toMatchObject({
    status: 400,
    text: 'Unknown status "dwon"; use one of healthy, degraded, down, inactive, unknown.\n',
  });
});

test('a route that throws is answered 500 without details, and logged', async () => {
  const { url, logged } = await serving({
    snapshot: () => {
      throw new Error('broken inside');
    },
  });
  const { status, text } = await ask(url);
  expect(status).toBe(500);
  expect(text).not.toContain('broken inside');
  expect(logged).toHaveLength(1);
});

test('every listen address is served; without a host, every address family of the machine', async () => {
  const { server } = aWebServer({
    config: {
      listenAddresses: [
        { host: '127.0.0.1', port: 0 },
        { host: undefined, port: 0 },
      ],
    },
  });
  expect(server.addresses()).toEqual([]);
  await server.listen();
  const [first = '', second = ''] = server.addresses();
  expect(first).toMatch(/^http:\/\/127\.0\.0\.1:[1-9]\d*$/);
  expect(second).toMatch(/^http:\/\/localhost:[1-9]\d*$/);
  for (const url of [first, second, second.replace('localhost', '127.0.0.1')])
    expect(await ask(`${url}/livez`)).toMatchObject({ status: 200 });
});

test('an address in use is reported in one line, and the listeners opened before are closed', async () => {
  const { url } = await serving();
  const taken = Number(new URL(url).port);
  const { server } = aWebServer({
    config: {
      listenAddresses: [
        { host: '127.0.0.1', port: 0 },
        { host: '127.0.0.1', port: taken },
      ],
    },
  });
  await expect(server.listen()).rejects.toThrow(
    `Cannot listen on 127.0.0.1:${taken}: the address is in use; stop the other process or choose another --web.listen-address`,
  );
  expect(server.addresses()).toEqual([]);
});

test.each([
  [{ host: '192.0.2.1', port: 0 }, 'Cannot listen on 192.0.2.1:0: this machine has no such address'],
  [{ host: '2001:db8::1', port: 0 }, 'Cannot listen on [2001:db8::1]:0: '],
])('an address that cannot be opened is named in the error: %j', async (address, message) => {
  const { server } = aWebServer({ config: { listenAddresses: [address] } });
  await expect(server.listen()).rejects.toThrow(message);
});

test('a server that never listened can be closed, more than once', async () => {
  const { server } = aWebServer();
  await server.close();
  await server.close();
  await server.drain();
  expect(server.addresses()).toEqual([]);
});

test('the page shows the current snapshot', async () => {
  let snapshot = aSnapshot(anAccount({ up: undefined, listedAt: new Map() }));
  const { url } = await serving({ snapshot: () => snapshot, page: aPage() });
  expect((await ask(url)).text).toContain('The first poll has not finished yet.');
  snapshot = aSnapshot(anAccount());
  expect((await ask(url)).text).toContain('No tunnels');
});
