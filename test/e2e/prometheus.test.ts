import { expect, onTestFinished, test, vi } from 'vitest';
import { createSimulator, sampleAccounts, type Simulator, statusOf } from '../../src/simulator/index.ts';
import { startPrometheusWith } from '../support/debian-server.ts';
import { debianProgram } from '../support/debian.ts';
import { startExporter } from '../support/exporter-process.ts';

const prometheusProgram = debianProgram('prometheus');
const PATIENCE = { timeout: 20_000, interval: 200 };
const TOKEN = 'token-for-the-end-to-end-test';

interface Sample {
  readonly metric: Readonly<Record<string, string>>;
  readonly value: readonly [number, string];
}

interface Target {
  readonly health: string;
  readonly lastError: string;
  readonly scrapeUrl: string;
}

interface Prometheus {
  readonly query: (expression: string) => Promise<readonly Sample[]>;
  readonly targets: () => Promise<readonly Target[]>;
  /** Names of the counters that it has met, as the page's TYPE lines call them. */
  readonly counters: () => Promise<readonly string[]>;
}

/** Starts a Prometheus that scrapes one target every second, until the test ends. */
async function prometheusFor(target: string): Promise<Prometheus> {
  const url = await startPrometheusWith({
    global: { scrape_interval: '1s', scrape_timeout: '1s' },
    scrape_configs: [{ job_name: 'exporter', static_configs: [{ targets: [new URL(target).host] }] }],
  });
  const get = async <T>(path: string): Promise<T> => {
    const response = await fetch(url + path);
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- Prometheus' API
    const { status, data } = (await response.json()) as { readonly status: string; readonly data: T };
    if (status !== 'success') throw new Error(`Prometheus answered ${status} to ${path}`);
    return data;
  };
  return {
    query: async (expression) =>
      (
        await get<{ readonly result: readonly Sample[] }>(
          `/api/v1/query?query=${encodeURIComponent(expression)}`,
        )
      ).result,
    targets: async () =>
      (await get<{ readonly activeTargets: readonly Target[] }>('/api/v1/targets')).activeTargets,
    counters: async () =>
      Object.entries(await get<Record<string, readonly { readonly type: string }[]>>('/api/v1/metadata'))
        .filter(([, [metadata]]) => metadata?.type === 'counter')
        .map(([name]) => name),
  };
}

function namesWithStatus({ fleet }: Simulator, status: string): readonly string[] {
  return fleet
    .accounts()
    .flatMap(({ id }) => fleet.tunnels(id))
    .filter((tunnel) => tunnel.deletedAt === undefined && statusOf(tunnel) === status)
    .map(({ name }) => name)
    .toSorted();
}

function namesIn(samples: readonly Sample[]): readonly string[] {
  return samples.map(({ metric }) => metric['tunnel_name'] ?? '').toSorted();
}

test.skipIf(prometheusProgram.missing)(
  `a real Prometheus scrapes the exporter and answers what a user asks${prometheusProgram.needs}`,
  { timeout: 90_000 },
  async () => {
    const accounts = sampleAccounts({
      seed: 7,
      now: Date.now(),
      accounts: 2,
      tunnels: 20,
      degraded: 0.1,
      down: 0.2,
      inactive: 0.1,
      warpConnectors: 4,
    });
    const simulator = await createSimulator({ accounts, tokens: [{ value: TOKEN }] });
    onTestFinished(() => simulator.close());
    const ids = simulator.fleet.accounts().map(({ id }) => id);
    const exporter = await startExporter(
      ['run', '--poll.schedule=*/1 * * * * *', '--cloudflare.request-budget=1000'],
      {
        env: {
          CLOUDFLARE_ACCOUNT_ID: ids.join(','),
          CLOUDFLARE_API_TOKEN: TOKEN,
          CLOUDFLARE_API_URL: simulator.url,
        },
      },
    );
    const { query, targets, counters } = await prometheusFor(exporter.url);
    const down = async (): Promise<readonly unknown[]> =>
      namesIn(await query('cloudflare_tunnel_status{status="down"} == 1'));

    await vi.waitFor(async () => expect(await down()).toEqual(namesWithStatus(simulator, 'down')), PATIENCE);
    expect(await down()).toHaveLength(4);
    expect((await query('up == 1')).map(({ metric }) => metric['job'])).toEqual(['exporter']);
    expect(await targets()).toMatchObject([
      { health: 'up', lastError: '', scrapeUrl: `${exporter.url}/metrics` },
    ]);

    // It requests OpenMetrics first, in which the family of a counter has no _total.
    expect(await counters()).toContain('cloudflare_tunnel_status_transitions');

    const perAirport = new Map<string, string>();
    const connections = simulator.fleet
      .accounts()
      .flatMap(({ id }) => simulator.fleet.tunnels(id))
      .flatMap(({ connectors }) => connectors.flatMap((connector) => connector.connections));
    for (const [airport, group] of Map.groupBy(connections, ({ colo }) => colo.slice(0, 3).toUpperCase()))
      perAirport.set(airport, String(group.length));
    await vi.waitFor(async () => {
      const answer = await query('sum by (airport) (cloudflare_tunnel_active_connections)');
      expect(new Map(answer.map(({ metric, value }) => [metric['airport'], value[1]]))).toEqual(perAirport);
    }, PATIENCE);

    const [victim, other] = namesWithStatus(simulator, 'healthy').map((name) =>
      ids.map((id) => simulator.fleet.tunnelNamed(id, name)).find((tunnel) => tunnel !== undefined),
    );
    const api = (method: string, path: string): Promise<Response> =>
      fetch(`${simulator.url}/accounts/${path}`, { method, headers: { authorization: `Bearer ${TOKEN}` } });
    await api('DELETE', `${victim?.accountId}/cfd_tunnel/${victim?.id}/connections`);
    await vi.waitFor(async () => expect(await down()).toContain(victim?.name), PATIENCE);
    expect(await down()).toEqual(namesWithStatus(simulator, 'down'));
    const transitions = await query('cloudflare_tunnel_status_transitions_total{status="down"} > 0');
    expect(namesIn(transitions)).toEqual([victim?.name]);

    const known = `cloudflare_tunnel_info{tunnel_id="${other?.id}"}`;
    expect(await query(known)).toHaveLength(1);
    await api('DELETE', `${other?.accountId}/cfd_tunnel/${other?.id}`);
    await vi.waitFor(async () => expect(await query(known)).toEqual([]), PATIENCE);
    expect(await query(`last_over_time(${known}[1h])`)).toHaveLength(1);
    expect(namesIn(await query('cloudflare_tunnel_info'))).not.toContain(other?.name);

    expect(await exporter.stop()).toEqual({ code: 0, signal: null });
    await vi.waitFor(async () => expect(await query('up == 0')).toHaveLength(1), PATIENCE);
  },
);
