import { isEqual } from './equal.ts';

/** The state of one cloudflared: its own readiness, and Cloudflare's view of the same connector. */
export interface SidecarState {
  /** The last id that it reported; '' before the first. */
  readonly connectorId: string;
  /** Whether it reports to be ready; false if it does not answer. */
  readonly ready: boolean;
  /** Undefined if it does not answer. */
  readonly readyConnections: number | undefined;
  /** Serving connections that Cloudflare reports; undefined if unknown or stale. */
  readonly edge: { readonly connections: number; readonly at: number } | undefined;
}

export type SidecarObservation =
  | {
      readonly kind: 'answered';
      /** '' if it reports none. */
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

/** Returns the same object if nothing has changed. */
export function sidecarAfter(
  state: SidecarState | undefined,
  observation: SidecarObservation,
): SidecarState | undefined {
  const after = observed(state ?? NOTHING_KNOWN, observation);
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
      // A new id is a new process, whose connections at the edge are not known yet.
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

/** Drops Cloudflare's view if it is older than `staleAfterMs`. */
export function withoutStaleEdge(
  state: SidecarState | undefined,
  { now, staleAfterMs }: { readonly now: number; readonly staleAfterMs: number },
): SidecarState | undefined {
  if (state?.edge === undefined || Math.abs(now - state.edge.at) < staleAfterMs) return state;
  return { ...state, edge: undefined };
}

export interface EdgeReadiness {
  readonly ready: boolean;
  /** Why it is not ready; '' if it is. */
  readonly reason: string;
}

/** Whether fresh data shows that cloudflared is ready and Cloudflare sees its connections. */
export function edgeReadiness(
  state: SidecarState | undefined,
  options: { readonly now: number; readonly staleAfterMs: number; readonly minConnections: number },
): EdgeReadiness {
  const fresh = withoutStaleEdge(state, options);
  const reason = fresh === undefined ? 'cloudflared has not been checked yet' : whyNot(fresh, options);
  return { ready: reason === '', reason };
}

function whyNot(
  { connectorId, ready, readyConnections, edge }: SidecarState,
  { minConnections }: { readonly minConnections: number },
): string {
  if (readyConnections === undefined) return 'cloudflared does not answer; the log has the reason';
  if (!ready) return `cloudflared is not ready: it has ${counted(readyConnections)}`;
  if (connectorId === '') return 'cloudflared does not report its connector id; update cloudflared';
  if (edge === undefined) return "Cloudflare's view of this connector is unknown or stale";
  if (edge.connections >= minConnections) return '';
  return `Cloudflare sees ${counted(edge.connections)} of this connector, but at least ${minConnections} must be connected`;
}

function counted(count: number): string {
  return `${count} connection${count === 1 ? '' : 's'}`;
}
