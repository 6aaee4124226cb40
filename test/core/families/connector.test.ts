import { expect, test } from 'vitest';
import { tunnelLines } from '../../support/core-builders.ts';
import { aConnection, aConnector, aDownTunnel, aTunnel } from '../../support/snapshots.ts';

const INFO = 'cloudflare_tunnel_connector_info';

/** A tunnel with a connector of which everything is told and one of which nothing is. */
const told = aConnector({ id: 'told', startedAt: Date.UTC(2026, 0, 1), haStatus: 'passive' });
const tunnel = aTunnel({
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

test('the info of a connector names version and architecture, empty where unknown', () => {
  expect(tunnelLines(INFO, tunnel)).toEqual([
    'connector_id="told",version="2026.2.0",arch="linux_amd64" 1',
    'connector_id="",version="",arch="" 1',
  ]);
});

test('origin addresses are one label, sorted, each once, where the user opts in', () => {
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
])('%s is absent where the API does not tell', (name, value) => {
  expect(tunnelLines(name, tunnel)).toEqual([`connector_id="told" ${value}`]);
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

test('features are one series each, however often they are told, where the user opts in', () => {
  const state = aTunnel({ connectors: [aConnector({ id: 'a', features: ['x', 'y', 'x'] })] });
  const name = 'cloudflare_tunnel_connector_feature_info';
  expect(tunnelLines(name, state, { features: true })).toEqual([
    'connector_id="a",feature="x" 1',
    'connector_id="a",feature="y" 1',
  ]);
  expect(tunnelLines(name, state)).toEqual([]);
});

test('the HA status is a state set, only for connectors that have one', () => {
  expect(tunnelLines('cloudflare_tunnel_connector_ha_status', tunnel)).toEqual([
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
