import type { Connector } from './model.ts';
import { servingConnections } from './serving.ts';

export interface ConnectorMoves {
  readonly connected: readonly Connector[];
  readonly disconnected: readonly Connector[];
  /** A connector has another id each time its process starts. */
  readonly replaced: readonly { readonly from: Connector; readonly to: Connector }[];
}

/** Connectors that came and went between two observations. One that came is taken to replace one that went. */
export function connectorMoves(before: readonly Connector[], after: readonly Connector[]): ConnectorMoves {
  const was = presentById(before);
  const is = presentById(after);
  const gone = [...was.values()].filter(({ id }) => !is.has(id));
  const connected: Connector[] = [];
  const replaced: { from: Connector; to: Connector }[] = [];
  const came = [...is.values()].filter(({ id }) => !was.has(id));
  // Those on the same machine first.
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

/** Serving, or a WARP connector with an HA status: of those, the status says whether they are offline. */
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
