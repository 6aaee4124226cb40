import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test, vi } from 'vitest';
import { tunnelsIn } from '../../grafana/src/fleet.ts';
import { DEMO_ACCOUNTS, DEMO_TOKEN, demoOptions } from '../../src/simulator/demo.ts';
import { type FleetTunnel, statusOf } from '../../src/simulator/fleet-model.ts';
import { createSimulator, type Simulator } from '../../src/simulator/server.ts';
import { type ExporterProcess, startExporter } from '../support/exporter-process.ts';
import {
  type BoardPanel,
  type BoardTarget,
  committed,
  type Expression,
  EXPRESSIONS,
  FILES,
  panelsOf,
} from './committed.ts';
import { prometheusProgram, type RealPrometheus, type Series, startPrometheus } from './real-prometheus.ts';

const JOB = 'cloudflare-tunnel';
const PATIENCE = { timeout: 90_000, interval: 500 };
const LONG = { timeout: 180_000 };

/** What has nothing to show in a fleet without that trouble. */
const EMPTY: Readonly<Record<string, string>> = {
  'Tunnel / Connections waiting to reconnect / A': 'the API reports no such connections any more',
  'Overview / annotation Exporter restarted': 'no exporter restarted',
  'Tunnel / annotation Exporter restarted': 'no exporter restarted',
  'WARP HA / annotation Exporter restarted': 'no exporter restarted',
  'Exporter / annotation Exporter restarted': 'no exporter restarted',
};

/** What Grafana puts for the variables, with all of each chosen. */
const VALUES: Readonly<Record<string, string>> = {
  $__rate_interval: '30s',
  $__range: '5m',
  $job: '.+',
  $instance: '.+',
  $account_id: '.*',
  $tunnel_name: '.*',
};

function substituted(expr: string): string {
  return Object.entries(VALUES).reduce((text, [variable, value]) => text.replaceAll(variable, value), expr);
}

test.skipIf(prometheusProgram.missing)(
  `a real Prometheus answers every question of the dashboards${prometheusProgram.needs}`,
  LONG,
  async () => {
    const simulator = await startFleet();
    const exporters = [await startReplica(simulator), await startReplica(simulator)];
    const prometheus = await startPrometheus(
      exporters.map(({ url }) => url),
      JOB,
    );
    await vi.waitFor(async () => {
      const observed = await prometheus.query('count by (instance) (cloudflare_tunnel_connector_info)');
      expect(observed).toHaveLength(2);
      expect(await prometheus.query('cloudflare_tunnel_connector_ha_status == 1')).toHaveLength(8);
    }, PATIENCE);
    makeTrouble(simulator);

    const answers = new Map<string, readonly Series[]>();
    await vi.waitFor(async () => {
      for (const expression of EXPRESSIONS) {
        if (answers.has(expression.where)) continue;
        const answer = await answerOf(prometheus, expression);
        if (hasData(answer)) answers.set(expression.where, answer);
      }
      expect(
        EXPRESSIONS.map(({ where }) => where)
          .filter((where) => !answers.has(where))
          .toSorted(),
      ).toEqual(
        Object.keys(EMPTY)
          .map((place) => `Cloudflare Tunnel / ${place}`)
          .toSorted(),
      );
    }, PATIENCE);

    expect(labelFaults(answers)).toEqual([]);
    // Replicas differ until both have polled.
    await vi.waitFor(async () => {
      for (const status of ['healthy', 'degraded', 'down', 'inactive']) {
        const shown = await prometheus.query(substituted(tunnelsIn(status)));
        expect({ status, shown: shown[0]?.values }).toEqual({
          status,
          shown: [tunnelsOf(simulator, status)],
        });
      }
    }, PATIENCE);
  },
);

/** The demo's fleet, in which only happens what the test does. */
async function startFleet(): Promise<Simulator> {
  const { life, ...options } = demoOptions(Date.now());
  expect(life).toBeDefined();
  const simulator = await createSimulator({ ...options, latencyMs: 0 });
  onTestFinished(() => simulator.close());
  return simulator;
}

/** One of two exporters that watch the same accounts. */
function startReplica({ url }: Simulator): Promise<ExporterProcess> {
  const folder = mkdtempSync(join(tmpdir(), 'dashboards-exporter-'));
  onTestFinished(() => {
    rmSync(folder, { recursive: true });
  });
  const config = join(folder, 'config.json');
  writeFileSync(
    config,
    JSON.stringify({
      accounts: DEMO_ACCOUNTS,
      expected_tunnels: [
        { name: 'shop-web-eu', min_connectors: 2 },
        { name: 'ssh-bastion', min_connectors: 2 },
        { name: 'forgotten', account_id: DEMO_ACCOUNTS[0]?.id },
      ],
    }),
  );
  return startExporter(
    ['run', `--config.file=${config}`, '--poll.schedule=*/1 * * * * *', '--cloudflare.request-budget=1200'],
    { env: { CLOUDFLARE_API_TOKEN: DEMO_TOKEN, CLOUDFLARE_API_URL: url } },
  );
}

/** An outage, a restart and a failover. */
function makeTrouble({ fleet }: Simulator): void {
  const now = Date.now();
  for (const { id } of tunnelNamed(fleet, 'checkout-api').connectors) fleet.stopConnector(id, now);
  const [restarted] = tunnelNamed(fleet, 'crm').connectors;
  if (restarted !== undefined) fleet.restartConnector(restarted.id, now);
  const mesh = tunnelNamed(fleet, 'mesh-aws-frankfurt');
  const standby = mesh.connectors.find(({ haStatus }) => haStatus === 'passive');
  fleet.failOver({ tunnelId: mesh.id, clientId: standby?.id ?? '' }, now);
}

function tunnelNamed(fleet: Simulator['fleet'], name: string): FleetTunnel {
  const tunnel = DEMO_ACCOUNTS.map(({ id }) => fleet.tunnelNamed(id, name)).find(
    (found) => found !== undefined,
  );
  if (tunnel === undefined) throw new Error(`Cannot find a tunnel: current value is ${name}`);
  return tunnel;
}

function tunnelsOf({ fleet }: Simulator, status: string): number {
  return DEMO_ACCOUNTS.flatMap(({ id }) => fleet.tunnels(id)).filter((tunnel) => statusOf(tunnel) === status)
    .length;
}

function answerOf(prometheus: RealPrometheus, { expr, kind }: Expression): Promise<readonly Series[]> {
  return kind === 'range' ? prometheus.queryRange(substituted(expr)) : prometheus.query(substituted(expr));
}

function hasData(answer: readonly Series[]): boolean {
  return answer.some(({ values }) => values.some((value) => Number.isFinite(value)));
}

/** Columns and legends of labels that no series has, and columns that nobody asked for. */
function labelFaults(answers: ReadonlyMap<string, readonly Series[]>): readonly string[] {
  return FILES.flatMap((file) => {
    const board = committed(file);
    return panelsOf(board).flatMap((panel) => {
      const answersOf = ({ refId }: BoardTarget): readonly Series[] =>
        answers.get(`${board.title} / ${panel.title} / ${refId}`) ?? [];
      return [...legendFaults(panel, answersOf), ...columnFaults(panel, answersOf)].map(
        (fault) => `${board.title} / ${panel.title}: ${fault}`,
      );
    });
  });
}

type AnswersOf = (target: BoardTarget) => readonly Series[];

function legendFaults({ targets = [] }: BoardPanel, answersOf: AnswersOf): readonly string[] {
  return targets.flatMap((target) =>
    [...target.legendFormat.matchAll(/\{\{(\w+)\}\}/g)]
      .map(([, label]) => label ?? '')
      .filter((label) => answersOf(target).some(({ metric }) => metric[label] === undefined))
      .map((label) => `legend of ${label}`),
  );
}

function columnFaults(
  { targets = [], transformations = [] }: BoardPanel,
  answersOf: AnswersOf,
): readonly string[] {
  const organize = transformations.find(({ id }) => id === 'organize')?.options;
  if (organize === undefined) return [];
  const labels = new Set(targets.flatMap(answersOf).flatMap(({ metric }) => Object.keys(metric)));
  const shown = Object.keys(organize.indexByName ?? {}).filter((name) => !name.startsWith('Value'));
  const known = [...shown, ...Object.keys(organize.excludeByName ?? {})];
  return [
    ...shown.filter((label) => !labels.has(label)).map((label) => `column without values: ${label}`),
    ...[...labels].filter((label) => !known.includes(label)).map((label) => `stray column: ${label}`),
  ];
}
