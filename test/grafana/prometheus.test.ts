import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test, vi } from 'vitest';
import {
  createSimulator,
  DEMO_ACCOUNTS,
  DEMO_TOKEN,
  demoOptions,
  type FleetTunnel,
  servingConnections,
  type Simulator,
  statusOf,
} from '../../src/simulator/index.ts';
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
import { TO_COME } from './metrics.ts';
import { prometheusProgram, type RealPrometheus, type Series, startPrometheus } from './real-prometheus.ts';

const JOB = 'cloudflare-tunnel';
const PATIENCE = { timeout: 90_000, interval: 500 };
const LONG = { timeout: 180_000 };
/** A tunnel that may be down, and is once there is trouble. */
const INTERMITTENT = 'store-pos-berlin';

/** What has nothing to show in a fleet without that trouble. */
const EMPTY: Readonly<Record<string, string>> = {
  'Tunnel / Connections waiting to reconnect / A': 'the API reports no such connections any more',
  'Tunnel / annotation Configuration changed': 'configurations are polled every ten minutes',
  'WARP HA / None active / A': 'one is active everywhere',
  'WARP HA / Several active / A': 'one is active everywhere',
  'Exporter / Collectors / C': 'no collector fails',
  'Exporter / Failed calls by reason / A': 'no call fails',
  'Exporter / Refused answers and retries / A': 'no answer is refused',
  'Exporter / Refused answers and retries / B': 'nothing is tried again',
  'Overview / annotation Account not watched': 'both accounts are listed',
  'Tunnel / annotation Account not watched': 'both accounts are listed',
  'WARP HA / annotation Account not watched': 'both accounts are listed',
  'Exporter / annotation Account not watched': 'both accounts are listed',
  'Overview / annotation Exporter restarted': 'no exporter restarted',
  'Tunnel / annotation Exporter restarted': 'no exporter restarted',
  'WARP HA / annotation Exporter restarted': 'no exporter restarted',
  'Exporter / annotation Exporter restarted': 'no exporter restarted',
};

/** What Grafana puts for the variables, with all of each chosen. */
const VALUES: Readonly<Record<string, string>> = {
  // The last hour of these tests is a minute.
  '1h:10m': '1h:500ms',
  $__rate_interval: '30s',
  $__range_s: '300',
  $__range: '5m',
  $__interval: '2s',
  $job: '.+',
  $instance: '.+',
  $account_id: '.*',
  $tunnel_name: '.*',
};

function substituted(expr: string, values: Readonly<Record<string, string>> = {}): string {
  return Object.entries({ ...VALUES, ...values }).reduce(
    (text, [variable, value]) => text.replaceAll(variable, value),
    expr,
  );
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
      impatient(readFileSync('deploy/prometheus/alerts.yaml', 'utf8')),
    );
    await bothObserve(prometheus);
    makeTrouble(simulator);

    const asked = EXPRESSIONS.filter(({ expr }) => ![...TO_COME.keys()].some((name) => needs(expr, name)));
    expect(EXPRESSIONS.length - asked.length).toBeLessThan(10);
    const answers = new Map<string, readonly Series[]>();
    await vi.waitFor(async () => {
      for (const expression of asked) {
        if (answers.has(expression.where)) continue;
        const answer = await answerOf(prometheus, expression);
        if (hasData(answer)) answers.set(expression.where, answer);
      }
      expect(
        asked
          .map(({ where }) => where)
          .filter((where) => !answers.has(where))
          .toSorted(),
      ).toEqual(
        Object.keys(EMPTY)
          .map((place) => `Cloudflare Tunnel / ${place}`)
          .toSorted(),
      );
    }, PATIENCE);

    // The first alert that fires may be about an account or an exporter; those about tunnels follow.
    await vi.waitFor(async () => {
      if (labelFaults(answers).length > 0) {
        for (const expression of asked) {
          const answer = await answerOf(prometheus, expression);
          if (hasData(answer)) answers.set(expression.where, answer);
        }
      }
      expect(labelFaults(answers)).toEqual([]);
    }, PATIENCE);
  },
);

test.skipIf(prometheusProgram.missing)(
  `the figures are those of the fleet, and a replica that is behind changes none${prometheusProgram.needs}`,
  LONG,
  async () => {
    const simulator = await startFleet();
    const [current, behind] = [
      await startReplica(simulator),
      // It polls once, at its start.
      await startReplica(simulator, '--poll.schedule=0 0 0 1 1 *'),
    ];
    const prometheus = await startPrometheus([current.url, behind.url], JOB);
    await bothObserve(prometheus);
    makeTrouble(simulator);

    await vi.waitFor(async () => {
      for (const [where, truth] of Object.entries(truthOf(simulator)))
        expect({ where, figures: await figuresOf(prometheus, where) }).toEqual({ where, figures: truth });
    }, PATIENCE);

    // The replica behind is of another opinion, so the next is no comparison of equals.
    const opinions = await prometheus.query(
      'count by (instance) (cloudflare_tunnel_status{status="down"} == 1)',
    );
    expect(new Set(opinions.flatMap(({ values }) => values)).size).toBe(2);

    const instance = new URL(current.url).host;
    // A scrape that comes late on a busy machine is no fault of the dashboards; a later moment
    // shows that.
    await vi.waitFor(async () => {
      // What was scraped by then is stored once both have been scraped again.
      const at = Date.now() / 1000;
      await vi.waitFor(async () => {
        const [scraped] = await prometheus.query('min(timestamp(up))');
        expect(scraped?.values[0]).toBeGreaterThan(at);
      }, PATIENCE);
      const changed: string[] = [];
      for (const { where, expr } of EXPRESSIONS.filter(isOfFleet)) {
        const both = await prometheus.query(substituted(expr), at);
        const one = await prometheus.query(substituted(expr, { $instance: instance }), at);
        if (textOf(both) !== textOf(one)) changed.push(`${where}\n${textOf(both)}\n${textOf(one)}`);
      }
      expect(changed).toEqual([]);
    }, PATIENCE);
  },
);

/** Figures of the present that every exporter should report alike, and that several must not blur. */
function isOfFleet({ where, expr, kind }: Expression): boolean {
  if (kind !== 'point' || where.startsWith('Cloudflare Tunnel / Exporter')) return false;
  // Of samples that all took, and of the rules, which are none of an exporter.
  if (where.includes('/ Avail') || where.includes('/ Tunnels that were down') || where.includes('/ Alerts'))
    return false;
  // If two airports had the same number of connections, Prometheus chooses one.
  return !expr.includes(', airport) (last_over_time(');
}

/** In any order; replicas see what is older than their start in the same way. */
function textOf(answer: readonly Series[]): string {
  return answer
    .map(({ metric, values }) =>
      JSON.stringify([Object.entries(metric).toSorted(([one], [other]) => (one < other ? -1 : 1)), values]),
    )
    .toSorted()
    .join('\n');
}

/** By the place of a query: what the simulator knows, for each name or tunnel. */
function truthOf({ fleet }: Simulator): Readonly<Record<string, Readonly<Record<string, number>>>> {
  const tunnels = DEMO_ACCOUNTS.flatMap(({ id }) => fleet.tunnels(id));
  const inStatus = (status: string): number => tunnels.filter((tunnel) => statusOf(tunnel) === status).length;
  const warp = tunnels.filter(({ connectors }) => connectors.some(({ haStatus }) => haStatus !== undefined));
  const perTunnel = (figure: (tunnel: FleetTunnel) => number): Readonly<Record<string, number>> =>
    Object.fromEntries(
      tunnels
        .filter((tunnel) => statusOf(tunnel) !== 'inactive')
        .map((tunnel) => [tunnel.name, figure(tunnel)]),
    );
  const poor = tunnels.filter(
    (tunnel) => tunnel.type === 'cfd_tunnel' && (serving(tunnel).length === 1 || airportsOf(tunnel) === 1),
  );
  return {
    'Overview / Tunnels by status / A': {
      down: inStatus('down') - 1,
      intermittent: 1,
      degraded: inStatus('degraded'),
      healthy: inStatus('healthy'),
      inactive: inStatus('inactive'),
    },
    'Overview / Without redundancy / A': { '': poor.length },
    'Overview / Accounts unreadable / A': { '': 0 },
    'WARP HA / Tunnels with high availability / A': { '': warp.length },
    'WARP HA / None active / A': counted(warp.filter((tunnel) => inHa(tunnel, 'active') === 0)),
    'WARP HA / Several active / A': counted(warp.filter((tunnel) => inHa(tunnel, 'active') > 1)),
    'WARP HA / No standby / A': counted(
      warp.filter((tunnel) => inHa(tunnel, 'passive') === 0 && inHa(tunnel, 'active') === 1),
    ),
    'Tunnel / Connectors / A': { ...perTunnel((tunnel) => serving(tunnel).length), ...neverRun(tunnels) },
    'Tunnel / Connections / A': {
      ...perTunnel((tunnel) =>
        serving(tunnel).reduce((sum, connector) => sum + servingConnections(connector), 0),
      ),
      ...neverRun(tunnels),
    },
    'Tunnel / Airports / A': { ...perTunnel(airportsOf), ...neverRun(tunnels) },
  };
}

function inHa({ connectors }: FleetTunnel, status: string): number {
  return connectors.filter(({ haStatus }) => haStatus === status).length;
}

function serving({ connectors }: FleetTunnel): FleetTunnel['connectors'] {
  return connectors.filter((connector) => servingConnections(connector) > 0);
}

function airportsOf(tunnel: FleetTunnel): number {
  const colos = serving(tunnel).flatMap(({ connections }) => connections.map(({ colo }) => colo));
  return new Set(colos.map((colo) => colo.slice(0, 3))).size;
}

/** A count of nothing is no series; the panel's text for that is 0. */
function counted(tunnels: readonly FleetTunnel[]): Readonly<Record<string, number>> {
  return tunnels.length === 0 ? {} : { '': tunnels.length };
}

function neverRun(tunnels: readonly FleetTunnel[]): Readonly<Record<string, number>> {
  return Object.fromEntries(
    tunnels.filter((tunnel) => statusOf(tunnel) === 'inactive').map(({ name }) => [name, 0]),
  );
}

/** By name, status or tunnel. */
async function figuresOf(
  prometheus: RealPrometheus,
  place: string,
): Promise<Readonly<Record<string, number | undefined>>> {
  const expression = EXPRESSIONS.find(({ where }) => where === `Cloudflare Tunnel / ${place}`);
  const answer = await prometheus.query(substituted(expression?.expr ?? ''));
  return Object.fromEntries(
    answer.map(({ metric, values: [value] }) => [
      metric['name'] ?? metric['status'] ?? metric['tunnel_name'] ?? '',
      value,
    ]),
  );
}

/** An expression in which nothing but this metric has a value to show. */
function needs(expr: string, metric: string): boolean {
  const withoutGuards = expr.replaceAll(/unless on \([^)]*\) \w+\{[^}]*\}/g, '');
  return withoutGuards.includes(`${metric}{`) && !hasOtherValues(withoutGuards, metric);
}

function hasOtherValues(expr: string, metric: string): boolean {
  return (
    /\bor\b/.test(expr.replaceAll(/or 0 \* |or label_replace\(vector/g, '')) || expr.includes(`/ ${metric}`)
  );
}

/** Rules that fire at once. */
function impatient(rules: string): string {
  return rules.replaceAll(/^(\s+)for: \w+$/gm, '$1for: 0s');
}

async function bothObserve(prometheus: RealPrometheus): Promise<void> {
  await vi.waitFor(async () => {
    const observed = await prometheus.query('count by (instance) (cloudflare_tunnel_connector_info)');
    expect(observed).toHaveLength(2);
    expect(await prometheus.query('cloudflare_tunnel_connector_ha_status == 1')).toHaveLength(8);
    expect(await prometheus.query('cloudflare_tunnel_ha_mode == 1')).toHaveLength(6);
    const expected = await prometheus.query('count by (instance) (cloudflare_tunnel_connectors)');
    const listed = await prometheus.query('count by (instance) (cloudflare_tunnel_info)');
    expect(expected.map(({ values }) => values)).toEqual(listed.map(({ values }) => values));
  }, PATIENCE);
}

/** The demo's fleet, in which only happens what the test does. */
async function startFleet(): Promise<Simulator> {
  const { life, ...options } = demoOptions(Date.now());
  expect(life).toBeDefined();
  const simulator = await createSimulator({ ...options, latencyMs: 0 });
  onTestFinished(() => simulator.close());
  return simulator;
}

/** One of two exporters that watch the same accounts. */
function startReplica(
  { url }: Simulator,
  schedule = '--poll.schedule=*/1 * * * * *',
): Promise<ExporterProcess> {
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
    [
      'run',
      `--config.file=${config}`,
      schedule,
      '--cloudflare.request-budget=1200',
      '--metrics.hostnames',
      `--tunnels.intermittent=^${INTERMITTENT}$`,
    ],
    { env: { CLOUDFLARE_API_TOKEN: DEMO_TOKEN, CLOUDFLARE_API_URL: url } },
  );
}

/** Two outages, a restart, a failover and a standby that is gone. */
function makeTrouble({ fleet }: Simulator): void {
  const now = Date.now();
  for (const name of ['checkout-api', INTERMITTENT])
    for (const { id } of tunnelNamed(fleet, name).connectors) fleet.stopConnector(id, now);
  const [restarted] = tunnelNamed(fleet, 'crm').connectors;
  if (restarted !== undefined) fleet.restartConnector(restarted.id, now);
  const mesh = tunnelNamed(fleet, 'mesh-aws-frankfurt');
  const standby = mesh.connectors.find(({ haStatus }) => haStatus === 'passive');
  fleet.failOver({ tunnelId: mesh.id, clientId: standby?.id ?? '' }, now);
  const other = tunnelNamed(fleet, 'mesh-warehouse');
  const lost = other.connectors.find(({ haStatus }) => haStatus === 'passive');
  fleet.stopConnector(lost?.id ?? '', now);
}

function tunnelNamed(fleet: Simulator['fleet'], name: string): FleetTunnel {
  const tunnel = DEMO_ACCOUNTS.map(({ id }) => fleet.tunnelNamed(id, name)).find(
    (found) => found !== undefined,
  );
  if (tunnel === undefined) throw new Error(`Cannot find a tunnel: current value is ${name}`);
  return tunnel;
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

/** Columns of labels that come with trouble only. */
const LATER = ['reason'];

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
    ...shown
      .filter((label) => !labels.has(label) && !LATER.includes(label))
      .map((label) => `column without values: ${label}`),
    ...[...labels].filter((label) => !known.includes(label)).map((label) => `stray column: ${label}`),
  ];
}
