import type { Connector, ListedTunnel } from './model.ts';

/** What counts as a change of a tunnel. Counters and events are both derived from these functions, so that they agree. */

export function hasNewStatus(before: ListedTunnel, after: ListedTunnel): boolean {
  return before.status !== after.status;
}

export interface ConnectionChanges {
  readonly opened: number;
  readonly closed: number;
}

/** Connections, by id, that are in one observation and not in the other. */
export function connectionChanges(
  before: readonly Connector[],
  after: readonly Connector[],
): ConnectionChanges {
  if (before === after) return { opened: 0, closed: 0 };
  const known = connectionIds(before);
  const now = connectionIds(after);
  let opened = 0;
  let closed = 0;
  for (const id of now) if (!known.has(id)) opened += 1;
  for (const id of known) if (!now.has(id)) closed += 1;
  return { opened, closed };
}

function connectionIds(connectors: readonly Connector[]): ReadonlySet<string> {
  const ids = new Set<string>();
  for (const { connections } of connectors)
    for (const { id } of connections) if (id !== undefined) ids.add(id);
  return ids;
}

/** Whether another WARP connector than the one last seen active is the active one. */
export function hasFailedOver(before: string | undefined, active: string | undefined): boolean {
  return before !== undefined && active !== undefined && before !== active;
}
