import { writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { stringify } from 'yaml';
import { parseDuration } from '../../src/config/duration.ts';
import { alertmanagerConfig, type Route } from '../deploy/alerts/alertmanager-config.ts';
import { startWebhook } from '../e2e/alerting-stack.ts';
import { startServer } from '../support/debian-server.ts';
import { debianProgram } from '../support/debian.ts';
import { channelOf } from './report.ts';
import { type Message, messagesOf } from './alertmanager.ts';
import type { Firing, Labels } from './evaluate.ts';

const alertmanager = debianProgram('prometheus-alertmanager');
/** By how much the times of the real Alertmanager's route are divided. */
const SPEED = 30;
const INTERVAL_MS = 30_000;
const TUNNELS = 120;
const ACCOUNTS = 3;
const EVALUATIONS = 16;

const outage = (from: number): string => String(from);
const down = (index: number, since: number): Labels => ({
  alertname: 'CloudflareTunnelDown',
  severity: 'critical',
  subject: 'tunnel',
  account_id: `account-${index % ACCOUNTS}`,
  tunnel_id: `tunnel-${index}`,
  tunnel_name: `site-${index}`,
  outage: outage(since),
});
const many: Labels = {
  alertname: 'CloudflareTunnelManyDown',
  severity: 'critical',
  subject: 'fleet',
  outage: outage(600),
};
/**
 * Alerts in the order in which the rules fire them: ManyDown first, then the single ones, then a
 * tunnel that goes down at another time.
 */
const FIRING: Firing = Array.from({ length: EVALUATIONS }, (_, evaluation) => [
  ...(evaluation >= 1 ? [many] : []),
  ...(evaluation >= 2 ? Array.from({ length: TUNNELS }, (__, index) => down(index, 600)) : []),
  ...(evaluation >= 8 ? [down(TUNNELS, 1200)] : []),
]);

test.skipIf(alertmanager.missing)(
  `a real Alertmanager makes one page of a region's outage, and another of the tunnel that goes down later${alertmanager.needs}`,
  { timeout: 120_000 },
  async () => {
    const webhook = await startWebhook();
    const shipped = alertmanagerConfig();
    const config = {
      ...shipped,
      route: faster(shipped.route),
      receivers: shipped.receivers.map(({ name }) => ({ name, webhook_configs: [{ url: webhook.url }] })),
    };
    const url = await startServer('prometheus-alertmanager', (folder, address) => {
      writeFileSync(join(folder, 'alertmanager.yml'), stringify(config));
      return [
        `--config.file=${join(folder, 'alertmanager.yml')}`,
        `--storage.path=${join(folder, 'data')}`,
        `--web.listen-address=${address}`,
        '--cluster.listen-address=',
        '--log.level=warn',
      ];
    });
    for (const active of FIRING) {
      const answer = await fetch(`${url}/api/v2/alerts`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(active.map((labels) => ({ labels }))),
      });
      expect(answer.status).toBe(200);
      await sleep(INTERVAL_MS / SPEED);
    }
    const paged = webhook.notifications
      .filter(({ receiver }) => receiver === 'cloudflare-tunnel-pager')
      .map(({ labels }) => labels);
    expect(namesIn(paged)).toEqual(['CloudflareTunnelDown site-120', 'CloudflareTunnelManyDown ']);
  },
);

test('the model of Alertmanager, which passes days in virtual time, sends the same pages', () => {
  const pages = messagesOf(alertmanagerConfig(), { firing: FIRING, intervalMs: INTERVAL_MS }).filter(
    (message) => channelOf(message) === 'pager',
  );
  expect(pages).toHaveLength(2);
  expect(namesIn(pages.flatMap(({ fresh }: Message) => fresh))).toEqual([
    'CloudflareTunnelDown site-120',
    'CloudflareTunnelManyDown ',
  ]);
});

function namesIn(alerts: readonly Labels[]): readonly string[] {
  return [
    ...new Set(alerts.map((labels) => `${labels['alertname']} ${labels['tunnel_name'] ?? ''}`)),
  ].toSorted();
}

/** The shipped route with every time divided. */
function faster(route: Route): Route {
  const divided = Object.fromEntries(
    ['group_wait', 'group_interval', 'repeat_interval'].flatMap((key) => {
      const value = route[key];
      const ms = typeof value === 'string' ? parseDuration(value) : undefined;
      return ms === undefined ? [] : [[key, `${Math.ceil(ms / SPEED)}ms`]];
    }),
  );
  return {
    ...route,
    ...divided,
    ...(route.routes === undefined ? {} : { routes: route.routes.map(faster) }),
  };
}
