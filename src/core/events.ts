import type { AccountState, LastServing, TunnelState } from './snapshot.ts';

/** Names and fields are public: they appear in the log, in /api/v1/events and in events_total. */

export const EVENT_KINDS = [
  'tunnel_created',
  'tunnel_deleted',
  'tunnel_renamed',
  'status_changed',
  'connector_connected',
  'connector_disconnected',
  'connector_replaced',
  'configuration_changed',
  'ha_failover',
  'ha_status_changed',
  'account_lost',
  'account_recovered',
  'token_blocked',
  'expected_missing',
  'expected_found',
] as const;
export type EventKind = (typeof EVENT_KINDS)[number];

export type Severity = 'info' | 'warning' | 'error';

/** What an event keeps of a connector, because it outlives its snapshot. */
export interface RememberedConnector {
  readonly id: string;
  readonly version: string | undefined;
  readonly arch: string | undefined;
  readonly colos: readonly string[];
}

/** A change between two snapshots. */
export interface Change {
  readonly kind: EventKind;
  readonly severity: Severity;
  /** When the exporter observed it. */
  readonly at: number;
  /** Undefined if it concerns several accounts. */
  readonly accountId: string | undefined;
  readonly accountName: string;
  readonly tunnelId: string | undefined;
  /** For expected tunnels, the name or id as declared. */
  readonly tunnelName: string | undefined;
  readonly from: string | undefined;
  readonly to: string | undefined;
  /** One line for a person. */
  readonly message: string;
  /** The first of the host names and networks that it affects. */
  readonly affected: readonly string[];
  readonly affectedCount: number;
  /** The first of the connectors last observed of a tunnel that went down. */
  readonly lastConnectors: readonly RememberedConnector[] | undefined;
  readonly lastObservedAt: number | undefined;
}

/** A change with its number. The first since the start of the exporter is 1. */
export interface TunnelEvent extends Change {
  readonly id: number;
}

export interface EventHistory {
  /** Oldest first. */
  readonly events: readonly TunnelEvent[];
  /** The number of the newest event, kept or not; 0 before the first. */
  readonly lastId: number;
}

export const NO_EVENTS: EventHistory = { events: [], lastId: 0 };

/** Numbers changes, continuing after the recorded events. */
export function numbered({ lastId }: EventHistory, changes: readonly Change[]): readonly TunnelEvent[] {
  return changes.map((change, index) => ({ id: lastId + index + 1, ...change }));
}

/** Adds events to the history, and drops the oldest beyond the limit. */
export function recorded(history: EventHistory, events: readonly TunnelEvent[], limit: number): EventHistory {
  return {
    events: limit === 0 ? [] : [...history.events, ...events].slice(-limit),
    lastId: events.at(-1)?.id ?? history.lastId,
  };
}

const MAX_AFFECTED = 10;
const MAX_CONNECTORS = 2;

/** The affected targets of an event. Their number is limited, so that the size of a history is. */
export function affecting(targets: readonly string[]): Pick<Change, 'affected' | 'affectedCount'> {
  return { affected: targets.slice(0, MAX_AFFECTED), affectedCount: targets.length };
}

export function remembering(
  last: LastServing | undefined,
): Pick<Change, 'lastConnectors' | 'lastObservedAt'> {
  return {
    lastConnectors: last?.connectors.slice(0, MAX_CONNECTORS).map(({ id, version, arch, connections }) => ({
      id,
      version,
      arch,
      colos: [...new Set(connections.flatMap(({ colo }) => colo ?? []))].toSorted(),
    })),
    lastObservedAt: last?.at,
  };
}

/** Builds a change about one account or tunnel from what is specific to it. */
export type About = (
  kind: EventKind,
  severity: Severity,
  parts: Pick<Change, 'message'> & Partial<Change>,
) => Change;

/** The optional fields of a change that has none of them. */
export const NO_DETAILS = {
  from: undefined,
  to: undefined,
  affected: [],
  affectedCount: 0,
  lastConnectors: undefined,
  lastObservedAt: undefined,
} as const;

export function aboutAccount({ id, name }: AccountState, at: number): About {
  const common = { at, accountId: id, accountName: name, tunnelId: undefined, tunnelName: undefined };
  return (kind, severity, parts) => ({ ...NO_DETAILS, ...common, ...parts, kind, severity });
}

export function aboutTunnel(account: AccountState, { tunnel }: TunnelState, at: number): About {
  const about = aboutAccount(account, at);
  const common = { tunnelId: tunnel.id, tunnelName: tunnel.name };
  return (kind, severity, parts) => about(kind, severity, { ...common, ...parts });
}
