import { type Connector, type ListedTunnel, servingConnections } from './model.ts';

/** Defines what a change is. Counters and events use it, so that they agree. */

export function hasNewStatus(before: ListedTunnel, after: ListedTunnel): boolean {
  return before.status !== after.status;
}

export interface ConnectionChanges {
  readonly opened: number;
  readonly closed: number;
}

/** Counts connections, by id, that are in only one of two observations. */
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

/** Whether a different WARP connector than before is active. */
export function hasFailedOver(before: string | undefined, active: string | undefined): boolean {
  return before !== undefined && active !== undefined && before !== active;
}

export interface ConnectorMoves {
  readonly connected: readonly Connector[];
  readonly disconnected: readonly Connector[];
  /** Restarts, because a connector has a new id each time its process starts. */
  readonly replaced: readonly { readonly from: Connector; readonly to: Connector }[];
}

/** Changes between two observations. A new connector is taken to replace one that is gone. */
export function connectorMoves(before: readonly Connector[], after: readonly Connector[]): ConnectorMoves {
  const was = presentById(before);
  const is = presentById(after);
  const gone = [...was.values()].filter(({ id }) => !is.has(id));
  const connected: Connector[] = [];
  const replaced: { from: Connector; to: Connector }[] = [];
  const came = [...is.values()].filter(({ id }) => !was.has(id));
  // Connectors on the same machine are matched first.
  for (const to of came.toSorted((a, b) => likeness(b, gone) - likeness(a, gone))) {
    const from = gone.find((candidate) => isSameMachine(candidate, to)) ?? gone[0];
    if (from === undefined) connected.push(to);
    else {
      replaced.push({ from, to });
      gone.splice(gone.indexOf(from), 1);
    }
  }
  return { connected, disconnected: gone, replaced };
}

/** Serving connectors, and WARP connectors with an HA status, which may be offline. */
function presentById(connectors: readonly Connector[]): ReadonlyMap<string, Connector> {
  const present = connectors.filter(
    (connector) => connector.haStatus !== undefined || servingConnections(connector).length > 0,
  );
  return new Map(present.map((connector) => [connector.id, connector]));
}

function likeness(connector: Connector, others: readonly Connector[]): number {
  return others.some((other) => isSameMachine(connector, other)) ? 1 : 0;
}

function isSameMachine(a: Connector, b: Connector): boolean {
  const origins = new Set(a.connections.flatMap(({ originIp }) => originIp ?? []));
  return b.connections.some(({ originIp }) => originIp !== undefined && origins.has(originIp));
}
