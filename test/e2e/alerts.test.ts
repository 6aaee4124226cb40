import { expect, onTestFinished, test, vi } from 'vitest';
import { cloudflaredVersion, createSimulator, warpVersion } from '../../src/simulator/index.ts';
import { startExporter } from '../support/exporter-process.ts';
import {
  alertmanagerProgram,
  type Labels,
  type Notification,
  prometheusProgram,
  startAlertmanager,
  startPrometheus,
  startWebhook,
  type Webhook,
} from './alerting-stack.ts';

const PATIENCE = { timeout: 40_000, interval: 200 };
const TOKEN = 'token-for-the-alerts-test';
const ACCOUNT = '0a1b2c3d4e5f60718293a4b5c6d7e8f9';
const HOUR = 3_600_000;
const now = Date.now();

/** A connector that nothing is wrong with. */
const connector = (...colos: readonly string[]) => ({
  colos: [...colos, ...colos],
  version: cloudflaredVersion(now, { monthsOld: 1 }),
  startedAt: now - HOUR,
});
const warpConnector = (colo: string) => ({
  colos: [colo],
  version: warpVersion(now, 2),
  startedAt: now - HOUR,
});
const CONNECTORS = [connector('fra08', 'ams06'), connector('ams06', 'lhr16')];

const FLEET = [
  { name: 'web', connectors: CONNECTORS },
  { name: 'api', connectors: CONNECTORS },
  { name: 'never-ran' },
  { name: 'abandoned', downSince: now - 48 * HOUR },
  {
    name: 'mesh',
    type: 'warp_connector' as const,
    haMode: 'aws' as const,
    connectors: [warpConnector('fra08'), warpConnector('fra13')],
  },
];

test.skipIf(prometheusProgram.missing || alertmanagerProgram.missing)(
  `what happens to tunnels, token and exporter arrives as alerts${prometheusProgram.needs}${alertmanagerProgram.needs}`,
  { timeout: 170_000 },
  async () => {
    const simulator = await createSimulator({
      accounts: [{ id: ACCOUNT, name: 'One', tunnels: FLEET }],
      tokens: [{ value: TOKEN }],
    });
    onTestFinished(() => simulator.close());
    const { fleet, tokens } = simulator;
    const exporter = await startExporter(
      ['run', '--poll.schedule=*/2 * * * * *', '--cloudflare.request-budget=1200'],
      {
        env: {
          CLOUDFLARE_ACCOUNT_ID: ACCOUNT,
          CLOUDFLARE_API_TOKEN: TOKEN,
          CLOUDFLARE_API_URL: simulator.url,
        },
      },
    );
    const webhook = await startWebhook();
    const alertmanager = await startAlertmanager(webhook);
    const prometheus = await startPrometheus({ exporter: exporter.url, alertmanager: alertmanager.url });
    const arrival = arrivalsAt(webhook);

    await vi.waitFor(async () => {
      const serving = await prometheus.query('tunnel:cloudflare_tunnel_status:trusted{status="healthy"}');
      expect(namesIn(serving)).toEqual(['api', 'mesh', 'web']);
      expect(await prometheus.query('count(cloudflare_tunnel_connectors) == 5')).toHaveLength(1);
      expect(
        await prometheus.query('cloudflare_tunnel_connector_ha_status{ha_status="active"} == 1'),
      ).toHaveLength(1);
    }, PATIENCE);

    const web = fleet.tunnelNamed(ACCOUNT, 'web');
    if (web === undefined) throw new Error('the fleet has no tunnel web');
    // Cloudflare's time counts: it has been down for almost as long as it takes.
    for (const { id } of web.connectors) fleet.stopConnector(id, Date.now() - 175_000);
    const down = await arrival('CloudflareTunnelDown', 'firing');
    expect(down).toMatchObject({
      receiver: 'cloudflare-tunnel-pager',
      labels: { tunnel_name: 'web', tunnel_id: web.id, account_id: ACCOUNT, severity: 'critical' },
      annotations: { summary: 'Tunnel web is down' },
    });
    expect(down.annotations['runbook_url']).toMatch(/\/docs\/runbooks\/CloudflareTunnelDown\.md$/);

    for (const spec of CONNECTORS) fleet.startConnector({ ...spec, tunnelId: web.id }, Date.now());
    expect(await arrival('CloudflareTunnelDown', 'resolved')).toMatchObject({
      labels: { tunnel_name: 'web' },
    });

    const mesh = fleet.tunnelNamed(ACCOUNT, 'mesh');
    const standby = mesh?.connectors.find(({ haStatus }) => haStatus === 'passive');
    fleet.failOver({ tunnelId: mesh?.id ?? '', clientId: standby?.id ?? '' }, Date.now());
    expect(await arrival('CloudflareTunnelWarpFailover', 'firing')).toMatchObject({
      receiver: 'cloudflare-tunnel-quiet',
      labels: { tunnel_name: 'mesh', severity: 'info' },
    });

    tokens.revoke(TOKEN);
    expect(await arrival('CloudflareTunnelExporterAuthFailing', 'firing')).toMatchObject({
      receiver: 'cloudflare-tunnel-pager',
      labels: { account_id: ACCOUNT },
    });

    exporter.kill('SIGKILL');
    const gone = await arrival('CloudflareTunnelExporterDown', 'firing');
    expect(gone.labels).not.toHaveProperty('account_id');

    // No other tunnel, and no other trouble, in all this time: not the tunnel that never ran, nor
    // one that nobody misses, nor the revoked token, which says nothing of tunnels.
    const ofTunnels = webhook.notifications.filter(({ labels }) => labels['subject'] === 'tunnel');
    expect(new Set(ofTunnels.map(({ labels }) => `${labels['alertname']} ${labels['tunnel_name']}`))).toEqual(
      new Set(['CloudflareTunnelDown web', 'CloudflareTunnelWarpFailover mesh']),
    );
  },
);

test.skipIf(alertmanagerProgram.missing)(
  `Alertmanager silences what follows from something worse, and nothing else${alertmanagerProgram.needs}`,
  { timeout: 60_000 },
  async () => {
    const webhook = await startWebhook();
    const alertmanager = await startAlertmanager(webhook);
    const one = { account_id: 'first', tunnel_id: 't1', tunnel_name: 'web' };
    const two = { account_id: 'first', tunnel_id: 't2', tunnel_name: 'api' };
    const namesake = { ...one, account_id: 'second' };
    const outage = { outage: '600' };
    const site = { account_id: 'second', tunnel_id: 't4', tunnel_name: 'till', ...outage };
    const blind = { account_id: 'third', tunnel_id: 't3', tunnel_name: 'db' };
    const ofAccount = { subject: 'account', account_id: 'third' };

    const muted = [
      alert('Degraded', one),
      alert('NoRedundancy', one),
      alert('Down', blind),
      alert('ExporterStale', { ...ofAccount, collector: 'tunnels' }),
      alert('AccountUnwatched', ofAccount),
      alert('Down', site),
      alert('NeverRedundant', namesake),
      alert('Down', { ...two, outage: '1200' }),
    ];
    const active = [
      alert('Down', one),
      alert('ConfigDrift', one),
      alert('ConfigDrift', two),
      alert('Degraded', namesake),
      alert('NoRedundancy', namesake),
      alert('ManyDown', { subject: 'fleet', ...outage }),
      alert('DownForDays', two),
      // What has no account or tunnel is not that of another without.
      alert('ExpectedMissing', { tunnel: 'shop' }),
      alert('Degraded', { tunnel_name: 'nameless' }),
      alert('Down', { tunnel_name: 'nameless too' }),
      alert('ExporterStale', { subject: 'account' }),
      alert('ExporterAuthFailing', ofAccount),
      { alertname: 'NodeDown', account_id: 'first', tunnel_id: 't1' },
    ];
    await alertmanager.post([...muted, ...active]);
    await vi.waitFor(async () => {
      const found = await alertmanager.alerts();
      expect(sorted(found.muted)).toEqual(sorted(muted));
      expect(sorted(found.active)).toEqual(sorted(active));
    }, PATIENCE);

    const down = alert('ExporterDown', { subject: 'exporter' });
    const other = alert('ExporterConfigReloadFailed', { subject: 'exporter', job: 'other' });
    await alertmanager.post([down, other]);
    await vi.waitFor(async () => {
      const found = await alertmanager.alerts();
      const stays = [down, other, { alertname: 'NodeDown', account_id: 'first', tunnel_id: 't1' }];
      expect(sorted(found.active)).toEqual(sorted(stays));
    }, PATIENCE);
    expect(await arrivalsAt(webhook)('CloudflareTunnelExporterDown', 'firing')).toMatchObject({
      labels: down,
    });
  },
);

function alert(name: string, labels: Labels): Labels {
  return { alertname: `CloudflareTunnel${name}`, severity: 'warning', subject: 'tunnel', ...labels };
}

/** Waits for an alert that arrives after the one that was waited for before. */
function arrivalsAt({
  notifications,
}: Webhook): (name: string, status: Notification['status']) => Promise<Notification> {
  let seen = 0;
  return (name, status) =>
    vi.waitFor(() => {
      const index = notifications.findIndex(
        (each, at) => at >= seen && each.labels['alertname'] === name && each.status === status,
      );
      const found = notifications[index];
      if (found === undefined) {
        const arrived = notifications.map((each) => `${each.labels['alertname']} ${each.status}`);
        throw new Error(`${name} ${status} has not arrived, but ${arrived.join(', ') || 'nothing'}`);
      }
      seen = index + 1;
      return found;
    }, PATIENCE);
}

function namesIn(series: readonly Labels[]): readonly string[] {
  return series.map((labels) => labels['tunnel_name'] ?? '').toSorted();
}

function sorted(alerts: readonly Labels[]): readonly string[] {
  return alerts
    .map((labels) => JSON.stringify(Object.entries(labels).toSorted(([a], [b]) => a.localeCompare(b))))
    .toSorted();
}
