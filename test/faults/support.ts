import { expect } from 'vitest';
import { createFailureLog } from '../../src/log/failure-log.ts';
import { ACCOUNT, aRig, fleetOf, type Rig, type RigOptions } from '../poller/support.ts';
import { type ParsedSample, parseExposition } from '../support/exposition-parser.ts';
import { aPage, bytesOf, NO_OPTIONS, TEXT } from '../support/pages.ts';
import { aSelfMetrics } from '../support/self-metrics.ts';

/** One exporter, from the API to the page: polled by the test, under a clock that only the test moves. */
export interface Exporter extends Rig {
  /** A poll's interval later: one poll, logged and counted as the poller does. */
  readonly pollNext: () => Promise<void>;
  /** What the page says now. */
  readonly metrics: () => Promise<Metrics>;
  /** The log since the last call, `warn: …` and `info: …`. */
  readonly told: () => readonly string[];
}

export interface Metrics {
  /** The one sample with these labels; `undefined` if there is none. `cloudflare_tunnel_` is left out of the name. */
  readonly value: (name: string, labels?: Readonly<Record<string, string>>) => number | undefined;
  /** The names of the tunnels that are shown. */
  readonly tunnels: () => readonly string[];
}

export const POLL_MS = 30_000;
/** As many of these fit into the time after which data is too old to show. */
export const POLLS_UNTIL_STALE = 10;
export const PREFIX = 'cloudflare_tunnel_';

/** For faults that end with it. Longer than any good answer takes on a busy machine. */
export const SHORT_TIMEOUT_MS = 700;

/** Two healthy tunnels, `shop` and `erp`, unless the options say otherwise. */
export async function anExporter(options: RigOptions = {}): Promise<Exporter> {
  const selfMetrics = aSelfMetrics({
    snapshot: () => rig.store.current(),
    budgets: () => rig.groups.flatMap(({ tokens }) => tokens.map(({ client }) => client.budget)),
  });
  const rig = await aRig({
    simulator: fleetOf('shop', 'erp'),
    ...options,
    hooks: selfMetrics.clientHooks,
  });
  const lines: string[] = [];
  const write =
    (level: string) =>
    (_fields: unknown, message?: string): void =>
      void lines.push(`${level}: ${message ?? ''}`);
  const failures = createFailureLog({
    log: { warn: write('warn'), info: write('info') },
    clock: rig.clock.now,
    isFailing: (accountId, collector) => rig.account(accountId).collectors[collector].success === false,
  });
  const page = aPage({ families: NO_OPTIONS, selfMetrics: selfMetrics.metrics });
  return {
    ...rig,
    pollNext: async () => {
      rig.clock.pass(POLL_MS);
      const { observations, waiting } = await rig.poll();
      failures.observed(observations);
      selfMetrics.waiting(waiting);
    },
    metrics: async () => {
      await page.publish(rig.store.current());
      return metricsOf(parseExposition(await bytesOf(page, TEXT), 'text').flatMap(({ samples }) => samples));
    },
    told: () => lines.splice(0),
  };
}

function metricsOf(samples: readonly ParsedSample[]): Metrics {
  return {
    value: (name, labels = {}) => {
      const found = samples.filter(
        (sample) =>
          sample.name === PREFIX + name &&
          Object.entries(labels).every(([label, value]) => sample.labels.get(label) === value),
      );
      expect(found.length).toBeLessThanOrEqual(1);
      return found[0]?.value;
    },
    tunnels: () =>
      samples
        .filter(({ name }) => name === `${PREFIX}info`)
        .map(({ labels }) => labels.get('tunnel_name') ?? '')
        .toSorted(),
  };
}

export const up = (metrics: Metrics): number | undefined =>
  metrics.value('exporter_account_up', { account_id: ACCOUNT });

export const success = (metrics: Metrics, collector: string): number | undefined =>
  metrics.value('exporter_collector_success', { account_id: ACCOUNT, collector });

export const errors = (metrics: Metrics, reason: string): number | undefined =>
  metrics.value('exporter_api_errors_total', { reason });

export const observedAt = (metrics: Metrics, tunnel: string): number | undefined =>
  metrics.value('observed_timestamp_seconds', { tunnel_name: tunnel });
