import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage } from 'node:http';
import { join } from 'node:path';
import { json } from 'node:stream/consumers';
import { expect, onTestFinished } from 'vitest';
import { parse, stringify } from 'yaml';
import { parseDuration } from '../../src/config/duration.ts';
import { alertmanagerConfig, type Route } from '../deploy/alerts/alertmanager-config.ts';
import { isAlert, readRules } from '../deploy/alerts/rule-file.ts';
import { portOf, startPrometheusWith, startServer } from '../support/debian-server.ts';
import { debianProgram } from '../support/debian.ts';

export const prometheusProgram = debianProgram('prometheus');
export const alertmanagerProgram = debianProgram('prometheus-alertmanager');

/** Long enough for a first scrape to come before a first alert. */
const SHORTEST_FOR_MS = 3000;

export type Labels = Readonly<Record<string, string>>;

/** An alert as Alertmanager posts it to a webhook. */
export interface Notification {
  readonly receiver: string;
  readonly status: 'firing' | 'resolved';
  readonly labels: Labels;
  readonly annotations: Labels;
}

export interface Webhook {
  readonly url: string;
  /** In the order of their arrival. */
  readonly notifications: readonly Notification[];
}

interface Delivery {
  readonly receiver: string;
  readonly alerts: readonly Omit<Notification, 'receiver'>[];
}

async function deliver(request: IncomingMessage): Promise<readonly Notification[]> {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- Alertmanager's own format
  const { receiver, alerts } = (await json(request)) as Delivery;
  return alerts.map((alert) => ({ ...alert, receiver }));
}

/** Takes down what arrives; closed when the test is over. */
export async function startWebhook(): Promise<Webhook> {
  const notifications: Notification[] = [];
  const server = createServer((request, response) => {
    void deliver(request).then((delivered) => {
      notifications.push(...delivered);
      return response.end();
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  return { url: `http://127.0.0.1:${portOf(server.address())}`, notifications };
}

export interface Alertmanager {
  readonly url: string;
  readonly post: (alerts: readonly Labels[]) => Promise<void>;
  /** Of the alerts that it knows, the labels of those that an inhibition mutes, or does not. */
  readonly alerts: () => Promise<{ readonly muted: readonly Labels[]; readonly active: readonly Labels[] }>;
}

/** The shipped configuration, but impatient, and every receiver is the webhook. */
export async function startAlertmanager({ url: webhook }: Webhook): Promise<Alertmanager> {
  const shipped = alertmanagerConfig();
  const config = {
    ...shipped,
    route: impatient(shipped.route),
    receivers: shipped.receivers.map(({ name }) => ({ name, webhook_configs: [{ url: webhook }] })),
  };
  const url = await startServer('prometheus-alertmanager', (folder, address) => {
    writeFileSync(join(folder, 'alertmanager.yml'), stringify(config));
    return [
      `--config.file=${join(folder, 'alertmanager.yml')}`,
      `--storage.path=${join(folder, 'data')}`,
      `--web.listen-address=${address}`,
      // It is alone, and needs no port for others.
      '--cluster.listen-address=',
      '--log.level=warn',
    ];
  });
  return {
    url,
    post: async (alerts) => {
      const response = await fetch(`${url}/api/v2/alerts`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(alerts.map((labels) => ({ labels }))),
      });
      expect(response.status).toBe(200);
    },
    alerts: async () => {
      const response = await fetch(`${url}/api/v2/alerts`);
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- Alertmanager's own format
      const known = (await response.json()) as readonly {
        readonly labels: Labels;
        readonly status: { readonly inhibitedBy: readonly string[] };
      }[];
      const labelsWhere = (muted: boolean): readonly Labels[] =>
        known.filter(({ status }) => status.inhibitedBy.length > 0 === muted).map(({ labels }) => labels);
      return { muted: labelsWhere(true), active: labelsWhere(false) };
    },
  };
}

function impatient(route: Route): Route {
  return {
    ...route,
    group_wait: '200ms',
    group_interval: '500ms',
    ...(route.routes === undefined ? {} : { routes: route.routes.map(impatient) }),
  };
}

export interface Prometheus {
  /** Series that an expression has at present. */
  readonly query: (expr: string) => Promise<readonly Labels[]>;
}

/**
 * Scrapes and evaluates the shipped rules every second; `for` is three seconds at most, all else as
 * shipped.
 */
export async function startPrometheus(options: {
  readonly exporter: string;
  readonly alertmanager: string;
}): Promise<Prometheus> {
  const groups = readRules().groups.map((group) => ({
    ...group,
    rules: group.rules.map((rule) =>
      isAlert(rule) && rule.for !== undefined ? { ...rule, for: shortened(rule.for) } : rule,
    ),
  }));
  // As users have it, but for the intervals and addresses.
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- promtool has the last word on its form
  const shipped = parse(readFileSync('deploy/compose/prometheus.yml', 'utf8')) as {
    readonly scrape_configs: readonly { readonly job_name: string }[];
  };
  const config = {
    ...shipped,
    global: { scrape_interval: '1s', scrape_timeout: '1s', evaluation_interval: '1s' },
    alerting: { alertmanagers: [targetAt(options.alertmanager)] },
    scrape_configs: shipped.scrape_configs.map((job) => ({ ...job, ...targetAt(options.exporter) })),
  };
  const url = await startPrometheusWith(config, { 'alerts.yaml': stringify({ groups }) });
  return {
    query: async (expr) => {
      const response = await fetch(`${url}/api/v1/query?query=${encodeURIComponent(expr)}`);
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- Prometheus' own format
      const { data } = (await response.json()) as {
        readonly data: { readonly result: readonly { readonly metric: Labels }[] };
      };
      return data.result.map(({ metric }) => metric);
    },
  };
}

function targetAt(url: string): object {
  return { static_configs: [{ targets: [new URL(url).host] }] };
}

function shortened(duration: string): string {
  return `${Math.min(parseDuration(duration) ?? 0, SHORTEST_FOR_MS)}ms`;
}
