import type { ExpectedTunnel } from '../expected.ts';
import type { KnownTunnelType } from '../model.ts';
import type { Selection } from '../select.ts';
import type { Snapshot, TunnelState } from '../snapshot.ts';

/** Emits one sample. `labels` are the values of the family's own labels, in their order. */
export type Emit = (value: number, ...labels: string[]) => void;

/** Opt-in labels and families, of high cardinality or sensitive. */
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
  /** The option that enables the family; absent if it is always enabled. */
  readonly option?: keyof FamilyOptions;
}

/** A family with samples per tunnel. TUNNEL_LABELS precede its own labels. */
export interface TunnelFamily extends FamilyBase {
  readonly scope: 'tunnel';
  readonly labels: readonly string[];
  /** The last label, if an option enables it. Its value is always emitted. */
  readonly optionalLabel?: { readonly name: string; readonly option: keyof FamilyOptions };
  readonly samples: (state: TunnelState, emit: Emit, context: FleetContext) => void;
}

/** The settings that families need besides the snapshot. */
export interface FleetContext {
  /** The tunnel types asked for. */
  readonly types: readonly KnownTunnelType[];
  /** Whether the settings select every tunnel of these types. */
  readonly selectsAll: boolean;
  readonly expected: readonly ExpectedTunnel[];
  /** Patterns of the names of tunnels that may be down. */
  readonly intermittent: Selection['include'];
}

export interface FleetFamily extends FamilyBase {
  readonly scope: 'fleet';
  readonly labels: readonly string[];
  readonly samples: (snapshot: Snapshot, emit: Emit, context: FleetContext) => void;
}

export type Family = TunnelFamily | FleetFamily;

/** The first labels of every tunnel family. */
export const TUNNEL_LABELS = ['account_id', 'tunnel_id', 'tunnel_name'] as const;

/** Emits one sample per state: 1 for the current state, 0 for the others. */
export function emitStateSet(
  states: readonly string[],
  current: string,
  emit: (value: number, state: string) => void,
): void {
  for (const state of states) emit(state === current ? 1 : 0, state);
}

export function seconds(milliseconds: number): number {
  return milliseconds / 1000;
}
