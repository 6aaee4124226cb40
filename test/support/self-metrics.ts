import type { Snapshot } from '../../src/core/snapshot.ts';
import {
  createSelfMetrics,
  type SelfMetrics,
  type SelfMetricsOptions,
} from '../../src/self-metrics/self-metrics.ts';
import type { ShownBudget } from '../../src/self-metrics/scraped-gauges.ts';
import { aSnapshot, NOW } from './snapshots.ts';

export function aSelfMetrics(parts: Partial<SelfMetricsOptions> = {}): SelfMetrics {
  return createSelfMetrics({
    version: '0.1.0',
    revision: 'abc1234',
    snapshot: () => aSnapshot(),
    budgets: () => [aBudget()],
    discovery: () => undefined,
    ...parts,
  });
}

export function aBudget(parts: Partial<ShownBudget> = {}): ShownBudget {
  return { requests: 600, available: () => 150, blockedUntil: () => undefined, ...parts };
}

/** Self-metrics in which every metric has a sample. */
export function eventfulSelfMetrics(snapshot: Snapshot): SelfMetrics {
  const selfMetrics = aSelfMetrics({
    snapshot: () => snapshot,
    budgets: () => [aBudget(), aBudget({ available: () => 2.5, blockedUntil: () => NOW + 300_000 })],
    discovery: () => ({ success: true, lastSuccessAt: NOW - 120_000, unknown: undefined }),
  });
  selfMetrics.clientHooks.onRequest?.({ endpoint: 'tunnels', code: '200', seconds: 0.3 });
  selfMetrics.clientHooks.onRequest?.({ endpoint: 'cfd_tunnel_connections', code: '520', seconds: 12 });
  selfMetrics.clientHooks.onError?.('server');
  selfMetrics.clientHooks.onRetry?.();
  selfMetrics.pollFinished({ at: NOW, seconds: 1.5, failed: false });
  selfMetrics.pollSkipped();
  selfMetrics.waiting(7);
  selfMetrics.rendered({ seconds: 0.004, series: 321 });
  selfMetrics.configLoaded({ at: NOW - 60_000, ok: true });
  return selfMetrics;
}
