import type { HaMode, KnownTunnelType, RouteKind } from '../core/model.ts';
import { homeColos, neighboursOf } from './colos.ts';
import type {
  ActiveSpan,
  Delivery,
  FleetAccount,
  FleetConfiguration,
  FleetConnection,
  FleetConnector,
  FleetHaStatus,
  FleetRoute,
  FleetTunnel,
} from './fleet-model.ts';
import { servingConnections } from './fleet-model.ts';
import { createRandom } from './random.ts';
import type { Random } from './random.ts';
import { CLOUDFLARED_ARCHES, cloudflaredFeatures, cloudflaredVersion, warpVersion } from './releases.ts';

export interface ConnectorSpec {
  readonly id?: string;
  /** null: the API gives none. */
  readonly version?: string | null;
  /** null: the API gives none. */
  readonly arch?: string | null;
  /** null: the API gives none. */
  readonly features?: readonly string[] | null;
  /** Not after now. Default: now. */
  readonly startedAt?: number;
  /** One per open connection, in order. Default: as many as wanted, over two data centers. */
  readonly colos?: readonly string[];
  /** Default: 4 for cloudflared, 1 for a WARP connector. */
  readonly wantedConnections?: number;
  /** Taken in turn by the connections; more than one mixes addresses. */
  readonly originIps?: readonly string[];
  /** The version it starts with. Default: the tunnel's; null: it never says one. */
  readonly configVersion?: number | null;
  /** Default true; false: it stays at its version. */
  readonly takesConfiguration?: boolean;
  /** Only where the tunnel has HA. Default: the first connector is active, later ones passive. */
  readonly haStatus?: FleetHaStatus;
}

export interface TunnelSpec {
  readonly name: string;
  readonly id?: string;
  /** Default: cfd_tunnel. */
  readonly type?: KnownTunnelType;
  /** Default: cloudflare. */
  readonly configSource?: 'local' | 'cloudflare';
  readonly createdAt?: number;
  /** None: the tunnel is inactive, or down with `downSince`. */
  readonly connectors?: readonly ConnectorSpec[];
  /** It ran before, and has had no connection since then. */
  readonly downSince?: number;
  /** It is deleted already, and has no connectors. */
  readonly deletedAt?: number;
  readonly configuration?: { readonly version: number; readonly config: Readonly<Record<string, unknown>> };
  /** WARP connectors; aws and local are highly available. Default: none. */
  readonly haMode?: HaMode;
  /** Base64. */
  readonly secret?: string;
  /** Private networks behind it, in CIDR. */
  readonly networks?: readonly string[];
  /** Private host names behind it. */
  readonly hostnames?: readonly string[];
}

export interface AccountSpec {
  readonly name: string;
  /** Default: 32 hexadecimal digits drawn from the seed. */
  readonly id?: string;
  readonly tunnels?: readonly TunnelSpec[];
}

export interface FleetOptions {
  readonly seed: number;
  /** When the fleet begins, milliseconds since the epoch. */
  readonly now: number;
  readonly accounts: readonly AccountSpec[];
  /** How long a connector takes to pick up a new configuration, drawn per connector. Default: 2 s to 90 s. */
  readonly configurationDelayMs?: { readonly low: number; readonly high: number };
}

/** A connector that Cloudflare forgot while its process goes on: it will connect again. */
export interface Evicted {
  readonly tunnelId: string;
  readonly connector: FleetConnector;
  readonly at: number;
}

/**
 * The state behind the simulated API. What it hands out are live views: read, do not keep. Operations take the time last, in
 * milliseconds since the epoch, and throw an Error for an id that is not there.
 */
export interface Fleet {
  readonly accounts: () => readonly FleetAccount[];
  readonly account: (accountId: string) => FleetAccount | undefined;
  /** Deleted ones too, in order of creation. */
  readonly tunnels: (accountId: string) => readonly FleetTunnel[];
  readonly tunnel: (tunnelId: string) => FleetTunnel | undefined;
  /** The tunnel of that name that is not deleted. */
  readonly tunnelNamed: (accountId: string, name: string) => FleetTunnel | undefined;
  readonly connector: (connectorId: string) => FleetConnector | undefined;
  /** Deleted ones too, in order of creation. */
  readonly routes: (accountId: string) => readonly FleetRoute[];

  readonly createAccount: (spec: AccountSpec, now: number) => FleetAccount;
  readonly renameAccount: (change: { readonly accountId: string; readonly name: string }) => void;
  /** From now on no token reaches it. */
  readonly deleteAccount: (accountId: string) => void;

  readonly createTunnel: (spec: TunnelSpec & { readonly accountId: string }, now: number) => FleetTunnel;
  readonly renameTunnel: (change: { readonly tunnelId: string; readonly name: string }, now: number) => void;
  readonly rotateSecret: (
    change: { readonly tunnelId: string; readonly secret: string },
    now: number,
  ) => void;
  /** Closes its connections and keeps it as deleted. */
  readonly deleteTunnel: (tunnelId: string, now: number) => void;

  readonly addRoute: (
    route: {
      readonly tunnelId: string;
      readonly kind: RouteKind;
      readonly target: string;
      readonly comment?: string;
    },
    now: number,
  ) => FleetRoute;
  /** Keeps it as deleted. */
  readonly removeRoute: (routeId: string, now: number) => void;

  readonly startConnector: (
    start: ConnectorSpec & { readonly tunnelId: string },
    now: number,
  ) => FleetConnector;
  /** A highly available WARP connector stays, offline, and another one is promoted; any other is gone. Returns what it was. */
  readonly stopConnector: (connectorId: string, now: number) => FleetConnector;
  /** A new process: another id, the same machine. */
  readonly restartConnector: (connectorId: string, now: number) => FleetConnector;

  readonly closeConnection: (
    which: { readonly connectorId: string; readonly connectionId: string },
    now: number,
  ) => void;
  /** Opens as many connections as the connector still wants. */
  readonly openConnections: (connectorId: string, now: number) => void;
  /** The connection comes again with another id, at another data center where one is given. */
  readonly reconnect: (
    which: { readonly connectorId: string; readonly connectionId: string; readonly colo?: string },
    now: number,
  ) => void;
  readonly setPendingReconnect: (
    which: { readonly connectorId: string; readonly connectionId: string; readonly pending: boolean },
    now: number,
  ) => void;
  /** Every connection of the data center moves to a neighbour. Returns how many did. */
  readonly drainColo: (colo: string, now: number) => number;

  /** The next version; connectors pick it up one by one, later. */
  readonly putConfiguration: (
    change: { readonly tunnelId: string; readonly config: Readonly<Record<string, unknown>> },
    now: number,
  ) => FleetConfiguration;
  /** Removes one connector, or all. */
  readonly cleanUpConnections: (
    which: { readonly tunnelId: string; readonly clientId?: string },
    now: number,
  ) => void;
  /** The connectors that clean-ups removed since the last call. */
  readonly takeEvicted: () => readonly Evicted[];
  /** A removed connector, whose process went on, connects again under its old id. */
  readonly readmitConnector: (
    which: { readonly tunnelId: string; readonly connector: FleetConnector },
    now: number,
  ) => void;
  /** Makes the connector the active one. */
  readonly failOver: (which: { readonly tunnelId: string; readonly clientId: string }, now: number) => void;
}

type Writable<T> = { -readonly [K in keyof T]: T[K] };
type LiveConnector = Omit<Writable<FleetConnector>, 'connections'> & {
  connections: readonly FleetConnection[];
};
type LiveTunnel = Omit<Writable<FleetTunnel>, 'connectors'> & { connectors: readonly LiveConnector[] };

/** Seconds after its start at which a connector's connections open, as recorded of a real one. */
const OPENING_DELAYS_MS = [0, 329, 1330, 2604];
const MAX_SPANS = 100;
const DAY = 86_400_000;

export function createFleet(options: FleetOptions): Fleet {
  const random = createRandom(options.seed);
  const delay = options.configurationDelayMs ?? { low: 2_000, high: 90_000 };
  const accounts = new Map<string, FleetAccount>();
  const byAccount = new Map<string, LiveTunnel[]>();
  const routes = new Map<string, Writable<FleetRoute>>();
  const routeIds = createRandom(options.seed).fork('routes');
  const tunnels = new Map<string, LiveTunnel>();
  const names = new Map<string, LiveTunnel>();
  const connectors = new Map<string, { readonly tunnel: LiveTunnel; readonly connector: LiveConnector }>();
  let evicted: Evicted[] = [];

  const stamp = (at: number): number => Math.floor(at) + random.integer(0, 999) / 1000;

  function tunnelOf(id: string): LiveTunnel {
    const tunnel = tunnels.get(id);
    if (tunnel === undefined) throw new Error(`Cannot find tunnel: current value is ${id}`);
    return tunnel;
  }

  function connectorOf(id: string): { readonly tunnel: LiveTunnel; readonly connector: LiveConnector } {
    const found = connectors.get(id);
    if (found === undefined) throw new Error(`Cannot find connector: current value is ${id}`);
    return found;
  }

  function forgetName(tunnel: LiveTunnel): void {
    if (names.get(nameKey(tunnel)) === tunnel) names.delete(nameKey(tunnel));
  }

  /** Sets the tunnel's times after its connections changed. */
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

  /** The first serving connector of a highly available tunnel is the active one, where none is. */
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

  function deleteTunnel(tunnelId: string, now: number): void {
    const tunnel = tunnelOf(tunnelId);
    const at = stamp(now);
    for (const { id } of tunnel.connectors) remove(id, at);
    forgetName(tunnel);
    tunnel.deletedAt = at;
  }

  const addRoute: Fleet['addRoute'] = ({ tunnelId, kind, target, comment = '' }, now) => {
    const { accountId } = tunnelOf(tunnelId);
    const route = {
      id: routeIds.uuid(),
      accountId,
      kind,
      target,
      tunnelId,
      comment,
      createdAt: Math.floor(now),
      deletedAt: undefined,
    };
    routes.set(route.id, route);
    return route;
  };

  function createTunnel(spec: TunnelSpec & { readonly accountId: string }, now: number): FleetTunnel {
    const siblings = byAccount.get(spec.accountId);
    if (siblings === undefined) throw new Error(`Cannot find account: current value is ${spec.accountId}`);
    const createdAt = stamp(spec.createdAt ?? earliest(spec, now));
    const type = spec.type ?? 'cfd_tunnel';
    const tunnel: LiveTunnel = {
      id: spec.id ?? random.uuid(),
      accountId: spec.accountId,
      type,
      name: spec.name,
      configSource: spec.configSource ?? 'cloudflare',
      createdAt,
      deletedAt: undefined,
      activeAt: undefined,
      inactiveAt: spec.downSince === undefined ? createdAt : stamp(spec.downSince),
      activeSpans: spec.downSince === undefined ? [] : [{ from: createdAt, until: stamp(spec.downSince) }],
      configuration: {
        version: spec.configuration?.version ?? 0,
        config: spec.configuration?.config ?? null,
        createdAt,
      },
      haMode: type === 'warp_connector' ? (spec.haMode ?? 'none') : undefined,
      secret: spec.secret,
      connectors: [],
    };
    siblings.push(tunnel);
    tunnels.set(tunnel.id, tunnel);
    names.set(nameKey(tunnel), tunnel);
    for (const connector of spec.connectors ?? []) startConnector({ ...connector, tunnelId: tunnel.id }, now);
    if (spec.deletedAt !== undefined) deleteTunnel(tunnel.id, spec.deletedAt);
    for (const target of spec.networks ?? [])
      addRoute({ tunnelId: tunnel.id, kind: 'network', target }, createdAt);
    for (const target of spec.hostnames ?? [])
      addRoute({ tunnelId: tunnel.id, kind: 'hostname', target }, createdAt);
    if (tunnel.activeAt !== undefined) {
      // The connectors are told in any order; the tunnel is active since the earliest of their connections.
      const since = earliestOpening(tunnel);
      tunnel.activeAt = since;
      tunnel.activeSpans = [{ from: since, until: undefined }];
    }
    return tunnel;
  }

  function createAccount(spec: AccountSpec, now: number): FleetAccount {
    const account = { id: spec.id ?? random.hex(32), name: spec.name };
    accounts.set(account.id, account);
    byAccount.set(account.id, []);
    for (const tunnel of spec.tunnels ?? []) createTunnel({ ...tunnel, accountId: account.id }, now);
    return account;
  }

  for (const spec of options.accounts) createAccount(spec, options.now);

  return {
    accounts: () => [...accounts.values()],
    account: (accountId) => accounts.get(accountId),
    tunnels: (accountId) => byAccount.get(accountId) ?? [],
    tunnel: (tunnelId) => tunnels.get(tunnelId),
    tunnelNamed: (accountId, name) => names.get(nameKey({ accountId, name })),
    connector: (connectorId) => connectors.get(connectorId)?.connector,
    routes: (accountId) => [...routes.values()].filter((route) => route.accountId === accountId),
    addRoute,
    removeRoute: (routeId, now) => {
      const route = routes.get(routeId);
      if (route === undefined) throw new Error(`Cannot find route: current value is ${routeId}`);
      route.deletedAt = Math.floor(now);
    },
    createAccount,
    renameAccount: ({ accountId, name }) => {
      if (!accounts.has(accountId)) throw new Error(`Cannot find account: current value is ${accountId}`);
      accounts.set(accountId, { id: accountId, name });
    },
    deleteAccount: (accountId) => {
      accounts.delete(accountId);
    },
    createTunnel,
    renameTunnel: ({ tunnelId, name }) => {
      const tunnel = tunnelOf(tunnelId);
      forgetName(tunnel);
      tunnel.name = name;
      names.set(nameKey(tunnel), tunnel);
    },
    rotateSecret: ({ tunnelId, secret }) => {
      tunnelOf(tunnelId).secret = secret;
    },
    deleteTunnel,
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
    putConfiguration: ({ tunnelId, config }, now) => {
      const tunnel = tunnelOf(tunnelId);
      tunnel.configSource = 'cloudflare';
      tunnel.configuration = { version: tunnel.configuration.version + 1, config, createdAt: stamp(now) };
      for (const connector of tunnel.connectors) {
        if (!connector.takesConfiguration) continue;
        connector.deliveries = [
          ...connector.deliveries.slice(-8),
          { version: tunnel.configuration.version, at: now + random.integer(delay.low, delay.high) },
        ];
      }
      return tunnel.configuration;
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
  };
}

/** What starts the same connector anew: where its connections were does not matter, only where it connects first. */
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

export function isHighlyAvailable(mode: HaMode | undefined): boolean {
  return mode === 'aws' || mode === 'local';
}

function nameKey({ accountId, name }: { readonly accountId: string; readonly name: string }): string {
  return `${accountId}/${name}`;
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

function earliestOpening({ connectors }: LiveTunnel): number {
  return Math.min(...connectors.flatMap(({ connections }) => connections.map(({ openedAt }) => openedAt)));
}

/** A tunnel exists before its connectors do: by 20 s, as recorded of a real one. */
function earliest(spec: TunnelSpec, now: number): number {
  const starts = (spec.connectors ?? []).map(({ startedAt }) => (startedAt ?? now) - 20_000);
  return Math.min(...starts, spec.downSince === undefined ? now : spec.downSince - DAY);
}
