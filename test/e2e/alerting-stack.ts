import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { json } from 'node:stream/consumers';
import { expect, onTestFinished, vi } from 'vitest';
import { parse, stringify } from 'yaml';
import { parseDuration } from '../../src/config/duration.ts';
import { alertmanagerConfig, type Route } from '../deploy/alerts/alertmanager-config.ts';
import { isAlert, readRules } from '../deploy/alerts/rule-file.ts';
import { debianProgram, type ProgramName } from '../support/debian.ts';

export const prometheusProgram = debianProgram('prometheus');
export const alertmanagerProgram = debianProgram('prometheus-alertmanager');

const PATIENCE = { timeout: 30_000, interval: 200 };
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

/** Scrapes and evaluates the shipped rules every second; `for` is three seconds at most, all else as shipped. */
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
  const url = await startServer('prometheus', (folder, address) => {
    writeFileSync(join(folder, 'alerts.yaml'), stringify({ groups }));
    writeFileSync(join(folder, 'prometheus.yml'), stringify(config));
    return [
      `--config.file=${join(folder, 'prometheus.yml')}`,
      `--storage.tsdb.path=${join(folder, 'data')}`,
      `--web.listen-address=${address}`,
      '--log.level=warn',
    ];
  });
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

/** Starts a program on a free port, in a folder of its own, and waits until it is ready; ended when the test is. */
async function startServer(
  program: ProgramName,
  argumentsFor: (folder: string, address: string) => readonly string[],
): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), `${program}-`));
  const address = `127.0.0.1:${await freePort()}`;
  const child = spawn(debianProgram(program).command, argumentsFor(folder, address), {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const ended = once(child, 'close');
  let log = '';
  child.stderr.on('data', (chunk: Buffer) => (log += chunk.toString()));
  onTestFinished(async () => {
    child.kill('SIGKILL');
    await ended;
    rmSync(folder, { recursive: true });
  });
  await vi.waitFor(async () => {
    if (child.exitCode !== null) throw new Error(`${program} ended: ${log}`);
    expect((await fetch(`http://${address}/-/ready`)).status).toBe(200);
  }, PATIENCE);
  return `http://${address}`;
}

async function freePort(): Promise<number> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const port = portOf(server.address());
  await new Promise((resolve) => server.close(resolve));
  return port;
}

function portOf(address: ReturnType<ReturnType<typeof createServer>['address']>): number {
  if (address === null || typeof address === 'string')
    throw new Error('Cannot listen: the server has no port');
  return address.port;
}
