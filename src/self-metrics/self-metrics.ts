import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import type { ClientHooks } from '../cloudflare/client.ts';
import { ENDPOINTS } from '../cloudflare/endpoints.ts';
import type { DiscoveryStatus } from '../core/discovery.ts';
import { EVENT_KINDS, type EventKind } from '../core/events.ts';
import { FAILURE_REASONS } from '../core/model.ts';
import type { Snapshot } from '../core/snapshot.ts';
import type { PromClientMetric } from '../exposition/prom-client-metrics.ts';
import {
  budgetGauges,
  discoveryGauges,
  PREFIX,
  registerScraped,
  snapshotGauges,
  type ShownBudget,
} from './scraped-gauges.ts';

export const POLL_RESULTS = ['success', 'failure', 'skipped'] as const;

export interface SelfMetricsOptions {
  readonly version: string;
  /** The commit that was built; '' if unknown. */
  readonly revision: string;
  /** Called at every scrape, like the functions below. */
  readonly snapshot: () => Snapshot;
  /** One for each owner of tokens. */
  readonly budgets: () => readonly ShownBudget[];
  /** The state of account discovery; undefined if the configuration names all accounts. */
  readonly discovery: () => DiscoveryStatus | undefined;
}

/** The self-metrics. Those about the snapshot are computed from it at every scrape. */
export interface SelfMetrics {
  readonly clientHooks: ClientHooks;
  /** Times in milliseconds. */
  readonly pollFinished: (poll: {
    readonly at: number;
    readonly seconds: number;
    readonly failed: boolean;
  }) => void;
  readonly pollSkipped: () => void;
  readonly waiting: (tunnels: number) => void;
  readonly rendered: (render: { readonly seconds: number; readonly series: number }) => void;
  readonly configLoaded: (load: { readonly at: number; readonly ok: boolean }) => void;
  readonly eventSeen: (kind: EventKind) => void;
  readonly metrics: () => Promise<readonly PromClientMetric[]>;
}

const REQUEST_BUCKETS = [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
const POLL_BUCKETS = [0.1, 0.5, 1, 2.5, 5, 10, 20, 30, 60, 120];
const RENDER_BUCKETS = [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1];
/** Initialized to 0, so that rates over them have a start. */
const USUAL_CODES = ['200', '401', '403', '404', '429', '500', '502', '503', 'none'];
/** Gauges of prom-client in `_total`, which is for counters. Others have the same figures. */
const MISNAMED = [
  'nodejs_active_resources_total',
  'nodejs_active_handles_total',
  'nodejs_active_requests_total',
];

export function createSelfMetrics({
  version,
  revision,
  snapshot,
  budgets,
  discovery,
}: SelfMetricsOptions): SelfMetrics {
  const registry = new Registry();
  const registers = [registry];
  const gauge = (name: string, help: string, labelNames: readonly string[] = []): Gauge =>
    new Gauge({ name: PREFIX + name, help, labelNames: [...labelNames], registers });
  const counter = (name: string, help: string, labelNames: readonly string[] = []): Counter =>
    new Counter({ name: PREFIX + name, help, labelNames: [...labelNames], registers });

  gauge('build_info', 'Version of the exporter and of Node; always 1.', [
    'version',
    'revision',
    'nodeversion',
  ]).set({ version, revision, nodeversion: process.version }, 1);
  registerScraped(registry, [
    ...snapshotGauges(snapshot),
    ...budgetGauges(budgets),
    ...discoveryGauges(discovery),
  ]);

  const pollDuration = new Histogram({
    name: `${PREFIX}poll_duration_seconds`,
    help: 'Duration of polls: the lists and details that the budget allowed at the start of each.',
    buckets: POLL_BUCKETS,
    registers,
  });
  const polls = counter('polls_total', 'Polls by result; skipped: due before the previous poll had ended.', [
    'result',
  ]);
  for (const result of POLL_RESULTS) polls.inc({ result }, 0);
  const lastPoll = absentUntilSet(gauge('last_poll_timestamp_seconds', 'When the last poll ended.'));

  const requests = counter(
    'api_requests_total',
    'Requests to the Cloudflare API by HTTP status; none: no answer.',
    ['endpoint', 'code'],
  );
  const requestDuration = new Histogram({
    name: `${PREFIX}api_request_duration_seconds`,
    help: 'How long the Cloudflare API took to answer, body included.',
    labelNames: ['endpoint'],
    buckets: REQUEST_BUCKETS,
    registers,
  });
  for (const endpoint of ENDPOINTS) {
    requestDuration.zero({ endpoint });
    for (const code of USUAL_CODES) requests.inc({ endpoint, code }, 0);
  }
  const errors = counter(
    'api_errors_total',
    'Calls to the Cloudflare API that failed, after retries, by reason.',
    ['reason'],
  );
  for (const reason of FAILURE_REASONS) errors.inc({ reason }, 0);
  const retries = counter('api_retries_total', 'Requests to the Cloudflare API that were retries.');

  const events = counter('events_total', 'Changes between two snapshots, by kind.', ['kind']);
  for (const kind of EVENT_KINDS) events.inc({ kind }, 0);

  const waiting = absentUntilSet(
    gauge(
      'detail_queue_tunnels',
      'Tunnels whose connections wait to be observed, because the budget is spent.',
    ),
  );
  const series = absentUntilSet(gauge('snapshot_series', 'Series about tunnels on the metrics page.'));
  const renderDuration = new Histogram({
    name: `${PREFIX}render_duration_seconds`,
    help: 'Duration of rendering a snapshot as the metrics page.',
    buckets: RENDER_BUCKETS,
    registers,
  });
  const reloadOk = absentUntilSet(
    gauge('config_last_reload_successful', 'Whether the last load of the configuration succeeded.'),
  );
  const reloadAt = absentUntilSet(
    gauge('config_last_reload_timestamp_seconds', 'When the configuration was last loaded successfully.'),
  );
  collectDefaultMetrics({ register: registry });
  for (const name of MISNAMED) registry.removeSingleMetric(name);

  return {
    clientHooks: {
      onRequest: ({ endpoint, code, seconds }) => {
        requests.inc({ endpoint, code });
        requestDuration.observe({ endpoint }, seconds);
      },
      onError: (reason) => {
        errors.inc({ reason });
      },
      onRetry: () => {
        retries.inc();
      },
    },
    pollFinished: ({ at, seconds, failed }) => {
      polls.inc({ result: failed ? 'failure' : 'success' });
      pollDuration.observe(seconds);
      lastPoll.set(at / 1000);
    },
    pollSkipped: () => {
      polls.inc({ result: 'skipped' });
    },
    waiting: (tunnels) => {
      waiting.set(tunnels);
    },
    rendered: (render) => {
      series.set(render.series);
      renderDuration.observe(render.seconds);
    },
    configLoaded: ({ at, ok }) => {
      reloadOk.set(ok ? 1 : 0);
      if (ok) reloadAt.set(at / 1000);
    },
    eventSeen: (kind) => {
      events.inc({ kind });
    },
    metrics: () => collect(registry),
  };
}

/** Collects every metric. One that fails is left out, so that the page is still served. */
async function collect(registry: Registry): Promise<readonly PromClientMetric[]> {
  const metrics = registry.getMetricsAsArray().flatMap(({ name }) => registry.getSingleMetric(name) ?? []);
  const collected = await Promise.allSettled(metrics.map((metric) => metric.get()));
  return collected.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
}

/** Removes the initial 0 of a gauge without labels, so that it is absent until it is set. */
function absentUntilSet(gauge: Gauge): Gauge {
  gauge.remove();
  return gauge;
}
