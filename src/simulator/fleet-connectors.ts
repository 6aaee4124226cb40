import { homeColos, neighboursOf } from './colos.ts';
import type {
  ActiveSpan,
  ConnectorSpec,
  Delivery,
  Evicted,
  Fleet,
  FleetConnection,
  FleetConnector,
  FleetHaStatus,
  FleetTunnel,
} from './fleet-model.ts';
import { isHighlyAvailable, servingConnections } from './fleet-model.ts';
import type { Random } from './random.ts';
import { CLOUDFLARED_ARCHES, cloudflaredFeatures, cloudflaredVersion, warpVersion } from './releases.ts';

export type Writable<T> = { -readonly [K in keyof T]: T[K] };
export type LiveConnector = Omit<Writable<FleetConnector>, 'connections'> & {
  connections: readonly FleetConnection[];
};
export type LiveTunnel = Omit<Writable<FleetTunnel>, 'connectors'> & { connectors: readonly LiveConnector[] };

/** The state that the operations on tunnels and on connectors share. */
export interface FleetState {
  readonly random: Random;
  readonly tunnelOf: (id: string) => LiveTunnel;
  /** A time with random microseconds. */
  readonly stamp: (at: number) => number;
}

/** When a connector's connections open, in milliseconds after its start, as recorded of a real one. */
const OPENING_DELAYS_MS = [0, 329, 1330, 2604];
const MAX_SPANS = 100;

/** Everything that happens to connectors and their connections. */
export function createConnectorOperations({ random, tunnelOf, stamp }: FleetState) {
  const connectors = new Map<string, { readonly tunnel: LiveTunnel; readonly connector: LiveConnector }>();
  let evicted: Evicted[] = [];

  function connectorOf(id: string): { readonly tunnel: LiveTunnel; readonly connector: LiveConnector } {
    const found = connectors.get(id);
    if (found === undefined) throw new Error(`no connector has the id ${id}`);
    return found;
  }

  /** Updates the tunnel's times after its connections changed. */
  function noteActivity(tunnel: LiveTunnel, at: number): void {
    const serving = tunnel.connectors.some((connector) => servingConnections(connector) > 0);
    if (serving && tunnel.activeAt === undefined) {
      tunnel.activeAt = at;
      tunnel.inactiveAt = undefined;
      tunnel.activeSpans = [...tunnel.activeSpans.slice(1 - MAX_SPANS), { from: at, until: undefined }];
    } else if (!serving && tunnel.activeAt !== undefined) {
      const last: ActiveSpan = { from: tunnel.activeAt, until: at };
      tunnel.activeAt = undefined;
      tunnel.inactiveAt = at;
      tunnel.activeSpans = [...tunnel.activeSpans.slice(0, -1), last];
    }
  }

  function connectionAt(
    connector: LiveConnector,
    place: { readonly colo: string; readonly at: number; readonly index: number },
  ): FleetConnection {
    return {
      id: random.uuid(),
      colo: place.colo,
      originIp: connector.originIps[place.index % connector.originIps.length] ?? '',
      openedAt: place.at,
      pendingReconnect: false,
    };
  }

  /** If a highly available tunnel has no active connector, its first passive one becomes active. */
  function promote(tunnel: LiveTunnel): void {
    if (!isHighlyAvailable(tunnel.haMode)) return;
    if (tunnel.connectors.some(({ haStatus }) => haStatus === 'active')) return;
    const next = tunnel.connectors.find(({ haStatus }) => haStatus === 'passive');
    if (next !== undefined) next.haStatus = 'active';
  }

  function haStatusOf(tunnel: LiveTunnel, wished: FleetHaStatus | undefined): FleetHaStatus | undefined {
    if (!isHighlyAvailable(tunnel.haMode)) return undefined;
    if (wished !== undefined) return wished;
    return tunnel.connectors.some(({ haStatus }) => haStatus === 'active') ? 'passive' : 'active';
  }

  function startConnector(start: ConnectorSpec & { readonly tunnelId: string }, now: number): FleetConnector {
    const tunnel = tunnelOf(start.tunnelId);
    const startedAt = stamp(start.startedAt ?? now);
    const warp = tunnel.type !== 'cfd_tunnel';
    const wanted = start.wantedConnections ?? (warp ? 1 : OPENING_DELAYS_MS.length);
    const home = start.colos ?? homeColos(random);
    const colos = start.colos ?? Array.from({ length: wanted }, (_, index) => home[index % 2] ?? '');
    const connector: LiveConnector = {
      id: start.id ?? random.uuid(),
      version: nullAsAbsent(start.version, () => defaultVersion(random, { warp, now })),
      arch: nullAsAbsent(start.arch, () => (warp ? 'linux_amd64' : random.pick(CLOUDFLARED_ARCHES))),
      features: nullAsAbsent(start.features, () => (warp ? [] : cloudflaredFeatures(random))),
      startedAt,
      wantedConnections: wanted,
      colos,
      originIps: start.originIps ?? [`203.0.113.${random.integer(1, 254)}`],
      connections: [],
      haStatus: haStatusOf(tunnel, start.haStatus),
      deliveries: firstDelivery(tunnel, { version: start.configVersion, at: Math.floor(startedAt) }),
      takesConfiguration: start.takesConfiguration ?? true,
    };
    if (connector.haStatus !== 'offline') {
      connector.connections = colos.map((colo, index) => {
        const opening = startedAt + (OPENING_DELAYS_MS[index % OPENING_DELAYS_MS.length] ?? 0);
        const at = index === 0 ? startedAt : Math.max(startedAt, stamp(Math.min(opening, now)));
        return connectionAt(connector, { colo, at, index });
      });
    }
    tunnel.connectors = [...tunnel.connectors, connector];
    connectors.set(connector.id, { tunnel, connector });
    noteActivity(tunnel, connector.connections[0]?.openedAt ?? startedAt);
    return connector;
  }

  function remove(connectorId: string, at: number): FleetConnector {
    const { tunnel, connector } = connectorOf(connectorId);
    tunnel.connectors = tunnel.connectors.filter((other) => other !== connector);
    connectors.delete(connectorId);
    promote(tunnel);
    noteActivity(tunnel, at);
    return connector;
  }

  function stopConnector(connectorId: string, now: number): FleetConnector {
    const { tunnel, connector } = connectorOf(connectorId);
    const before = { ...connector };
    if (connector.haStatus === undefined) remove(connectorId, stamp(now));
    else {
      connector.connections = [];
      connector.haStatus = 'offline';
      promote(tunnel);
      noteActivity(tunnel, stamp(now));
    }
    return before;
  }

  function restartConnector(connectorId: string, now: number): FleetConnector {
    const { tunnel } = connectorOf(connectorId);
    const before = stopConnector(connectorId, now);
    if (connectors.has(connectorId)) remove(connectorId, stamp(now));
    return startConnector({ ...respecified(before), tunnelId: tunnel.id }, now);
  }

  function openConnections(connectorId: string, now: number): void {
    const { tunnel, connector } = connectorOf(connectorId);
    const at = stamp(now);
    const open = [...connector.connections];
    for (let index = open.length; index < connector.wantedConnections; index += 1) {
      const colo = connector.colos[index % connector.colos.length] ?? homeColos(random)[0];
      open.push(connectionAt(connector, { colo, at, index }));
    }
    connector.connections = open;
    if (connector.haStatus === 'offline') {
      connector.haStatus = 'passive';
      promote(tunnel);
    }
    noteActivity(tunnel, at);
  }

  const operations = {
    connector: (connectorId) => connectors.get(connectorId)?.connector,
    startConnector,
    stopConnector,
    restartConnector,
    closeConnection: ({ connectorId, connectionId }, now) => {
      const { tunnel, connector } = connectorOf(connectorId);
      connector.connections = connector.connections.filter(({ id }) => id !== connectionId);
      noteActivity(tunnel, stamp(now));
    },
    openConnections,
    reconnect: ({ connectorId, connectionId, colo }, now) => {
      const { connector } = connectorOf(connectorId);
      const at = stamp(now);
      connector.connections = connector.connections.map((connection, index) =>
        connection.id === connectionId
          ? connectionAt(connector, { colo: colo ?? connection.colo, at, index })
          : connection,
      );
    },
    setPendingReconnect: ({ connectorId, connectionId, pending }, now) => {
      const { tunnel, connector } = connectorOf(connectorId);
      connector.connections = connector.connections.map((connection) =>
        connection.id === connectionId ? { ...connection, pendingReconnect: pending } : connection,
      );
      noteActivity(tunnel, stamp(now));
    },
    drainColo: (colo, now) => {
      let moved = 0;
      for (const { connector } of connectors.values()) {
        if (!connector.connections.some((connection) => connection.colo === colo)) continue;
        const elsewhere = new Set(connector.connections.map((connection) => connection.colo));
        const target = neighboursOf(colo).find((other) => !elsewhere.has(other)) ?? colo;
        connector.colos = connector.colos.map((home) => (home === colo ? target : home));
        const at = stamp(now);
        connector.connections = connector.connections.map((connection, index) => {
          if (connection.colo !== colo) return connection;
          moved += 1;
          return connectionAt(connector, { colo: target, at, index });
        });
      }
      return moved;
    },
    cleanUpConnections: ({ tunnelId, clientId }, now) => {
      const tunnel = tunnelOf(tunnelId);
      const at = stamp(now);
      for (const { id } of tunnel.connectors) {
        if (clientId !== undefined && id !== clientId) continue;
        evicted.push({ tunnelId, connector: remove(id, at), at });
      }
    },
    takeEvicted: () => {
      const taken = evicted;
      evicted = [];
      return taken;
    },
    readmitConnector: ({ tunnelId, connector }, now) => {
      const tunnel = tunnelOf(tunnelId);
      const back: LiveConnector = {
        ...connector,
        connections: [],
        haStatus: haStatusOf(tunnel, undefined),
        deliveries: connector.takesConfiguration
          ? firstDelivery(tunnel, { version: undefined, at: now })
          : connector.deliveries,
      };
      tunnel.connectors = [...tunnel.connectors, back];
      connectors.set(back.id, { tunnel, connector: back });
      openConnections(back.id, now);
    },
    failOver: ({ tunnelId, clientId }) => {
      const tunnel = tunnelOf(tunnelId);
      for (const connector of tunnel.connectors) {
        if (connector.haStatus === undefined || connector.haStatus === 'offline') continue;
        connector.haStatus = connector.id === clientId ? 'active' : 'passive';
      }
    },
  } satisfies Partial<Fleet>;
  return { ...operations, remove };
}

/** A spec that starts an equal connector again, at its preferred data centers. */
export function respecified(connector: FleetConnector): ConnectorSpec {
  const { version, arch, features, colos, wantedConnections, originIps, takesConfiguration } = connector;
  return {
    version: version ?? null,
    arch: arch ?? null,
    features: features ?? null,
    colos: Array.from({ length: wantedConnections }, (_, index) => colos[index % colos.length] ?? ''),
    wantedConnections,
    originIps,
    takesConfiguration,
  };
}

function nullAsAbsent<T>(value: T | null | undefined, otherwise: () => T): T | undefined {
  return value === null ? undefined : (value ?? otherwise());
}

function defaultVersion(
  random: Random,
  { warp, now }: { readonly warp: boolean; readonly now: number },
): string {
  if (warp) return warpVersion(now, random.integer(0, 3));
  return cloudflaredVersion(now, { monthsOld: random.integer(0, 4), patch: random.integer(0, 2) });
}

function firstDelivery(
  tunnel: LiveTunnel,
  { version, at }: { readonly version: number | null | undefined; readonly at: number },
): readonly Delivery[] {
  if (version === null) return [];
  const first = version ?? tunnel.configuration.version;
  return first === 0 ? [] : [{ version: first, at }];
}
