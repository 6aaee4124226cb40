import { advance, nextExpiry } from '../core/advance.ts';
import type { Observation } from '../core/model.ts';
import { reconfigured, type Scope } from '../core/reconfigure.ts';
import { type SidecarObservation, sidecarAfter } from '../core/sidecar-state.ts';
import { emptySnapshot, type Snapshot } from '../core/snapshot.ts';

export interface StoreOptions {
  readonly accounts: readonly { readonly id: string; readonly name: string }[];
  readonly staleAfterMs: number;
  readonly clock: () => number;
  /** Told of every new snapshot. */
  readonly onChange: (snapshot: Snapshot) => void;
  /** An error while stale data was hidden by the clock. */
  readonly onError?: (error: unknown) => void;
}

/** The current snapshot, and the only place that replaces it. */
export interface SnapshotStore {
  readonly current: () => Snapshot;
  readonly apply: (observations: readonly Observation[]) => void;
  readonly applySidecar: (observation: SidecarObservation) => void;
  /** Goes on under other settings. What is in flight for the ones before must have ended. */
  readonly reconfigure: (scope: Scope, staleAfterMs: number) => void;
  /** Stops the clock that hides stale data. */
  readonly stop: () => void;
}

/** Longest delay that a timer can have. */
const MAX_TIMER_MS = 2 ** 31 - 1;

export function createSnapshotStore({ accounts, clock, onChange, ...options }: StoreOptions): SnapshotStore {
  let { staleAfterMs } = options;
  let snapshot = emptySnapshot(accounts, clock());
  let expiry: NodeJS.Timeout | undefined;

  const apply = (observations: readonly Observation[]): void => {
    const now = clock();
    snapshot = advance(snapshot, observations, { now, staleAfterMs });
    // Data must vanish on time even when no poll ever comes back.
    clearTimeout(expiry);
    const next = nextExpiry(snapshot, staleAfterMs);
    if (next !== undefined) {
      expiry = setTimeout(expire, Math.min(Math.max(next - now, 1), MAX_TIMER_MS)).unref();
    }
    onChange(snapshot);
  };

  const expire = (): void => {
    try {
      apply([]);
    } catch (error) {
      options.onError?.(error);
    }
  };

  return {
    current: () => snapshot,
    apply,
    applySidecar: (observation) => {
      const sidecar = sidecarAfter(snapshot.sidecar, observation);
      if (sidecar === snapshot.sidecar) return;
      snapshot = { ...snapshot, sidecar };
      apply([]);
    },
    reconfigure: (scope, nextStaleAfterMs) => {
      staleAfterMs = nextStaleAfterMs;
      snapshot = reconfigured(snapshot, scope);
      apply([]);
    },
    stop: () => {
      clearTimeout(expiry);
    },
  };
}
