import { expect, test, vi } from 'vitest';
import { type ExporterProcess, startExporter } from '../support/exporter-process.ts';
import { samplesOf, scrape } from './support.ts';

const PATIENCE = { timeout: 30_000, interval: 200 };

interface EventJson {
  readonly id: number;
  readonly kind: string;
  readonly message: string;
  readonly tunnel_name: string | null;
  readonly to: string | null;
  readonly affected: readonly string[];
  readonly last_connectors?: readonly object[];
}
interface TunnelJson {
  readonly id: string;
  readonly status: string;
  readonly last_observed_at: string | null;
  readonly behind: {
    readonly hostnames: readonly string[] | null;
    readonly private_hostnames: readonly string[] | null;
    readonly networks: readonly { readonly network: string }[] | null;
  };
}

async function jsonOf<T>(exporter: ExporterProcess, path: string): Promise<T> {
  const { status, text } = await exporter.get(path);
  expect(status).toBe(200);
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the exporter's own document
  return JSON.parse(text) as T;
}

async function tunnelNamed(exporter: ExporterProcess, name: string): Promise<TunnelJson | undefined> {
  const { tunnels } = await jsonOf<{ readonly tunnels: readonly TunnelJson[] }>(
    exporter,
    `/api/v1/tunnels?name=${name}`,
  );
  return tunnels[0];
}

test(
  'the demo shows what is behind a tunnel that is down, and what changed',
  { timeout: 120_000 },
  async () => {
    const exporter = await startExporter(['demo', '--poll.schedule=*/1 * * * * *']);
    // It was down before the exporter started; its configuration and routes are read nevertheless.
    const soap = await vi.waitFor(async () => {
      const found = await tunnelNamed(exporter, 'legacy-soap-bridge');
      expect(found?.behind).toEqual({
        hostnames: ['legacy-soap-bridge.example.com'],
        private_hostnames: ['mainframe.corp.example.com', 'soap.corp.example.com'],
        networks: [
          { network: '10.20.0.0/16', virtual_network: 'default' },
          { network: 'fd00:20::/48', virtual_network: 'default' },
        ],
      });
      return found;
    }, PATIENCE);
    expect(soap).toMatchObject({ status: 'down', last_observed_at: null });
    const page = await scrape(exporter);
    const routes = samplesOf(page, 'cloudflare_tunnel_routes', { tunnel_name: 'legacy-soap-bridge' });
    expect(routes.map(({ labels, value }) => [labels.get('kind'), value])).toEqual([
      ['network', 2],
      ['hostname', 2],
    ]);
    // The routes of the other account may come later.
    await vi.waitFor(async () => {
      const orphans = samplesOf(await scrape(exporter), 'cloudflare_tunnel_orphan_routes');
      expect(orphans.map(({ value }) => value)).toEqual([0, 0]);
    }, PATIENCE);
    expect((await exporter.get('/')).text).toContain('soap.corp.example.com');
    expect((await exporter.get(`/tunnels/${soap?.id}`)).text).toContain('mainframe.corp.example.com');

    // Drops the connections of an observed tunnel.
    const [, api = '', authorization = ''] =
      /export API=(\S+) AUTH='Authorization: ([^']+)'/.exec(exporter.stdout()) ?? [];
    await vi.waitFor(async () => {
      const observed = samplesOf(await scrape(exporter), 'cloudflare_tunnel_connectors', {
        tunnel_name: 'loyalty-api',
      });
      expect(observed[0]?.value).toBe(2);
    }, PATIENCE);
    const loyalty = await tunnelNamed(exporter, 'loyalty-api');
    await fetch(`${api}/cfd_tunnel/${loyalty?.id}/connections`, {
      method: 'DELETE',
      headers: { authorization },
    });
    const down = await vi.waitFor(async () => {
      const { events } = await jsonOf<{ readonly events: readonly EventJson[] }>(
        exporter,
        `/api/v1/events?kind=status_changed&tunnel_id=${loyalty?.id}`,
      );
      const found = events.find(({ to }) => to === 'down');
      expect(found).toMatchObject({
        tunnel_name: 'loyalty-api',
        message: expect.stringMatching(
          /^loyalty-api is down \(was healthy for .*\); behind it: loyalty-api\.example\.com$/,
        ),
        affected: ['loyalty-api.example.com'],
      });
      return found;
    }, PATIENCE);
    expect(down?.last_connectors).toHaveLength(2);
    // One line in the log, at its level.
    const lines = exporter
      .logs()
      .filter((line) => line['event'] === 'status_changed' && line['tunnel_name'] === 'loyalty-api');
    expect(lines[0]).toMatchObject({ level: 'error', msg: down?.message, to: 'down' });
    const counted = samplesOf(await scrape(exporter), 'cloudflare_tunnel_exporter_events_total', {
      kind: 'status_changed',
    });
    expect(counted[0]?.value).toBeGreaterThan(0);
    expect((await exporter.get(`/tunnels/${loyalty?.id}`)).text).toContain('loyalty-api is down');
    expect(await exporter.get('/tunnels/none')).toMatchObject({ status: 404 });
    expect(await exporter.stop()).toEqual({ code: 0, signal: null });
  },
);
