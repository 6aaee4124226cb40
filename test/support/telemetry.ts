import type { Snapshot } from '../../src/core/snapshot.ts';
import {
  createTelemetry,
  type SpentBudget,
  type Telemetry,
  type TelemetryOptions,
} from '../../src/telemetry.ts';
import { aSnapshot, NOW } from './snapshots.ts';

export function aTelemetry(parts: Partial<TelemetryOptions> = {}): Telemetry {
  return createTelemetry({
    version: '0.1.0',
    revision: 'abc1234',
    snapshot: () => aSnapshot(),
    budgets: () => [aBudget()],
    discovery: () => undefined,
    ...parts,
  });
}

export function aBudget(parts: Partial<SpentBudget> = {}): SpentBudget {
  return { requests: 600, available: () => 150, blockedUntil: () => undefined, ...parts };
}

/** Telemetry in which everything has happened that can, so that every metric has a sample. */
export function eventfulTelemetry(snapshot: Snapshot): Telemetry {
  const telemetry = aTelemetry({
    snapshot: () => snapshot,
    budgets: () => [aBudget(), aBudget({ available: () => 2.5, blockedUntil: () => NOW + 300_000 })],
    discovery: () => ({ success: true, lastSuccessAt: NOW - 120_000, unknown: undefined }),
  });
  telemetry.clientHooks.onRequest?.({ endpoint: 'tunnels', code: '200', seconds: 0.3 });
  telemetry.clientHooks.onRequest?.({ endpoint: 'cfd_tunnel_connections', code: '520', seconds: 12 });
  telemetry.clientHooks.onError?.('server');
  telemetry.clientHooks.onRetry?.();
  telemetry.pollFinished({ at: NOW, seconds: 1.5, failed: false });
  telemetry.pollSkipped();
  telemetry.waiting(7);
  telemetry.rendered({ seconds: 0.004, series: 321 });
  telemetry.configLoaded({ at: NOW - 60_000, ok: true });
  return telemetry;
}
