/**
 * How often a tunnel has been seen to change without its list entry telling: so many times in so long under observation,
 * both fading, so that a tunnel that has calmed down is forgotten to be restless.
 */
export interface Churn {
  readonly changes: number;
  readonly observedMs: number;
}

export const NO_CHURN: Churn = { changes: 0, observedMs: 0 };

/** After so long, what was seen counts for 1/e: a day, so that a nightly restart is not forgotten before the next. */
const MEMORY_MS = 24 * 3_600_000;

/** One more observation, `elapsedMs` after the one before. */
export function churnAfter(
  { changes, observedMs }: Churn,
  { elapsedMs, changed }: { readonly elapsedMs: number; readonly changed: boolean },
): Churn {
  if (elapsedMs <= 0) return { changes, observedMs };
  const kept = Math.exp(-elapsedMs / MEMORY_MS);
  return { changes: changes * kept + (changed ? 1 : 0), observedMs: observedMs * kept + elapsedMs };
}
