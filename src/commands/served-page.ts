import type { Config } from '../config/config.ts';
import type { Snapshot } from '../core/snapshot.ts';
import type { PromClientMetric } from '../exposition/prom-client-metrics.ts';
import { selectsAll } from '../core/select.ts';
import { createMetricsPage, type RenderReport, type SnapshotPage } from '../exposition/metrics-page.ts';
import type { MetricsPage } from '../exposition/page.ts';
import { isEqual } from '../core/equal.ts';

type PageConfig = Pick<Config, 'metrics' | 'tunnels' | 'expectedTunnels'>;

export interface ServedPageOptions {
  readonly selfMetrics: () => Promise<readonly PromClientMetric[]>;
  readonly rendered: (report: RenderReport) => void;
  readonly failed: (error: unknown) => void;
}

/** A scrape waits for the newest snapshot, so it never shows less than `/readyz` has reported. */
export interface ServedPage extends MetricsPage {
  readonly render: (snapshot: Snapshot) => void;
  /** Applies to snapshots that are rendered from now on. */
  readonly reconfigure: (config: PageConfig) => void;
}

export function createServedPage(config: PageConfig, options: ServedPageOptions): ServedPage {
  let settings = settingsOf(config);
  let newest = createPage(config, options.selfMetrics);
  let served = newest;
  let rendering = Promise.resolve();

  const publish = async (page: SnapshotPage, snapshot: Snapshot): Promise<void> => {
    try {
      const report = await page.publish(snapshot);
      if (page === newest) served = page;
      options.rendered(report);
    } catch (error) {
      options.failed(error);
    }
  };

  return {
    body: async (request) => {
      await rendering;
      return served.body(request);
    },
    render: (snapshot) => {
      rendering = publish(newest, snapshot);
    },
    reconfigure: (next) => {
      const nextSettings = settingsOf(next);
      if (isEqual(settings, nextSettings)) return;
      settings = nextSettings;
      newest = createPage(next, options.selfMetrics);
    },
  };
}

function settingsOf({ metrics, tunnels, expectedTunnels }: PageConfig): unknown {
  return {
    metrics,
    types: tunnels.types,
    selectsAll: selectsAll(tunnels),
    intermittent: tunnels.intermittent,
    expectedTunnels,
  };
}

function createPage(
  { metrics, tunnels, expectedTunnels }: PageConfig,
  selfMetrics: ServedPageOptions['selfMetrics'],
): SnapshotPage {
  return createMetricsPage({
    families: metrics,
    context: {
      types: tunnels.types,
      selectsAll: selectsAll(tunnels),
      expected: expectedTunnels,
      intermittent: tunnels.intermittent,
    },
    allows: (name) => isAllowed(name, metrics),
    selfMetrics,
  });
}

function isAllowed(name: string, { allow, deny }: Config['metrics']): boolean {
  if (allow.length > 0 && !allow.some((expression) => expression.test(name))) return false;
  return !deny.some((expression) => expression.test(name));
}
