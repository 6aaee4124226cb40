import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import type { BudgetView } from '../cloudflare/budget.ts';
import type { ClientHooks } from '../cloudflare/client.ts';
import { ENDPOINTS } from '../cloudflare/endpoints.ts';
import type { DiscoveryStatus } from '../core/discovery.ts';
import { EVENT_KINDS, type EventKind } from '../core/events.ts';
import { COLLECTORS, FAILURE_REASONS } from '../core/model.ts';
import type { AccountState, CollectorState, Snapshot } from '../core/snapshot.ts';
import type { ForeignMetric } from '../exposition/foreign.ts';

export const POLL_RESULTS = ['success', 'failure', 'skipped'] as const;
export type PollResult = (typeof POLL_RESULTS)[number];

/** What is shown of a budget. */
export type SpentBudget = Pick<BudgetView, 'requests' | 'available' | 'blockedUntil'>;

export interface SelfMetricsOptions {
  readonly version: string;
  /** The commit that was built; '' where unknown. */
  readonly revision: string;
  /** Asked at every scrape. */
  readonly snapshot: () => Snapshot;
  /** One for each owner of tokens. */
  readonly budgets: () => readonly SpentBudget[];
  /** What came of looking for accounts; `undefined` where all of them are named. */
  readonly discovery: () => DiscoveryStatus | undefined;
}

/** The exporter's own metrics. A scrape reads the snapshot's part from the snapshot itself. */
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
  readonly metrics: () => Promise<readonly ForeignMetric[]>;
}

const PREFIX = 'cloudflare_tunnel_exporter_';
const REQUEST_BUCKETS = [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
const POLL_BUCKETS = [0.1, 0.5, 1, 2.5, 5, 10, 20, 30, 60, 120];
const RENDER_BUCKETS = [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1];
/** Known in advance, so that a rate over them has a start. */
const USUAL_CODES = ['200', '401', '403', '404', '429', '500', '502', '503', 'none'];
/** prom-client's gauges that are called `_total`, which only counters may be; others hold the same figures by type. */
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
  registerLookedUp(registry, [
    ...snapshotGauges(snapshot),
    ...budgetGauges(budgets),
    ...discoveryGauges(discovery),
  ]);

  const pollDuration = new Histogram({
    name: `${PREFIX}poll_duration_seconds`,
    help: 'How long a poll took: the lists and details that the budget allowed at its beginning.',
    buckets: POLL_BUCKETS,
    registers,
  });
  const polls = counter(
    'polls_total',
    'Polls by result; skipped ones were due before the one before was answered.',
    ['result'],
  );
  for (const result of POLL_RESULTS) polls.inc({ result }, 0);
  const lastPoll = whenKnown(gauge('last_poll_timestamp_seconds', 'When the last poll ended.'));

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
  const retries = counter('api_retries_total', 'Requests to the Cloudflare API that were made again.');

  const events = counter('events_total', 'Changes seen between two snapshots, by kind.', ['kind']);
  for (const kind of EVENT_KINDS) events.inc({ kind }, 0);

  const waiting = whenKnown(
    gauge('detail_queue_tunnels', 'Tunnels whose connections wait to be observed, for want of budget.'),
  );
  const series = whenKnown(gauge('snapshot_series', 'Series about tunnels on the page.'));
  const renderDuration = new Histogram({
    name: `${PREFIX}render_duration_seconds`,
    help: 'How long a snapshot took to become a page.',
    buckets: RENDER_BUCKETS,
    registers,
  });
  const reloadOk = whenKnown(
    gauge('config_last_reload_successful', 'Whether the last load of the configuration was good.'),
  );
  const reloadAt = whenKnown(
    gauge('config_last_reload_timestamp_seconds', 'When the configuration was last loaded well.'),
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

/** Every metric that can be collected: one that fails is missing, and does not take the page with it. */
async function collect(registry: Registry): Promise<readonly ForeignMetric[]> {
  const metrics = registry.getMetricsAsArray().flatMap(({ name }) => registry.getSingleMetric(name) ?? []);
  const collected = await Promise.allSettled(metrics.map((metric) => metric.get()));
  return collected.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
}

/** prom-client starts a gauge without labels at 0, which would be a lie until it is set. */
function whenKnown(gauge: Gauge): Gauge {
  gauge.remove();
  return gauge;
}

/** Gives one sample of a gauge whose value is looked up at every scrape. */
type Give = (value: number, labels?: Readonly<Record<string, string>>) => void;

interface LookedUpGauge {
  readonly name: string;
  readonly help: string;
  readonly labelNames: readonly string[];
  readonly samples: (give: Give) => void;
}

function registerLookedUp(registry: Registry, gauges: readonly LookedUpGauge[]): void {
  for (const { name, help, labelNames, samples } of gauges) {
    const gauge: Gauge = new Gauge({
      name: PREFIX + name,
      help,
      labelNames: [...labelNames],
      registers: [registry],
      collect: () => {
        gauge.reset();
        // Resetting it gives a gauge without labels the value 0.
        if (labelNames.length === 0) gauge.remove();
        samples((value, labels = {}) => {
          gauge.set(labels, value);
        });
      },
    });
  }
}

/** Looked for once per snapshot, not at every scrape: there may be thousands of tunnels. */
function createOldestObservation(): (tunnels: AccountState['tunnels']) => number | undefined {
  const known = new WeakMap<AccountState['tunnels'], number>();
  return (tunnels) => {
    let oldest = known.get(tunnels);
    if (oldest === undefined) {
      oldest = Infinity;
      for (const { connectors } of tunnels.values()) oldest = Math.min(oldest, connectors.at ?? Infinity);
      known.set(tunnels, oldest);
    }
    return oldest === Infinity ? undefined : oldest;
  };
}

function snapshotGauges(snapshot: () => Snapshot): readonly LookedUpGauge[] {
  const accounts = (): readonly AccountState[] => [...snapshot().accounts.values()];
  const oldestObservation = createOldestObservation();
  return [
    {
      name: 'account_up',
      help: "Whether the last list of the account's tunnels was complete, for every tunnel type asked for.",
      labelNames: ['account_id'],
      samples: (give) => {
        for (const { id, up } of accounts()) if (up !== undefined) give(up ? 1 : 0, { account_id: id });
      },
    },
    {
      name: 'list_interval_seconds',
      help: 'Planned time between two lists of the account.',
      labelNames: ['account_id'],
      samples: (give) => {
        for (const { id, list } of accounts())
          if (list.intervalMs !== undefined) give(list.intervalMs / 1000, { account_id: id });
      },
    },
    {
      name: 'collector_success',
      help: 'Whether the last pass of a collector was without failure; absent before the first.',
      labelNames: ['account_id', 'collector'],
      samples: (give) => {
        for (const { labels, success } of accounts().flatMap(collectorsOf)) {
          if (success !== undefined) give(success ? 1 : 0, labels);
        }
      },
    },
    {
      name: 'collector_failure_reason',
      help: 'Why a collector fails: 1 for the reason, 0 for the others; absent while it succeeds.',
      labelNames: ['account_id', 'collector', 'reason'],
      samples: (give) => {
        for (const { labels, failedFor } of accounts().flatMap(collectorsOf)) {
          if (failedFor === undefined) continue;
          for (const reason of FAILURE_REASONS) give(reason === failedFor ? 1 : 0, { ...labels, reason });
        }
      },
    },
    {
      name: 'collector_last_success_timestamp_seconds',
      help: 'When a collector last had a pass without failure; absent before the first.',
      labelNames: ['account_id', 'collector'],
      samples: (give) => {
        for (const { labels, lastSuccessAt } of accounts().flatMap(collectorsOf)) {
          if (lastSuccessAt !== undefined) give(lastSuccessAt / 1000, labels);
        }
      },
    },
    {
      name: 'detail_oldest_observation_timestamp_seconds',
      help: "When the least recently observed tunnel's connections were observed; absent where none is observed.",
      labelNames: ['account_id'],
      samples: (give) => {
        for (const { id, tunnels } of accounts()) {
          const at = oldestObservation(tunnels);
          if (at !== undefined) give(at / 1000, { account_id: id });
        }
      },
    },
  ];
}

function collectorsOf(
  account: AccountState,
): readonly (CollectorState & { readonly labels: Record<string, string> })[] {
  return COLLECTORS.map((collector) => ({
    ...account.collectors[collector],
    labels: { account_id: account.id, collector },
  }));
}

/** Several owners of tokens have a budget each: their sum is what the fleet can ask for. */
function budgetGauges(budgets: () => readonly SpentBudget[]): readonly LookedUpGauge[] {
  return [
    {
      name: 'api_budget_requests',
      help: 'Requests per five minutes that the exporter allows itself, the budgets of all owners of tokens together.',
      labelNames: [],
      samples: (give) => {
        give(budgets().reduce((sum, { requests }) => sum + requests, 0));
      },
    },
    {
      name: 'api_budget_available',
      help: 'Requests that could be sent at once, the budgets of all owners of tokens together.',
      labelNames: [],
      samples: (give) => {
        give(budgets().reduce((sum, { available }) => sum + Math.floor(available()), 0));
      },
    },
    {
      name: 'api_blocked_until_timestamp_seconds',
      help: 'Until when Cloudflare refuses the requests of an owner of tokens (the latest of several); 0 while none is blocked.',
      labelNames: [],
      samples: (give) => {
        give(Math.max(0, ...budgets().map(({ blockedUntil }) => (blockedUntil() ?? 0) / 1000)));
      },
    },
  ];
}

function discoveryGauges(discovery: SelfMetricsOptions['discovery']): readonly LookedUpGauge[] {
  return [
    {
      name: 'discovery_success',
      help: 'Whether the last list of accounts was complete for every token whose accounts are watched; absent where accounts are named.',
      labelNames: [],
      samples: (give) => {
        const success = discovery()?.success;
        if (success !== undefined) give(success ? 1 : 0);
      },
    },
    {
      name: 'discovery_last_success_timestamp_seconds',
      help: 'When a list of accounts was last complete, of several tokens the one that is oldest; absent before the first.',
      labelNames: [],
      samples: (give) => {
        const at = discovery()?.lastSuccessAt;
        if (at !== undefined) give(at / 1000);
      },
    },
  ];
}
