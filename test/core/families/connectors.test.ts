import { expect, test } from 'vitest';
import { tunnelLines } from '../../support/core-builders.ts';
import {
  aConnection,
  aConnector,
  aDownTunnel,
  aTunnel,
  connectionsTo,
  NOW,
} from '../../support/snapshots.ts';

const INFO = 'cloudflare_tunnel_connector_info';

/** A tunnel with one connector that has every field and one that has none. */
const told = aConnector({ id: 'told', startedAt: Date.UTC(2026, 0, 1), haStatus: 'passive' });
const mesh = aTunnel({
  type: 'warp_connector',
  connectors: [
    told,
    {
      id: '',
      version: undefined,
      arch: undefined,
      features: [],
      startedAt: undefined,
      configVersion: undefined,
      haStatus: undefined,
      connections: [],
    },
  ],
});

test('the info of a connector has version and architecture, empty if unknown', () => {
  expect(tunnelLines(INFO, mesh)).toEqual([
    'connector_id="told",version="2026.2.0",arch="linux_amd64" 1',
    'connector_id="",version="",arch="" 1',
  ]);
});

test('origin addresses are one opt-in label, sorted and without duplicates', () => {
  const connections = ['203.0.113.10', '2001:db8::1', '203.0.113.10', undefined].map((originIp) =>
    aConnection({ originIp }),
  );
  const state = aTunnel({ connectors: [aConnector({ id: 'a', connections }), told] });
  expect(tunnelLines(INFO, state, { originIp: true })).toEqual([
    'connector_id="a",version="2026.2.0",arch="linux_amd64",origin_ip="2001:db8::1,203.0.113.10" 1',
    'connector_id="told",version="2026.2.0",arch="linux_amd64",origin_ip="203.0.113.10" 1',
  ]);
  expect(tunnelLines(INFO, state).join()).not.toContain('203.0.113.10');
});

test('the serving connections of each connector are counted, 0 included', () => {
  const connections = [aConnection(), aConnection({ pendingReconnect: true })];
  const state = aTunnel({
    connectors: [aConnector({ id: 'a', connections }), aConnector({ id: 'b', connections: [] })],
  });
  expect(tunnelLines('cloudflare_tunnel_connector_active_connections', state)).toEqual([
    'connector_id="a" 1',
    'connector_id="b" 0',
  ]);
});

test.each([
  ['cloudflare_tunnel_connector_started_timestamp_seconds', Date.UTC(2026, 0, 1) / 1000],
  ['cloudflare_tunnel_connector_release_timestamp_seconds', Date.UTC(2026, 1, 1) / 1000],
  ['cloudflare_tunnel_connector_config_version', 3],
])('%s is absent if the API returns none', (name, value) => {
  expect(tunnelLines(name, mesh)).toEqual([`connector_id="told" ${value}`]);
});

test('a configuration version of 0 is a version', () => {
  const state = aTunnel({ connectors: [aConnector({ id: 'a', configVersion: 0 })] });
  expect(tunnelLines('cloudflare_tunnel_connector_config_version', state)).toEqual(['connector_id="a" 0']);
});

test('versions of other forms have no release', () => {
  const connectors = ['n/a', 'libcfd_1', '2025.13.1', '2025.0.1'].map((version) =>
    aConnector({ id: version, version }),
  );
  const name = 'cloudflare_tunnel_connector_release_timestamp_seconds';
  expect(tunnelLines(name, aTunnel({ connectors }))).toEqual([]);
});

test('features are opt-in, one series each', () => {
  const state = aTunnel({ connectors: [aConnector({ id: 'a', features: ['x', 'y', 'x'] })] });
  const name = 'cloudflare_tunnel_connector_feature_info';
  expect(tunnelLines(name, state, { features: true })).toEqual([
    'connector_id="a",feature="x" 1',
    'connector_id="a",feature="y" 1',
  ]);
  expect(tunnelLines(name, state)).toEqual([]);
});

test('the HA status is a state set, only for connectors that have one', () => {
  expect(tunnelLines('cloudflare_tunnel_connector_ha_status', mesh)).toEqual([
    'connector_id="told",ha_status="active" 0',
    'connector_id="told",ha_status="passive" 1',
    'connector_id="told",ha_status="offline" 0',
    'connector_id="told",ha_status="unknown" 0',
  ]);
});

test.each([INFO, 'cloudflare_tunnel_connector_active_connections', 'cloudflare_tunnel_connector_ha_status'])(
  '%s is absent while no connector was observed',
  (name) => {
    expect(tunnelLines(name, aTunnel({ connectors: undefined }))).toEqual([]);
    expect(tunnelLines(name, aDownTunnel())).toEqual([]);
  },
);

const ACTIVE = 'cloudflare_tunnel_active_connections';
const PENDING = 'cloudflare_tunnel_pending_reconnect_connections';
const CONNECTORS = 'cloudflare_tunnel_connectors';
const OBSERVED = 'cloudflare_tunnel_observed_timestamp_seconds';

const pending = (colo: string) => aConnection({ colo, pendingReconnect: true });
const unobserved = aTunnel({ connectors: undefined });
const empty = aTunnel({ connectors: [] });

test('serving connections are counted per data center over all connectors', () => {
  const tunnel = aTunnel({
    connectors: [
      aConnector({ id: 'a', connections: connectionsTo('fra08', 'fra08', 'ams06') }),
      aConnector({ id: 'b', connections: [...connectionsTo('fra08', 'fra10'), pending('ams06')] }),
    ],
  });
  expect(tunnelLines(ACTIVE, tunnel)).toEqual([
    'colo="fra08",airport="FRA" 3',
    'colo="ams06",airport="AMS" 1',
    'colo="fra10",airport="FRA" 1',
  ]);
  expect(tunnelLines(PENDING, tunnel)).toEqual(['colo="ams06",airport="AMS" 1']);
});

test('pending connections are absent if there are none', () => {
  expect(tunnelLines(PENDING, aTunnel())).toEqual([]);
});

test('connections without data center or airport are counted', () => {
  const connections = [aConnection({ colo: undefined }), aConnection({ colo: 'x1' })];
  expect(tunnelLines(ACTIVE, aTunnel({ connectors: [aConnector({ connections })] }))).toEqual([
    'colo="unknown",airport="" 1',
    'colo="x1",airport="" 1',
  ]);
});

test('connectors without a serving connection do not count', () => {
  const tunnel = aTunnel({
    connectors: [
      aConnector({ id: 'a' }),
      aConnector({ id: 'b', connections: [pending('ams06')] }),
      aConnector({ id: 'c', connections: [] }),
    ],
  });
  expect(tunnelLines(CONNECTORS, tunnel)).toEqual(['1']);
  expect(tunnelLines(CONNECTORS, empty)).toEqual(['0']);
});

test('a tunnel listed down or inactive has 0 connectors without a request', () => {
  expect(tunnelLines(CONNECTORS, aDownTunnel())).toEqual(['0']);
  expect(tunnelLines(CONNECTORS, aDownTunnel({ status: 'inactive' }))).toEqual(['0']);
  expect(tunnelLines(OBSERVED, aDownTunnel())).toEqual([]);
  expect(tunnelLines(ACTIVE, aDownTunnel())).toEqual([]);
});

test.each([ACTIVE, PENDING, CONNECTORS, OBSERVED])('%s is absent while nothing was observed', (name) => {
  expect(tunnelLines(name, unobserved)).toEqual([]);
});

test('an observation without connectors has a time', () => {
  expect(tunnelLines(OBSERVED, aTunnel({ connectorsAt: NOW - 1500 }))).toEqual([String(NOW / 1000 - 1.5)]);
  expect(tunnelLines(OBSERVED, aTunnel({ connectors: [], connectorsAt: NOW }))).toEqual([String(NOW / 1000)]);
});

test('the time of a stale observation is absent', () => {
  const tunnel = aTunnel({ connectors: undefined, connectorsAt: NOW });
  expect(tunnelLines(OBSERVED, tunnel)).toEqual([]);
});

test('opened and closed connections start at 0, for types that have connections', () => {
  const counters = { opened: 5, closed: 3 };
  expect(tunnelLines('cloudflare_tunnel_connections_opened_total', aTunnel({ counters }))).toEqual(['5']);
  expect(tunnelLines('cloudflare_tunnel_connections_closed_total', aTunnel({ counters }))).toEqual(['3']);
  expect(tunnelLines('cloudflare_tunnel_connections_opened_total', unobserved)).toEqual(['0']);
  expect(tunnelLines('cloudflare_tunnel_connections_closed_total', aTunnel({ type: 'gre' }))).toEqual([]);
});
