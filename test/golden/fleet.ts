import type { FleetContext } from '../../src/core/families/family.ts';
import { routesObserved } from '../../src/core/routes.ts';
import type { AccountState, Snapshot } from '../../src/core/snapshot.ts';
import {
  aConnection,
  aConnector,
  aDownTunnel,
  anAccount,
  aSnapshot,
  aTunnel,
  connectionsTo,
  NOW,
} from '../support/snapshots.ts';

const never = { success: undefined, lastSuccessAt: undefined };

/** A fleet in which every metric has at least one series. */
export function goldenFleet(): Snapshot {
  const production = anAccount({
    id: '11111111111111111111111111111111',
    name: 'Production "EU"',
    tunnels: [
      aTunnel({
        id: 'a0000000-0000-4000-8000-000000000001',
        name: 'checkout',
        connectors: [
          aConnector({ id: 'c0000000-0000-4000-8000-000000000001' }),
          aConnector({
            id: 'c0000000-0000-4000-8000-000000000002',
            version: '2025.11.1',
            configVersion: 2,
            connections: [
              ...connectionsTo('fra08', 'cdg12'),
              aConnection({ id: undefined, colo: 'cdg12', pendingReconnect: true }),
              aConnection({ id: undefined, colo: undefined, originIp: '2001:db8::7' }),
            ],
          }),
        ],
        configuration: {
          version: 3,
          ingress: [
            { hostname: 'shop.example.com', service: 'https://localhost:8443', path: '/api' },
            { hostname: 'shop.example.com', service: 'https://localhost:8443', path: '' },
            { hostname: '', service: 'http_status:404', path: '' },
          ],
          haMode: undefined,
        },
        counters: {
          transitions: { healthy: 2, degraded: 1, down: 1, inactive: 0, unknown: 0 },
          opened: 11,
          closed: 5,
        },
      }),
      aTunnel({
        id: 'a0000000-0000-4000-8000-000000000002',
        name: 'C:\\temp, "quoted"\nsecond line',
        status: 'degraded',
        configSource: 'local',
        connectors: [
          aConnector({
            id: '',
            version: 'n/a',
            arch: undefined,
            features: [],
            startedAt: undefined,
            configVersion: undefined,
          }),
        ],
      }),
      aDownTunnel({
        id: 'a0000000-0000-4000-8000-000000000003',
        name: 'backup',
        lastServing: { connectors: [aConnector()], at: NOW - 8_000_000 },
      }),
      aDownTunnel({
        id: 'a0000000-0000-4000-8000-000000000004',
        name: 'never run',
        status: 'inactive',
        configSource: '',
        inactiveAt: NOW - 1,
      }),
      aTunnel({
        id: 'a0000000-0000-4000-8000-000000000005',
        name: 'not observed yet',
        connectors: undefined,
      }),
    ],
  });
  const warp = anAccount({
    id: '22222222222222222222222222222222',
    tunnels: [
      aTunnel({
        id: 'b0000000-0000-4000-8000-000000000001',
        name: 'office',
        type: 'warp_connector',
        connectors: (['active', 'passive', undefined] as const).map((haStatus, index) =>
          aConnector({
            id: `d0000000-0000-4000-8000-00000000000${index + 1}`,
            version: 'libcfd_2.1',
            haStatus,
            connections: [aConnection({ id: `${index}`, colo: 'dfw' })],
          }),
        ),
        configuration: { version: 1, ingress: undefined, haMode: 'local' },
        counters: { failovers: 1 },
      }),
      aTunnel({
        id: 'b0000000-0000-4000-8000-000000000002',
        name: 'of a type to come',
        type: 'unknown',
        status: 'unknown',
        createdAt: undefined,
        connectors: undefined,
      }),
    ],
  });
  const unreachable = anAccount({
    id: '33333333333333333333333333333333',
    name: 'no list yet',
    up: false,
    listedAt: new Map(),
    collectors: {
      tunnels: { success: false, lastSuccessAt: undefined, failedFor: 'server' },
      connections: never,
      warp_connections: never,
      configurations: never, routes: never,
    },
  });
  return {
    ...aSnapshot(withRoutes(production), warp, unreachable),
    sidecar: {
      connectorId: 'c0000000-0000-4000-8000-000000000001',
      ready: true,
      readyConnections: 4,
      edge: { connections: 3, at: NOW - 14_000 },
    },
  };
}

/**
 * The first tunnel has a network in two virtual networks of one name, the third a host name; one
 * route is an orphan.
 */
function withRoutes(account: AccountState): AccountState {
  const network = { target: '10.0.0.0/16', tunnelType: 'cfd_tunnel', virtualNetwork: 'default' } as const;
  const first = { ...network, tunnelId: 'a0000000-0000-4000-8000-000000000001' };
  const answered = { kind: 'routes', accountId: account.id, at: NOW - 60_000 } as const;
  return routesObserved(account, [
    {
      ...answered,
      routeKind: 'network',
      result: {
        ok: true,
        value: [
          { ...first, id: '1' },
          { ...first, id: '2' },
          { ...network, id: '3', target: 'fd00::/8', tunnelId: 'gone' },
        ],
      },
    },
    {
      ...answered,
      routeKind: 'hostname',
      result: {
        ok: true,
        value: [
          {
            id: '4',
            target: 'wiki.corp',
            tunnelId: 'a0000000-0000-4000-8000-000000000003',
            tunnelType: undefined,
            virtualNetwork: '',
          },
        ],
      },
    },
  ]);
}

export const goldenContext: FleetContext = {
  types: ['cfd_tunnel', 'warp_connector'],
  selectsAll: true,
  expected: [
    { accountId: '11111111111111111111111111111111', tunnel: 'checkout', minConnectors: 2 },
    { accountId: '11111111111111111111111111111111', tunnel: 'payments', minConnectors: undefined },
    { accountId: undefined, tunnel: 'cannot be known while one account has no list', minConnectors: 1 },
  ],
  intermittent: [/^of a type/u],
};
