import { advance, nextExpiry } from '../core/advance.ts';
import type { Observation } from '../core/model.ts';
import { reconfigured, type Scope } from '../core/reconfigure.ts';
import { type SidecarObservation, sidecarAfter } from '../core/sidecar-state.ts';
import { emptySnapshot, type Snapshot } from '../core/snapshot.ts';

export interface StoreOptions {
  readonly accounts: readonly { readonly id: string; readonly name: string }[];
  readonly staleAfterMs: number;
  readonly clock: () => number;
  readonly onChange: (snapshot: Snapshot) => void;
  /** Receives errors of the timer that hides stale data. */
  readonly onError?: (error: unknown) => void;
}

/** Holds the current snapshot. Nothing else replaces it. */
export interface SnapshotStore {
  readonly current: () => Snapshot;
  readonly apply: (observations: readonly Observation[]) => void;
  readonly applySidecar: (observation: SidecarObservation) => void;
  /** Applies new settings. Requests of the previous settings must have ended. */
  readonly reconfigure: (scope: Scope, staleAfterMs: number) => void;
  /** Stops the timer that hides stale data. */
  readonly stop: () => void;
}

/** The longest delay of a timer. */
const MAX_TIMER_MS = 2 ** 31 - 1;

export function createSnapshotStore({ accounts, clock, onChange, ...options }: StoreOptions): SnapshotStore {
  let { staleAfterMs } = options;
  let snapshot = emptySnapshot(accounts, clock());
  let expiry: NodeJS.Timeout | undefined;

  const apply = (observations: readonly Observation[]): void => {
    const now = clock();
    snapshot = advance(snapshot, observations, { now, staleAfterMs });
    // Stale data must be hidden on time even if no further answer arrives.
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
