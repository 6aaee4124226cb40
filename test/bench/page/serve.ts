import { NO_EVENTS } from '../../../src/core/events.ts';
import type { Snapshot } from '../../../src/core/snapshot.ts';
import { createMetricsPage, type SnapshotPage } from '../../../src/exposition/metrics-page.ts';
import { createSelfMetrics } from '../../../src/self-metrics/self-metrics.ts';
import { createWebServer } from '../../../src/web/server.ts';
import { FAMILY_OPTIONS } from './contenders.ts';

export interface ServedPage {
  readonly page: SnapshotPage;
  readonly url: string;
}

/** The page as the exporter serves it, own metrics and all, without anything that polls. */
export async function servePage(snapshot: () => Snapshot): Promise<ServedPage> {
  const selfMetrics = createSelfMetrics({
    version: 'bench',
    revision: '',
    snapshot,
    budgets: () => [],
    discovery: () => undefined,
  });
  const page = createMetricsPage({
    families: FAMILY_OPTIONS,
    context: { types: ['cfd_tunnel'], selectsAll: true, expected: [], intermittent: [] },
    allows: () => true,
    selfMetrics: selfMetrics.metrics,
  });
  await page.publish(snapshot());
  const web = createWebServer({
    config: {
      listenAddresses: [{ host: '127.0.0.1', port: 0 }],
      telemetryPath: '/metrics',
      maxRequests: 40,
      configFile: undefined,
      enableLifecycle: false,
    },
    page,
    snapshot,
    events: () => NO_EVENTS,
    readiness: () => ({ ready: true, reason: '' }),
    lateAfterMs: () => 120_000,
    showsOriginIps: () => false,
    clock: Date.now,
    log: console,
    version: 'bench',
  });
  await web.listen();
  const [url = ''] = web.addresses();
  return { page, url };
}
