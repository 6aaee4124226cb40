import { createServer } from 'node:http';
import { expect, onTestFinished, test, vi } from 'vitest';
import { ACCOUNT, cli, ONCE, running, samplesOf, scrape, simulate, TOKEN, valueOf } from './support.ts';

const PATIENCE = { timeout: 15_000, interval: 50 };

test('it is live at once while Cloudflare does not answer, and ready after a poll', async () => {
  const api = await simulate();
  const fault = api.faults.add({ effect: { kind: 'silence' } });
  const exporter = await running(['--cloudflare.request-timeout=500ms'], { api });
  expect(await exporter.get('/livez')).toEqual({ status: 200, text: 'ok\n' });
  expect(await exporter.get('/readyz')).toMatchObject({ status: 503 });
  expect(
    valueOf(await scrape(exporter), 'cloudflare_tunnel_exporter_polls_total', { result: 'success' }),
  ).toBe(0);
  fault.remove();
  await vi.waitFor(
    async () => expect(await exporter.get('/readyz')).toMatchObject({ status: 200 }),
    PATIENCE,
  );
  expect(samplesOf(await scrape(exporter), 'cloudflare_tunnel_info')).toHaveLength(2);
});

test('while the API fails, its data disappears, and it returns with counters that did not go down', async () => {
  const api = await simulate();
  const exporter = await running(['--poll.stale-after=2s'], { api });
  const opened = async (): Promise<number | undefined> =>
    valueOf(await scrape(exporter), 'cloudflare_tunnel_connections_opened_total', {
      tunnel_name: 'tunnel-0',
    });
  await vi.waitFor(async () => expect(await opened()).toBe(0), PATIENCE);
  const [connector] = api.fleet.tunnelNamed(ACCOUNT, 'tunnel-0')?.connectors ?? [];
  api.fleet.restartConnector(connector?.id ?? '', Date.now());
  await vi.waitFor(async () => expect(await opened()).toBe(4), PATIENCE);

  const fault = api.faults.add({ effect: { kind: 'half_json' } });
  await vi.waitFor(
    async () => expect(await exporter.get('/readyz')).toMatchObject({ status: 503 }),
    PATIENCE,
  );
  const failing = await scrape(exporter);
  expect(failing).not.toContain('tunnel_name=');
  expect(valueOf(failing, 'cloudflare_tunnel_exporter_account_up')).toBe(0);
  expect(await exporter.get('/livez')).toMatchObject({ status: 200 });

  fault.remove();
  await vi.waitFor(
    async () => expect(await exporter.get('/readyz')).toMatchObject({ status: 200 }),
    PATIENCE,
  );
  await vi.waitFor(async () => expect(await opened()).toBe(4), PATIENCE);
});

test('a scrape never sends requests to Cloudflare', async () => {
  const api = await simulate();
  const exporter = await running(ONCE, { api });
  await vi.waitFor(
    async () => expect(await exporter.get('/readyz')).toMatchObject({ status: 200 }),
    PATIENCE,
  );
  const requests = api.requests.count();
  expect(requests).toBeGreaterThan(0);
  for (let scrapes = 0; scrapes < 20; scrapes += 1) await scrape(exporter);
  await exporter.get('/');
  await exporter.get('/api/v1/tunnels');
  expect(api.requests.count()).toBe(requests);
});

test('the log of a run names addresses and accounts, is JSON only, and stdout stays empty', async () => {
  const api = await simulate();
  const exporter = await running(ONCE, { api });
  expect(await exporter.stop()).toEqual({ code: 0, signal: null });
  expect(exporter.logs().map(({ level, msg }) => `${level}: ${msg}`)).toEqual([
    'info: serving metrics',
    'info: stopping: in-flight scrapes finish, polling is abandoned',
    'info: stopped',
  ]);
  expect(exporter.logs()[0]).toMatchObject({ addresses: [exporter.url], accounts: [ACCOUNT] });
  expect(exporter.stdout()).toBe('');
  expect(JSON.stringify(exporter.logs())).not.toContain(TOKEN);
});

test('a duration is a valid schedule', async () => {
  const api = await simulate();
  const exporter = await running(['--poll.schedule=1500ms'], { api });
  const polls = async (): Promise<number> =>
    valueOf(await scrape(exporter), 'cloudflare_tunnel_exporter_polls_total', { result: 'success' }) ?? 0;
  await vi.waitFor(async () => expect(await polls()).toBeGreaterThan(2), { timeout: 15_000, interval: 100 });
});

test('a port in use is reported in one line, with exit 1', async () => {
  const taken = createServer();
  await new Promise<void>((resolve) => {
    taken.listen(0, '127.0.0.1', resolve);
  });
  onTestFinished(() => void taken.close());
  const address = taken.address();
  const port = typeof address === 'object' ? address?.port : undefined;
  const { code, stdout, stderr } = await cli(['run', `--web.listen-address=127.0.0.1:${port}`]);
  expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
  expect(stderr).toMatch(
    /^\{"level":"error",.*Cannot listen on 127\.0\.0\.1:\d+: the address is in use.*\}\n$/,
  );
});
