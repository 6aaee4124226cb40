import { expect, test } from 'vitest';
import type { Readiness } from '../../src/web/router.ts';
import { ask, serving } from './serving.ts';

test('a reload needs POST, and is refused unless enabled', async () => {
  const { url } = await serving();
  for (const method of ['GET', 'HEAD', 'PUT', 'DELETE']) {
    const { status, headers } = await ask(`${url}/-/reload`, { method });
    expect(status).toBe(405);
    expect(headers.allow).toBe('POST');
  }
  expect(await ask(`${url}/-/reload`, { method: 'POST' })).toMatchObject({ status: 403 });
});

test('each POST reloads once, and the answer has the problems', async () => {
  let problems: readonly string[] = [];
  let reloads = 0;
  const { url } = await serving({
    reload: () => {
      reloads += 1;
      return Promise.resolve(problems);
    },
  });
  await ask(`${url}/-/reload`);
  expect(reloads).toBe(0);
  expect(await ask(`${url}/-/reload`, { method: 'POST' })).toMatchObject({ status: 200, text: 'reloaded\n' });
  problems = ['a (flag): bad', 'b (flag): bad'];
  expect(await ask(`${url}/-/reload`, { method: 'POST' })).toMatchObject({
    status: 500,
    text: 'Not reloaded; the previous settings stay in use:\na (flag): bad\nb (flag): bad\n',
  });
  expect(reloads).toBe(2);
});

test('/edge-ready answers with the state of the sidecar, and with 404 if there is none', async () => {
  let readiness: Readiness | undefined;
  const { url } = await serving({ edgeReadiness: () => readiness });
  expect(await ask(`${url}/edge-ready`)).toMatchObject({ status: 404 });
  readiness = { ready: false, reason: 'not seen' };
  expect(await ask(`${url}/edge-ready`)).toMatchObject({ status: 503, text: 'not seen\n' });
  expect(await ask(`${url}/edge-ready`, { method: 'HEAD' })).toMatchObject({ status: 503, text: '' });
  readiness = { ready: true, reason: '' };
  expect(await ask(`${url}/edge-ready`)).toMatchObject({ status: 200, text: 'ready\n' });
  const { status, headers } = await ask(`${url}/edge-ready`, { method: 'POST' });
  expect({ status, allow: headers.allow }).toEqual({ status: 405, allow: 'GET, HEAD' });
});

test.each<[string, Record<string, string>, number]>([
  ['a page of another origin', { origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' }, 403],
  ['a page of the same site but another origin', { 'sec-fetch-site': 'same-site' }, 403],
  ['an old browser on another origin', { origin: 'https://evil.example' }, 403],
  ['a sandboxed page', { origin: 'null' }, 403],
  ['a page of our own', { 'sec-fetch-site': 'same-origin' }, 200],
  ['curl', {}, 200],
])('a reload from %s', async (_, headers, status) => {
  let reloads = 0;
  const { url } = await serving({
    reload: () => {
      reloads += 1;
      return Promise.resolve([]);
    },
  });
  expect(await ask(`${url}/-/reload`, { method: 'POST', headers })).toMatchObject({ status });
  expect(reloads).toBe(status === 200 ? 1 : 0);
});
