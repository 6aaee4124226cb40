import { expect, test, vi } from 'vitest';
import type { Simulator } from '../../src/simulator/index.ts';
import { fakeCloudflared } from '../sidecar/support.ts';
import { ACCOUNT, cli, messagesOf, running, samplesOf, scrape, simulate, TOKEN, valueOf } from './support.ts';

const PATIENCE = { timeout: 15_000, interval: 50 };
const SECRET = 'dGhlLXNlY3JldC1vZi1hLXR1bm5lbC10b2tlbg==';

interface Beside {
  readonly api: Simulator;
  readonly cloudflared: Awaited<ReturnType<typeof fakeCloudflared>>;
  readonly tunnelId: string;
  readonly connectorId: string;
  readonly flags: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

/** A cloudflared of `tunnel-0` with four connections, and the settings of its sidecar. */
async function beside(): Promise<Beside> {
  const api = await simulate();
  const tunnel = api.fleet.tunnelNamed(ACCOUNT, 'tunnel-0');
  const tunnelId = tunnel?.id ?? '';
  const connectorId = tunnel?.connectors[0]?.id ?? '';
  const cloudflared = await fakeCloudflared({ readyConnections: 4, connectorId });
  const token = Buffer.from(JSON.stringify({ a: ACCOUNT, t: tunnelId, s: SECRET })).toString('base64');
  return {
    api,
    cloudflared,
    tunnelId,
    connectorId,
    flags: [`--sidecar.cloudflared-url=${cloudflared.url}`],
    env: { CLOUDFLARE_ACCOUNT_ID: '', TUNNEL_TOKEN: token },
  };
}

test('a sidecar polls its tunnel in three requests, and reports both views of its connector', async () => {
  const { api, connectorId, tunnelId, flags, env } = await beside();
  const exporter = await running([...flags, '--no-tunnels.configurations'], { api, env });
  await vi.waitFor(
    async () => expect(await exporter.get('/edge-ready')).toEqual({ status: 200, text: 'ready\n' }),
    PATIENCE,
  );
  const page = await scrape(exporter);
  const ofConnector = { connector_id: connectorId };
  expect(valueOf(page, 'cloudflare_tunnel_sidecar_ready', ofConnector)).toBe(1);
  expect(valueOf(page, 'cloudflare_tunnel_sidecar_ready_connections', ofConnector)).toBe(4);
  expect(valueOf(page, 'cloudflare_tunnel_sidecar_edge_connections', ofConnector)).toBe(4);
  expect(samplesOf(page, 'cloudflare_tunnel_info')).toHaveLength(1);
  expect(valueOf(page, 'cloudflare_tunnel_info', { tunnel_id: tunnelId })).toBe(1);

  const polls = (): number => api.requests.entries().filter(({ endpoint }) => endpoint === 'tunnels').length;
  const before = polls();
  await vi.waitFor(() => expect(polls()).toBeGreaterThan(before + 2), PATIENCE);
  const asked = Map.groupBy(api.requests.entries(), ({ endpoint }) => endpoint);
  expect([...asked.keys()].toSorted()).toEqual(['cfd_tunnel_connections', 'cfd_tunnel_connector', 'tunnels']);
  for (const { query } of asked.get('tunnels') ?? []) {
    expect(new URLSearchParams(query).get('uuid')).toBe(tunnelId);
  }
  expect((asked.get('cfd_tunnel_connector') ?? []).length).toBeLessThanOrEqual(polls() + 1);
  await exporter.stop();
  const output = JSON.stringify(exporter.logs()) + exporter.stdout() + page;
  for (const secret of [SECRET, TOKEN, env['TUNNEL_TOKEN'] ?? '']) expect(output).not.toContain(secret);
});

test('/edge-ready fails if the edge sees too few connections or cloudflared is gone', async () => {
  const { api, cloudflared, connectorId, flags, env } = await beside();
  const exporter = await running([...flags, '--sidecar.min-connections=3'], { api, env });
  await vi.waitFor(async () => expect((await exporter.get('/edge-ready')).status).toBe(200), PATIENCE);

  api.fleet.stopConnector(connectorId, Date.now());
  await vi.waitFor(
    async () =>
      expect(await exporter.get('/edge-ready')).toEqual({
        status: 503,
        text: 'Cloudflare sees 0 connections of this connector, but at least 3 must be connected\n',
      }),
    PATIENCE,
  );
  expect(valueOf(await scrape(exporter), 'cloudflare_tunnel_sidecar_edge_connections')).toBe(0);
  await cloudflared.end();
  await vi.waitFor(
    async () =>
      expect(await exporter.get('/edge-ready')).toEqual({
        status: 503,
        text: 'cloudflared does not answer; the log has the reason\n',
      }),
    PATIENCE,
  );
  const page = await scrape(exporter);
  expect(valueOf(page, 'cloudflare_tunnel_sidecar_ready', { connector_id: connectorId })).toBe(0);
  expect(samplesOf(page, 'cloudflare_tunnel_sidecar_ready_connections')).toEqual([]);
  expect(await exporter.get('/livez')).toMatchObject({ status: 200 });
});

test('without a sidecar there is no /edge-ready and no sidecar metric', async () => {
  const api = await simulate();
  const exporter = await running([], { api });
  expect(await exporter.get('/edge-ready')).toEqual({
    status: 404,
    text: 'Not found: no cloudflared is configured; set --sidecar.cloudflared-url.\n',
  });
  expect(await scrape(exporter)).not.toContain('cloudflare_tunnel_sidecar_');
});

test('once reports both views, too', async () => {
  const { api, connectorId, flags, env } = await beside();
  const { code, stdout, stderr } = await cli(['once', ...flags, '--log.format=json'], { api, env });
  expect({ code, messages: messagesOf({ stderr }) }).toEqual({ code: 0, messages: [] });
  expect(valueOf(stdout, 'cloudflare_tunnel_sidecar_ready', { connector_id: connectorId })).toBe(1);
  expect(valueOf(stdout, 'cloudflare_tunnel_sidecar_edge_connections')).toBe(4);
});

test("check requests the sidecar's tunnel only", async () => {
  const { api, tunnelId, env } = await beside();
  const { code, stdout } = await cli(['check'], { api, env });
  expect(code).toBe(0);
  expect(stdout).not.toContain('warp_connector');
  expect(stdout).toContain('requested for "tunnel-0"');
  const walk = api.requests.entries().find(({ query }) => query.includes('tun_types'));
  expect(new URLSearchParams(walk?.query).get('uuid')).toBe(tunnelId);
});
