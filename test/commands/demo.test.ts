import { expect, test, vi } from 'vitest';
import type { ExporterProcess } from '../support/exporter-process.ts';
import { startExporter } from '../support/exporter-process.ts';
import { samplesOf, scrape, simulate, TOKEN, valueOf } from './support.ts';

const PATIENCE = { timeout: 15_000, interval: 100 };

/** The requests of the guide's curl commands. */
function guideOf(exporter: ExporterProcess) {
  const [, api = '', authorization = ''] =
    /export API=(\S+) AUTH='Authorization: ([^']+)'/.exec(exporter.stdout()) ?? [];
  return async (method: string, path: string, body?: object): Promise<{ readonly id?: string }> => {
    const response = await fetch(`${api}${path}`, {
      method,
      headers: { authorization },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    expect(response.status).toBe(200);
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the simulated API's envelope
    return ((await response.json()) as { readonly result: { readonly id?: string } }).result;
  };
}

test('the demo needs no account: a fleet of two, which follows what is done to the simulated API', async () => {
  const real = await simulate();
  const exporter = await startExporter(
    ['demo', '--poll.schedule=*/1 * * * * *', '--cloudflare.request-budget=1000'],
    { env: { CLOUDFLARE_API_TOKEN: TOKEN, CLOUDFLARE_API_URL: real.url } },
  );
  await vi.waitFor(
    async () => expect(await exporter.get('/readyz')).toMatchObject({ status: 200 }),
    PATIENCE,
  );
  await vi.waitFor(async () => {
    const names = samplesOf(await scrape(exporter), 'cloudflare_tunnel_account_info');
    expect(names.map(({ labels }) => labels.get('account_name'))).toEqual(['Example Retail', 'Example Labs']);
    expect(samplesOf(await scrape(exporter), 'cloudflare_tunnel_connectors').length).toBeGreaterThan(20);
  }, PATIENCE);
  const ask = guideOf(exporter);
  const status = async (name: string): Promise<string | undefined> =>
    samplesOf(await scrape(exporter), 'cloudflare_tunnel_status', { tunnel_name: name })
      .find(({ value }) => value === 1)
      ?.labels.get('status');

  const { id } = await ask('POST', '/cfd_tunnel', { name: 'mine', config_src: 'cloudflare' });
  await vi.waitFor(async () => expect(await status('mine')).toBe('inactive'), PATIENCE);
  await ask('DELETE', `/cfd_tunnel/${id}`);
  await vi.waitFor(async () => expect(await status('mine')).toBeUndefined(), PATIENCE);

  // The simulated life does not change this tunnel, so it stays healthy.
  const loyalty = samplesOf(await scrape(exporter), 'cloudflare_tunnel_info', {
    tunnel_name: 'loyalty-api',
  })[0];
  expect(await status('loyalty-api')).toBe('healthy');
  await ask('DELETE', `/cfd_tunnel/${loyalty?.labels.get('tunnel_id')}/connections`);
  await vi.waitFor(async () => expect(await status('loyalty-api')).toBe('down'), PATIENCE);
  const page = await scrape(exporter);
  expect(valueOf(page, 'cloudflare_tunnel_connectors', { tunnel_name: 'loyalty-api' })).toBe(0);
  expect(samplesOf(page, 'cloudflare_tunnel_active_connections', { tunnel_name: 'loyalty-api' })).toEqual([]);

  expect(await exporter.stop()).toEqual({ code: 0, signal: null });
  expect(real.requests.count()).toBe(0);
  const logs = JSON.stringify(exporter.logs());
  expect(logs).toContain('CLOUDFLARE_API_TOKEN (environment): ignored, demo brings its own account and API');
  expect(logs + exporter.stdout()).not.toContain(TOKEN);
});
