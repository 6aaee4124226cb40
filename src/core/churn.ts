import type { Connector } from './model.ts';
import type { Churn, TunnelState } from './snapshot.ts';

/** Older changes count for 1/e. A day, so that a nightly restart is remembered. */
const MEMORY_MS = 24 * 3_600_000;

/** The churn after one more observation, `elapsedMs` after the previous one. */
export function churnAfter(
  { changes, observedMs }: Churn,
  { elapsedMs, changed }: { readonly elapsedMs: number; readonly changed: boolean },
): Churn {
  if (elapsedMs <= 0) return { changes, observedMs };
  const kept = Math.exp(-elapsedMs / MEMORY_MS);
  return { changes: changes * kept + (changed ? 1 : 0), observedMs: observedMs * kept + elapsedMs };
}

/** The weight of the mean rate against the rate of a single churn, in changes. */
const PRIOR_CHANGES = 0.2;

/** Changes per millisecond on average; 0 if nothing was observed twice. */
export function meanRateOf(churns: Iterable<Churn>): number {
  let changes = 0;
  let observedMs = 0;
  for (const churn of churns) {
    changes += churn.changes;
    observedMs += churn.observedMs;
  }
  return observedMs === 0 ? 0 : (changes + PRIOR_CHANGES) / observedMs;
}

/** Changes per millisecond, close to `meanRate` after a short time; 1 if `meanRate` is 0. */
export function rateOf({ changes, observedMs }: Churn, meanRate: number): number {
  return meanRate === 0 ? 1 : (changes + PRIOR_CHANGES) / (observedMs + PRIOR_CHANGES / meanRate);
}

/** Caps the quiet time credited at the first observation. */
const MAX_INITIAL_QUIET_MS = 6 * 3_600_000;
/** cloudflared opens its connections one after the other, within this time. */
const START_MS = 60_000;

/**
 * The churn of a tunnel's connections after an observation at `at`. Counts changes that the list
 * does not show. The youngest connector or connection dates the last change, so already the first
 * observation separates restless tunnels from quiet ones. What happened before that change is
 * unknown and not counted.
 */
export function connectionChurn(before: TunnelState, after: TunnelState, at: number): Churn {
  const since = before.detailedAt;
  const youngest = youngestOf(after.connectors.value ?? [], at);
  const cameUp = after.tunnel.activeAt ?? -Infinity;
  const isShownByList =
    (youngest !== undefined && youngest >= cameUp && youngest - cameUp < START_MS) ||
    (since !== undefined && before.changedAt !== undefined && before.changedAt > since);
  if (since === undefined) {
    if (youngest === undefined) return before.churn;
    const quietMs = Math.min(MAX_INITIAL_QUIET_MS, at - youngest);
    return churnAfter(before.churn, {
      elapsedMs: Math.max(1, quietMs),
      changed: !isShownByList && quietMs < MAX_INITIAL_QUIET_MS,
    });
  }
  if (at < since) return before.churn;
  const changed = before.knownConnectors !== after.knownConnectors || before.counters !== after.counters;
  const quietSince = changed && youngest !== undefined ? Math.max(since, youngest) : since;
  return churnAfter(before.churn, {
    elapsedMs: Math.max(1, at - quietSince),
    changed: changed && !isShownByList,
  });
}

/** When the youngest connector or connection started. Ignores times in the future. */
function youngestOf(connectors: readonly Connector[], at: number): number | undefined {
  let youngest: number | undefined;
  for (const { startedAt, connections } of connectors) {
    for (const time of [startedAt, ...connections.map(({ openedAt }) => openedAt)]) {
      if (time !== undefined && time <= at && time > (youngest ?? -Infinity)) youngest = time;
    }
  }
  return youngest;
}
