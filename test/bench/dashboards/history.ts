import { FAMILIES } from '../../../src/core/families/table.ts';
import { createSimulation, sampleAccounts } from '../../../src/simulator/index.ts';
import { createVirtualExporter } from '../../alert-day/exporter.ts';
import type { Sample } from '../../alert-day/series.ts';
import { EXPRESSIONS } from '../../grafana/committed.ts';
import { analyse } from '../../grafana/promql.ts';
import { remoteWrite } from '../../support/remote-write.ts';

export interface HistoryOptions {
  /** cloudflared tunnels, in addition to 24 WARP connectors. */
  readonly tunnels: number;
  readonly hours: number;
  /** Milliseconds. */
  readonly end: number;
}

/** Scrapes of two exporters that watch the simulated fleet. */
export interface History {
  /** Advances the fleet until that time, and writes every scrape to Prometheus. */
  readonly writeUntil: (time: number, prometheus: string) => Promise<void>;
  /** Time of the last scrape, in milliseconds. */
  readonly lastScrape: () => number;
  /** Tunnels of the fleet times exporters. */
  readonly tunnels: () => number;
}

const HOUR = 3_600_000;
const SCRAPE_MS = 30_000;
/** How long before a scrape each exporter polls. */
const POLL_BEFORE_MS = [20_000, 5000];
/** Scrapes in a request to Prometheus: a quarter of an hour, so that no sample is too old for it. */
const BATCH = 30;

interface Pending {
  readonly labels: Readonly<Record<string, string>>;
  times: number[];
  values: (number | undefined)[];
  lastScrape: number;
}

export function createHistory({ tunnels, hours, end }: HistoryOptions): History {
  const start = Math.floor(end / SCRAPE_MS) * SCRAPE_MS - hours * HOUR;
  let now = start;
  const trouble = { degraded: 0.03, down: 0.05, inactive: 0.03 };
  const simulation = createSimulation({
    seed: 20_240,
    now: () => now,
    accounts: sampleAccounts({ seed: 20_240, now, accounts: 3, tunnels, warpConnectors: 24, ...trouble }),
    rateLimit: { requests: Infinity },
    keepRequests: 1,
    life: {},
  });
  const accounts = simulation.fleet.accounts();
  const shows = new Set([
    ...FAMILIES.map(({ name }) => name),
    ...EXPRESSIONS.flatMap(({ expr }) => analyse(expr).selectors.map(({ metric }) => metric)),
  ]);
  const exporters = POLL_BEFORE_MS.map((before, index) => ({
    before,
    ...createVirtualExporter({
      simulation,
      instance: `exporter-${index}:20240`,
      now: () => now,
      // Samples keep Unix times.
      start: 0,
      accounts,
      expected: [
        { accountId: undefined, tunnel: 'tunnel-00500', minConnectors: 2 },
        { accountId: undefined, tunnel: 'tunnel-of-the-past', minConnectors: undefined },
      ],
      intermittent: [],
      shows,
    }),
  }));
  const known = new Map<string, Pending>();
  let scrape = 0;

  const record = (samples: readonly Sample[]): void => {
    for (const [series, value] of samples) {
      let pending = known.get(series);
      if (pending === undefined) {
        pending = { labels: labelsOf(series), times: [], values: [], lastScrape: scrape };
        known.set(series, pending);
      }
      pending.times.push(now);
      pending.values.push(value);
      pending.lastScrape = scrape;
    }
  };
  const endMissing = (): void => {
    for (const [series, pending] of known) {
      if (pending.lastScrape === scrape) continue;
      if (pending.lastScrape === scrape - 1) {
        pending.times.push(now);
        pending.values.push(undefined);
      } else if (pending.times.length === 0) known.delete(series);
    }
  };
  const flush = async (prometheus: string): Promise<void> => {
    const full = [...known.values()].filter(({ times }) => times.length > 0);
    for (let from = 0; from < full.length; from += 5000)
      await remoteWrite(prometheus, full.slice(from, from + 5000));
    for (const pending of full) {
      pending.times = [];
      pending.values = [];
    }
  };

  return {
    lastScrape: () => now,
    tunnels: () =>
      exporters.length * accounts.reduce((sum, { id }) => sum + simulation.fleet.tunnels(id).length, 0),
    writeUntil: async (time, prometheus) => {
      for (; start + scrape * SCRAPE_MS <= time; scrape += 1) {
        const at = start + scrape * SCRAPE_MS;
        for (const { poll, before } of exporters) {
          now = at - before;
          poll();
        }
        now = at;
        for (const exporter of exporters) record(exporter.scrape());
        endMissing();
        if (scrape % BATCH === BATCH - 1) await flush(prometheus);
      }
      await flush(prometheus);
    },
  };
}

/** Of a series as PromQL writes it. */
function labelsOf(series: string): Readonly<Record<string, string>> {
  const [metric = '', rest = ''] = series.split('{', 2);
  const labels = [...rest.matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)].map(
    ([, label = '', value = '']) => [label, value.replaceAll(/\\(.)/g, '$1')] as const,
  );
  return { __name__: metric, ...Object.fromEntries(labels.filter(([, value]) => value !== '')) };
}
