import { expect, test } from 'vitest';
import { renderTunnels } from '../../src/web/tunnels-api.ts';
import type { Snapshot } from '../../src/core/snapshot.ts';
import {
  NOW,
  aConnection,
  aConnector,
  aDownTunnel,
  aSnapshot,
  aTunnel,
  anAccount,
} from '../support/snapshots.ts';

function bodyOf(snapshot: Snapshot, query = ''): string {
  const rendered = renderTunnels(snapshot, new URLSearchParams(query), { showsOriginIps: false });
  return rendered.ok ? [...rendered.parts].join('') : rendered.problem;
}

function namesFor(snapshot: Snapshot, query: string): readonly string[] {
  const document: { readonly tunnels: readonly { readonly name: string }[] } = JSON.parse(
    bodyOf(snapshot, query),
  );
  return document.tunnels.map(({ name }) => name);
}

test('the document is the snapshot in snake case, times in ISO 8601', () => {
  const tunnel = aTunnel({
    connectors: [aConnector({ connections: [aConnection({ pendingReconnect: true })] })],
    configuration: {
      version: 7,
      haMode: undefined,
      ingress: [
        { hostname: 'www.example.com', service: 'http://localhost', path: '' },
        { hostname: '', service: 'http_status:404', path: '' },
      ],
    },
    counters: { opened: 5, closed: 1 },
  });
  const success = { success: true, last_success_at: '2026-03-01T11:59:46.000Z' };
  expect(
    JSON.parse(bodyOf(aSnapshot(anAccount({ id: 'acc', name: 'Production', tunnels: [tunnel] })))),
  ).toEqual({
    taken_at: '2026-03-01T12:00:00.000Z',
    accounts: [
      {
        id: 'acc',
        name: 'Production',
        up: true,
        listed_at: { cfd_tunnel: '2026-03-01T11:59:46.000Z', warp_connector: '2026-03-01T11:59:46.000Z' },
        collectors: {
          tunnels: success,
          connections: success,
          warp_connections: success,
          configurations: success,
          routes: success,
        },
      },
    ],
    tunnels: [
      {
        account_id: 'acc',
        id: 'f70ff985-a4ef-4643-bbbc-4a0ed4fc8415',
        name: 'web',
        type: 'cfd_tunnel',
        status: 'healthy',
        config_src: 'cloudflare',
        created_at: '2026-01-30T12:00:00.000Z',
        active_since: '2026-03-01T10:30:00.000Z',
        inactive_since: null,
        connections_observed_at: '2026-03-01T11:59:48.000Z',
        connections_failing_since: null,
        connectors: [
          {
            id: '7d2f9b1e-6a55-4b0e-9c3e-2f3c0f2f8a01',
            version: '2026.2.0',
            arch: 'linux_amd64',
            started_at: '2026-03-01T10:30:00.000Z',
            config_version: 3,
            ha_status: null,
            connections: [
              {
                id: '1bedc50d-42b3-473c-b108-ff3d10c0d925',
                colo: 'fra08',
                airport: 'FRA',
                opened_at: '2026-03-01T10:30:00.000Z',
                pending_reconnect: true,
              },
            ],
          },
        ],
        last_observed_at: null,
        last_connectors: null,
        configuration: { version: 7, ingress_rules: 2, ha_mode: null },
        behind: { hostnames: ['www.example.com'], private_hostnames: null, networks: null },
        counters: {
          status_transitions: { healthy: 0, degraded: 0, down: 0, inactive: 0, unknown: 0 },
          connections_opened: 5,
          connections_closed: 1,
          ha_failovers: 0,
        },
      },
    ],
  });
});

test('unknown values are null', () => {
  const tunnel = aTunnel({
    createdAt: undefined,
    activeAt: 9e15,
    configSource: '',
    connectors: [
      aConnector({
        id: '',
        version: undefined,
        arch: undefined,
        startedAt: undefined,
        configVersion: undefined,
        connections: [aConnection({ id: undefined, colo: undefined, openedAt: undefined })],
      }),
    ],
  });
  const snapshot = aSnapshot(
    anAccount({
      up: undefined,
      listedAt: new Map(),
      tunnels: [tunnel, aTunnel({ id: 'b', connectors: undefined })],
    }),
  );
  expect(JSON.parse(bodyOf(snapshot))).toMatchObject({
    accounts: [{ name: null, up: null, listed_at: {} }],
    tunnels: [
      {
        config_src: null,
        created_at: null,
        active_since: null,
        configuration: null,
        connectors: [
          {
            id: null,
            version: null,
            arch: null,
            started_at: null,
            config_version: null,
            connections: [{ id: null, colo: null, airport: null, opened_at: null }],
          },
        ],
      },
      { connectors: null, connections_observed_at: null },
    ],
  });
});

test('the document has no origin address, feature, service or path', () => {
  const tunnel = aTunnel({
    configuration: {
      version: 1,
      haMode: undefined,
      ingress: [{ hostname: 'www.example.com', service: 'http://10.1.2.3', path: '/secret' }],
    },
  });
  const body = bodyOf(aSnapshot(anAccount({ tunnels: [tunnel] })));
  for (const sensitive of ['203.0.113.10', 'serialized_headers', '/secret', '10.1.2.3'])
    expect(body).not.toContain(sensitive);
});

test('lone surrogates leave valid JSON that strict parsers take', () => {
  const body = bodyOf(aSnapshot(anAccount({ tunnels: [aTunnel({ name: 'a\uD800b\u0000' })] })));
  expect(body.isWellFormed()).toBe(true);
  expect(body).not.toMatch(/\\ud[89a-f]/i);
  expect(JSON.parse(body)).toMatchObject({ tunnels: [{ name: 'a\uFFFDb\u0000' }] });
});

test('filters compare whole values; a tunnel must match one value of every filter', () => {
  const fleet = aSnapshot(
    anAccount({
      id: 'one',
      tunnels: [aTunnel({ id: '1', name: 'web' }), aDownTunnel({ id: '2', name: 'ssh' })],
    }),
    anAccount({
      id: 'two',
      tunnels: [
        aTunnel({ id: '3', name: 'web' }),
        aTunnel({ id: '4', name: 'Web & co', status: 'degraded' }),
      ],
    }),
  );
  expect(namesFor(fleet, '')).toEqual(['web', 'ssh', 'web', 'Web & co']);
  expect(namesFor(fleet, 'status=down')).toEqual(['ssh']);
  expect(namesFor(fleet, 'status=down&status=degraded')).toEqual(['ssh', 'Web & co']);
  expect(namesFor(fleet, 'name=web')).toEqual(['web', 'web']);
  expect(namesFor(fleet, 'name=Web+%26%20co')).toEqual(['Web & co']);
  expect(namesFor(fleet, 'name=we')).toEqual([]);
  expect(namesFor(fleet, 'account_id=two&name=web')).toEqual(['web']);
  expect(JSON.parse(bodyOf(fleet, 'account_id=two'))).toMatchObject({ accounts: [{ id: 'two' }] });
  expect(namesFor(fleet, 'account_id=three')).toEqual([]);
  expect(namesFor(fleet, 'something=else')).toHaveLength(4);
});

test('an unknown status is an error, not an empty result', () => {
  const query = new URLSearchParams('status=healthy&status=UP');
  expect(renderTunnels(aSnapshot(), query, { showsOriginIps: false })).toEqual({
    ok: false,
    problem: 'Unknown status "UP"; use one of healthy, degraded, down, inactive, unknown.',
  });
});

test('an empty snapshot is an empty document', () => {
  expect(bodyOf(aSnapshot())).toBe(
    `{"taken_at":"${new Date(NOW).toISOString()}","accounts":[],"tunnels":[]}\n`,
  );
});

test('a tunnel that is down has its last observed connectors and its targets', () => {
  const lastServing = { connectors: [aConnector({ connections: [aConnection()] })], at: NOW - 8_000_000 };
  const route = { id: '1', tunnelId: 't', tunnelType: undefined, virtualNetwork: '' };
  const tunnel = aDownTunnel({
    lastServing,
    routes: {
      network: [{ ...route, target: '10.0.0.0/16', virtualNetwork: 'default' }],
      hostname: [{ ...route, target: 'wiki.corp' }],
    },
  });
  const snapshot = aSnapshot(anAccount({ tunnels: [tunnel] }));
  const read = (showsOriginIps: boolean): object => {
    const rendered = renderTunnels(snapshot, new URLSearchParams(), { showsOriginIps });
    if (!rendered.ok) throw new Error(rendered.problem);
    const document: { readonly tunnels: readonly object[] } = JSON.parse([...rendered.parts].join(''));
    return document.tunnels[0] ?? {};
  };
  expect(read(false)).toMatchObject({
    connectors: null,
    last_observed_at: '2026-03-01T09:46:40.000Z',
    last_connectors: [{ version: '2026.2.0', arch: 'linux_amd64', connections: [{ colo: 'fra08' }] }],
    behind: {
      hostnames: null,
      private_hostnames: ['wiki.corp'],
      networks: [{ network: '10.0.0.0/16', virtual_network: 'default' }],
    },
  });
  expect(JSON.stringify(read(false))).not.toContain('203.0.113.10');
  expect(read(true)).toMatchObject({ last_connectors: [{ connections: [{ origin_ip: '203.0.113.10' }] }] });
});
