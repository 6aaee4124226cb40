import type { Connection, Connector } from './model.ts';

/** How to compare each field: one that is missing here does not compile. */
type Comparison<T> = { readonly [Field in keyof T]-?: (a: T, b: T) => boolean };

const CONNECTION: Comparison<Connection> = {
  id: (a, b) => a.id === b.id,
  colo: (a, b) => a.colo === b.colo,
  pendingReconnect: (a, b) => a.pendingReconnect === b.pendingReconnect,
  openedAt: (a, b) => a.openedAt === b.openedAt,
  originIp: (a, b) => a.originIp === b.originIp,
};

const CONNECTOR: Comparison<Connector> = {
  id: (a, b) => a.id === b.id,
  version: (a, b) => a.version === b.version,
  arch: (a, b) => a.arch === b.arch,
  features: (a, b) => sameLists(a.features, b.features, (one, other) => one === other),
  startedAt: (a, b) => a.startedAt === b.startedAt,
  configVersion: (a, b) => a.configVersion === b.configVersion,
  haStatus: (a, b) => a.haStatus === b.haStatus,
  connections: (a, b) => sameLists(a.connections, b.connections, sameConnection),
};

const sameConnection = comparing(CONNECTION);
const sameConnector = comparing(CONNECTOR);

/**
 * Whether two observations of a tunnel's connectors are equal. Field by field, not by iterating over whatever is there:
 * where a list embeds connections, a large fleet has a hundred thousand of them at every poll.
 */
export function sameConnectors(a: readonly Connector[] | undefined, b: readonly Connector[]): boolean {
  return a !== undefined && sameLists(a, b, sameConnector);
}

function comparing<T>(comparison: Comparison<T>): (a: T, b: T) => boolean {
  const fields: readonly ((a: T, b: T) => boolean)[] = Object.values(comparison);
  return (a, b) => fields.every((same) => same(a, b));
}

function sameLists<T>(a: readonly T[], b: readonly T[], same: (a: T, b: T) => boolean): boolean {
  if (a === b) return true;
  if (a.length !== b.length) return false;
  for (let index = 0; index < a.length; index += 1) {
    const one = a[index];
    const other = b[index];
    if (one === undefined || other === undefined || !same(one, other)) return false;
  }
  return true;
}
