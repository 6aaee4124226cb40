import type { ExpectedTunnel } from '../expected.ts';
import type { KnownTunnelType } from '../model.ts';
import type { Selection } from '../select.ts';
import type { Snapshot, TunnelState } from '../snapshot.ts';

/** Gives one sample; `labels` are the values of the family's own labels, in its order. */
export type Emit = (value: number, ...labels: string[]) => void;

/** Labels and families of high cardinality or sensitivity, which a user opts in to. */
export interface FamilyOptions {
  readonly originIp: boolean;
  readonly features: boolean;
  readonly hostnames: boolean;
  readonly routes: boolean;
}

interface FamilyBase {
  /** With `_total` for counters and `_info` for infos, as in text format 0.0.4. */
  readonly name: string;
  readonly help: string;
  readonly type: 'gauge' | 'counter' | 'info' | 'stateset';
  /** Whether an option must be on for the family to exist. */
  readonly option?: keyof FamilyOptions;
}

/** A family whose samples each belong to one tunnel and carry its three labels before their own. */
export interface TunnelFamily extends FamilyBase {
  readonly scope: 'tunnel';
  readonly labels: readonly string[];
  /** The last label, where an option must be on for it; its value is always emitted. */
  readonly optionalLabel?: { readonly name: string; readonly option: keyof FamilyOptions };
  readonly samples: (state: TunnelState, emit: Emit, context: FleetContext) => void;
}

/** What families need to know beside the snapshot. */
export interface FleetContext {
  /** The tunnel types asked for. */
  readonly types: readonly KnownTunnelType[];
  /** Whether settings leave out no tunnel of these types. */
  readonly selectsAll: boolean;
  readonly expected: readonly ExpectedTunnel[];
  /** Expressions on the names of tunnels that may be down. */
  readonly intermittent: Selection['include'];
}

export interface FleetFamily extends FamilyBase {
  readonly scope: 'fleet';
  readonly labels: readonly string[];
  readonly samples: (snapshot: Snapshot, emit: Emit, context: FleetContext) => void;
}

export type Family = TunnelFamily | FleetFamily;

/** The labels that every tunnel family begins with. */
export const TUNNEL_LABELS = ['account_id', 'tunnel_id', 'tunnel_name'] as const;

/** One sample per state, exactly one of them 1. */
export function emitStateSet(
  states: readonly string[],
  current: string,
  emit: (value: number, state: string) => void,
): void {
  for (const state of states) emit(state === current ? 1 : 0, state);
}

/** Milliseconds to the seconds that Prometheus counts in. */
export function seconds(milliseconds: number): number {
  return milliseconds / 1000;
}
