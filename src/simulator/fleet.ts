import type { LiveTunnel, Writable } from './fleet-connectors.ts';
import { createConnectorOperations } from './fleet-connectors.ts';
import type {
  AccountSpec,
  Fleet,
  FleetAccount,
  FleetOptions,
  FleetRoute,
  FleetTunnel,
  TunnelSpec,
} from './fleet-model.ts';
import { createRandom } from './random.ts';

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

  const stamp = (at: number): number => Math.floor(at) + random.integer(0, 999) / 1000;

  function tunnelOf(id: string): LiveTunnel {
    const tunnel = tunnels.get(id);
    if (tunnel === undefined) throw new Error(`no tunnel has the id ${id}`);
    return tunnel;
  }

  const { remove, ...connectorOperations } = createConnectorOperations({ random, tunnelOf, stamp });

  function forgetName(tunnel: LiveTunnel): void {
    if (names.get(nameKey(tunnel)) === tunnel) names.delete(nameKey(tunnel));
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
    if (siblings === undefined) throw new Error(`no account has the id ${spec.accountId}`);
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
    for (const connector of spec.connectors ?? [])
      connectorOperations.startConnector({ ...connector, tunnelId: tunnel.id }, now);
    if (spec.deletedAt !== undefined) deleteTunnel(tunnel.id, spec.deletedAt);
    for (const target of spec.networks ?? [])
      addRoute({ tunnelId: tunnel.id, kind: 'network', target }, createdAt);
    for (const target of spec.hostnames ?? [])
      addRoute({ tunnelId: tunnel.id, kind: 'hostname', target }, createdAt);
    if (tunnel.activeAt !== undefined) {
      // The tunnel is active since the earliest connection, whatever the order of the connectors.
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
    routes: (accountId) => [...routes.values()].filter((route) => route.accountId === accountId),
    addRoute,
    removeRoute: (routeId, now) => {
      const route = routes.get(routeId);
      if (route === undefined) throw new Error(`no route has the id ${routeId}`);
      route.deletedAt = Math.floor(now);
    },
    createAccount,
    renameAccount: ({ accountId, name }) => {
      if (!accounts.has(accountId)) throw new Error(`no account has the id ${accountId}`);
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
    ...connectorOperations,
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
  };
}

function nameKey({ accountId, name }: { readonly accountId: string; readonly name: string }): string {
  return `${accountId}/${name}`;
}

function earliestOpening({ connectors }: LiveTunnel): number {
  return Math.min(...connectors.flatMap(({ connections }) => connections.map(({ openedAt }) => openedAt)));
}

/** A tunnel is created 20 s before its first connector, as recorded of a real one. */
function earliest(spec: TunnelSpec, now: number): number {
  const starts = (spec.connectors ?? []).map(({ startedAt }) => (startedAt ?? now) - 20_000);
  return Math.min(...starts, spec.downSince === undefined ? now : spec.downSince - DAY);
}
