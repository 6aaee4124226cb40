import type { LastServing } from './snapshot.ts';

/** What changed, each change once. Names and fields are the public interface: the log, /api/v1/events, events_total. */

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

/** A connector as an event remembers it: an event outlives the snapshot that it was derived from. */
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
  /** When the exporter saw it. */
  readonly at: number;
  /** `undefined` if it is about several accounts. */
  readonly accountId: string | undefined;
  readonly accountName: string;
  readonly tunnelId: string | undefined;
  /** As declared, for expected tunnels. */
  readonly tunnelName: string | undefined;
  readonly from: string | undefined;
  readonly to: string | undefined;
  /** A sentence for a person. */
  readonly message: string;
  /** Host names and networks that it affects, the first of them. */
  readonly affected: readonly string[];
  readonly affectedCount: number;
  /** What was last observed of a tunnel that went down, the first connectors of it. */
  readonly lastConnectors: readonly RememberedConnector[] | undefined;
  readonly lastObservedAt: number | undefined;
}

/** A change with its number: 1 for the first since the exporter started. */
export interface TunnelEvent extends Change {
  readonly id: number;
}

export interface EventHistory {
  /** Oldest first. */
  readonly events: readonly TunnelEvent[];
  /** Of the newest event, kept or not; 0 before the first. */
  readonly lastId: number;
}

export const NO_EVENTS: EventHistory = { events: [], lastId: 0 };

/** The changes as events, numbered after those that were recorded before. */
export function numbered({ lastId }: EventHistory, changes: readonly Change[]): readonly TunnelEvent[] {
  return changes.map((change, index) => ({ id: lastId + index + 1, ...change }));
}

/** The history with newer events, and without the oldest beyond the limit. */
export function recorded(history: EventHistory, events: readonly TunnelEvent[], limit: number): EventHistory {
  return {
    events: limit === 0 ? [] : [...history.events, ...events].slice(-limit),
    lastId: events.at(-1)?.id ?? history.lastId,
  };
}

const MOST_AFFECTED = 10;
const MOST_CONNECTORS = 2;

/** What an event names of what it affects: bounded, so that a history is. */
export function affecting(targets: readonly string[]): Pick<Change, 'affected' | 'affectedCount'> {
  return { affected: targets.slice(0, MOST_AFFECTED), affectedCount: targets.length };
}

export function remembering(
  last: LastServing | undefined,
): Pick<Change, 'lastConnectors' | 'lastObservedAt'> {
  return {
    lastConnectors: last?.connectors.slice(0, MOST_CONNECTORS).map(({ id, version, arch, connections }) => ({
      id,
      version,
      arch,
      colos: [...new Set(connections.flatMap(({ colo }) => colo ?? []))].toSorted(),
    })),
    lastObservedAt: last?.at,
  };
}
