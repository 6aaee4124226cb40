import type { Snapshot } from '../../src/core/snapshot.ts';
import {
  NOW,
  aConnection,
  aConnector,
  aDownTunnel,
  aSnapshot,
  aTunnel,
  anAccount,
  connectionsTo,
} from '../support/snapshots.ts';

const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;

const warpConfiguration = { version: 2, ingress: undefined, haMode: 'local' } as const;

/** Three accounts with one of each case: problems, WARP in HA, late data, failing data and hidden data. */
export function aTroubledFleet(): Snapshot {
  const production = anAccount({
    name: 'Production',
    tunnels: [
      aTunnel({ id: 'a1000000-0000-4000-8000-000000000001', name: 'checkout-eu' }),
      aTunnel({
        id: 'a1000000-0000-4000-8000-000000000002',
        name: 'checkout-us',
        activeAt: NOW - 41 * DAY,
        connectors: [
          aConnector({ connections: connectionsTo('iad02', 'iad07', 'ewr01', 'ewr05') }),
          aConnector({
            id: '9be11b7c-8f02-4ba1-9be2-54c8d2c2bb02',
            version: '2025.11.1',
            connections: connectionsTo('iad02', 'iad07', 'ord02', 'ord10'),
          }),
        ],
      }),
      aTunnel({
        id: 'a1000000-0000-4000-8000-000000000003',
        name: 'grafana',
        status: 'degraded',
        activeAt: NOW - 3 * DAY - 4 * 60 * MINUTE,
        connectorsAt: NOW - 9 * MINUTE,
        connectorsFailingSince: NOW - 8 * MINUTE,
        connectors: [
          aConnector({
            connections: [
              ...connectionsTo('lhr16', 'lhr16'),
              aConnection({ colo: 'ams06', pendingReconnect: true }),
            ],
          }),
        ],
      }),
      aDownTunnel({ id: 'a1000000-0000-4000-8000-000000000004', name: 'ssh-bastion' }),
      aDownTunnel({
        id: 'a1000000-0000-4000-8000-000000000005',
        name: 'warehouse-scanner-gateway-building-7-north-wing-line-4-backup',
        inactiveAt: NOW - 12 * DAY,
        configSource: 'local',
      }),
      aTunnel({
        id: 'a1000000-0000-4000-8000-000000000006',
        name: 'new-office',
        status: 'inactive',
        activeAt: undefined,
        createdAt: NOW - 2 * DAY,
        inactiveAt: NOW - 2 * DAY,
        connectors: undefined,
      }),
      aTunnel({ id: 'a1000000-0000-4000-8000-000000000007', name: 'just-listed', connectors: undefined }),
      aTunnel({
        id: 'a1000000-0000-4000-8000-000000000008',
        name: 'mesh-frankfurt',
        type: 'warp_connector',
        configuration: warpConfiguration,
        connectors: [
          aConnector({
            id: 'c0ffee00-0000-4000-8000-000000000001',
            version: '2026.1.150.0',
            haStatus: 'active',
            connections: connectionsTo('fra08'),
          }),
          aConnector({
            id: 'c0ffee00-0000-4000-8000-000000000002',
            version: '2026.1.150.0',
            haStatus: 'passive',
            connections: connectionsTo('fra14'),
          }),
          aConnector({
            id: 'c0ffee00-0000-4000-8000-000000000003',
            version: undefined,
            haStatus: 'offline',
            connections: [],
          }),
        ],
      }),
    ],
  });
  const never = { success: undefined, lastSuccessAt: undefined };
  const staging = anAccount({
    id: '5b1f6f8ad2f54b0c8a3e2f7d9b6c4e10',
    name: 'Staging',
    up: false,
    listedAt: new Map([['cfd_tunnel', NOW - 4 * MINUTE]]),
    collectors: {
      tunnels: { success: false, lastSuccessAt: NOW - 4 * MINUTE },
      connections: { success: true, lastSuccessAt: NOW - 4 * MINUTE },
      warp_connections: never,
      configurations: { success: false, lastSuccessAt: undefined },
      routes: never,
    },
    tunnels: [
      aTunnel({
        id: 'b1000000-0000-4000-8000-000000000001',
        name: 'preview',
        connectorsAt: NOW - 4 * MINUTE,
      }),
      ...hostileNames.map((name, index) =>
        aTunnel({ id: `b2000000-0000-4000-8000-00000000000${index}`, name, status: 'unknown' }),
      ),
    ],
  });
  const lost = anAccount({
    id: '9c8d7e6f5a4b3c2d1e0f9a8b7c6d5e4f',
    up: false,
    listedAt: new Map(),
    collectors: {
      tunnels: { success: false, lastSuccessAt: NOW - 22 * MINUTE },
      connections: never,
      warp_connections: never,
      configurations: never,
      routes: never,
    },
    hidden: [aTunnel()],
  });
  return aSnapshot(production, staging, lost);
}

export const hostileNames = [
  '<script>alert(1)</script>',
  `"><img src=x onerror='alert(1)'>`,
  'line one\nline two\u0000\u0007',
  'invoice\u202Egpj.exe',
  'x'.repeat(10_000),
  '\uD800 lone',
  '',
  '{{7*7}} ${1} &amp; 漢字 👩‍👩‍👧',
] as const;

export function aCalmFleet(): Snapshot {
  return aSnapshot(
    anAccount({ name: 'Production', tunnels: [aTunnel(), aTunnel({ id: 'a2', name: 'api' })] }),
  );
}
