import { expect, onTestFinished, test } from 'vitest';
import { type Cloudflared, createCloudflared } from '../../src/sidecar/cloudflared.ts';
import { fakeCloudflared, listen } from './support.ts';

function asking(url: string): Cloudflared {
  const cloudflared = createCloudflared(url);
  onTestFinished(() => cloudflared.close());
  return cloudflared;
}

const answering = async (status: number, body: string): Promise<Cloudflared> => {
  const { port } = await listen((_request, response) => void response.writeHead(status).end(body));
  return asking(`http://127.0.0.1:${port}`);
};

test('200 and 503 both contain connections and connector', async () => {
  const fake = await fakeCloudflared({ readyConnections: 4, connectorId: 'a' });
  const { readiness } = asking(fake.url);
  expect(await readiness()).toEqual({ ok: true, ready: true, readyConnections: 4, connectorId: 'a' });
  fake.says({ readyConnections: 0, connectorId: 'a' });
  expect(await readiness()).toEqual({ ok: true, ready: false, readyConnections: 0, connectorId: 'a' });
});

test('a version without connector id is understood', async () => {
  const { readiness } = await answering(200, '{"status":200,"readyConnections":2}');
  expect(await readiness()).toEqual({ ok: true, ready: true, readyConnections: 2, connectorId: '' });
});

test.each([
  [404, '404 page not found'],
  [200, 'OK'],
  [200, 'null'],
  [200, '[]'],
  [200, '{"status":200}'],
  [200, '{"readyConnections":"4"}'],
  [200, '{"readyConnections":-1}'],
  [500, '{"readyConnections":4,"connectorId":"a"}'],
  [302, '{"readyConnections":4,"connectorId":"a"}'],
  [200, `{"readyConnections":4,"connectorId":"a"${' '.repeat(20_000)}}`],
])('%i with %.40s is not an answer of cloudflared', async (status, body) => {
  const { readiness } = await answering(status, body);
  expect(await readiness()).toEqual({
    ok: false,
    problem: `answered ${status}, but not with cloudflared's readiness`,
  });
});

test('connection refused and connection closed', async () => {
  const fake = await fakeCloudflared({ readyConnections: 4, connectorId: 'a' });
  await fake.end();
  expect(await asking(fake.url).readiness()).toEqual({
    ok: false,
    problem: 'does not answer: connection refused',
  });
  const { port } = await listen(({ socket }) => void socket.destroy());
  expect(await asking(`http://127.0.0.1:${port}`).readiness()).toEqual({
    ok: false,
    problem: 'does not answer: connection closed',
  });
});

test('a request without answer ends after two seconds', async () => {
  const { port } = await listen(() => undefined);
  expect(await asking(`http://127.0.0.1:${port}`).readiness()).toEqual({
    ok: false,
    problem: 'does not answer within 2 s',
  });
});

test('close ends requests in flight', async () => {
  const { port } = await listen(() => void cloudflared.close());
  const cloudflared = createCloudflared(`http://127.0.0.1:${port}`);
  expect(await cloudflared.readiness()).toMatchObject({ ok: false });
});
