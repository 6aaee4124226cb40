import { isEqual } from './equal.ts';

/** What is known of the cloudflared beside us: what it says of itself, and what Cloudflare's edge says of the same connector. */
export interface SidecarState {
  /** As it last told; '' before it has told any. */
  readonly connectorId: string;
  /** Whether it says that it is ready; false too where it does not answer. */
  readonly ready: boolean;
  /** `undefined` where it does not answer. */
  readonly readyConnections: number | undefined;
  /** Serving connections of this connector; `undefined` where they are not known, or no longer. */
  readonly edge: { readonly connections: number; readonly at: number } | undefined;
}

/** What came of asking either side. */
export type SidecarObservation =
  | {
      readonly kind: 'answered';
      /** '' where it does not tell. */
      readonly connectorId: string;
      readonly ready: boolean;
      readonly readyConnections: number;
    }
  | { readonly kind: 'silent' }
  | {
      readonly kind: 'edge';
      readonly connectorId: string;
      readonly connections: number;
      readonly at: number;
    };

/** The same object as before where nothing has changed. */
export function sidecarAfter(
  state: SidecarState | undefined,
  observation: SidecarObservation,
): SidecarState | undefined {
  const before = state ?? NOTHING_KNOWN;
  const after = observed(before, observation);
  return isEqual(state, after) ? state : after;
}

const NOTHING_KNOWN: SidecarState = {
  connectorId: '',
  ready: false,
  readyConnections: undefined,
  edge: undefined,
};

function observed(before: SidecarState, observation: SidecarObservation): SidecarState {
  switch (observation.kind) {
    case 'answered': {
      const { connectorId, ready, readyConnections } = observation;
      // Another id is another process, of which the edge has not been asked.
      const edge = connectorId === before.connectorId ? before.edge : undefined;
      return { connectorId, ready, readyConnections, edge };
    }
    case 'silent':
      return { ...before, ready: false, readyConnections: undefined };
    case 'edge': {
      const { connectorId, connections, at } = observation;
      return connectorId === before.connectorId ? { ...before, edge: { connections, at } } : before;
    }
  }
}

/** Without what the edge said longer ago than `staleAfterMs`. */
export function withoutStaleEdge(
  state: SidecarState | undefined,
  { now, staleAfterMs }: { readonly now: number; readonly staleAfterMs: number },
): SidecarState | undefined {
  if (state?.edge === undefined || Math.abs(now - state.edge.at) < staleAfterMs) return state;
  return { ...state, edge: undefined };
}

export interface EdgeReadiness {
  readonly ready: boolean;
  /** Why not, in a few words. */
  readonly reason: string;
}

/** Whether Cloudflare's edge sees the connector beside us, from data that is fresh. */
export function edgeReadiness(
  state: SidecarState | undefined,
  options: { readonly now: number; readonly staleAfterMs: number; readonly minConnections: number },
): EdgeReadiness {
  const fresh = withoutStaleEdge(state, options);
  const reason = fresh === undefined ? 'cloudflared has not been asked yet' : whyNot(fresh, options);
  return { ready: reason === '', reason };
}

function whyNot(
  { connectorId, ready, readyConnections, edge }: SidecarState,
  options: {
    readonly minConnections: number;
  },
): string {
  if (readyConnections === undefined) return 'the cloudflared beside us does not answer; the log says why';
  if (!ready) return `cloudflared is not ready: it has ${counted(readyConnections)}`;
  if (connectorId === '') return 'cloudflared does not tell its connector id, which needs a newer version';
  if (edge === undefined) return 'what Cloudflare sees of this connector is not known, or no longer';
  if (edge.connections >= options.minConnections) return '';
  return `Cloudflare sees ${counted(edge.connections)} of this connector, of at least ${options.minConnections} that are asked for`;
}

function counted(count: number): string {
  return `${count} connection${count === 1 ? '' : 's'}`;
}
