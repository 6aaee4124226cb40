import { expect, test } from 'vitest';
import { HA_MODES, TUNNEL_STATUSES } from '../../../src/core/model.ts';
import { tunnelLines } from '../../support/core-builders.ts';
import { aTunnel } from '../../support/snapshots.ts';

const AT = Date.UTC(2026, 1, 3, 4, 5, 6, 789);
const AT_SECONDS = '1770091506.789';

test('the info of a tunnel has its type and the source of its configuration', () => {
  expect(tunnelLines('cloudflare_tunnel_info', aTunnel())).toEqual([
    'tunnel_type="cfd_tunnel",config_src="cloudflare" 1',
  ]);
  expect(tunnelLines('cloudflare_tunnel_info', aTunnel({ type: 'unknown', configSource: '' }))).toEqual([
    'tunnel_type="unknown",config_src="" 1',
  ]);
});

test.each(TUNNEL_STATUSES)('the status %s is one of five, the others are 0', (status) => {
  expect(tunnelLines('cloudflare_tunnel_status', aTunnel({ status }))).toEqual(
    ['healthy', 'degraded', 'down', 'inactive', 'unknown'].map(
      (state) => `status="${state}" ${state === status ? 1 : 0}`,
    ),
  );
});

test.each([
  ['cloudflare_tunnel_created_timestamp_seconds', 'createdAt'],
  ['cloudflare_tunnel_active_since_timestamp_seconds', 'activeAt'],
  ['cloudflare_tunnel_inactive_since_timestamp_seconds', 'inactiveAt'],
] as const)('%s is in seconds, and absent if the API returns none', (name, key) => {
  const untold = { createdAt: undefined, activeAt: undefined, inactiveAt: undefined };
  expect(tunnelLines(name, aTunnel({ ...untold, [key]: AT }))).toEqual([AT_SECONDS]);
  expect(tunnelLines(name, aTunnel(untold))).toEqual([]);
});

test('a tunnel is intermittent if an expression matches, anywhere in its name', () => {
  const laptop = aTunnel({ name: 'dev-ada' });
  expect(tunnelLines('cloudflare_tunnel_intermittent', laptop)).toEqual([]);
  expect(tunnelLines('cloudflare_tunnel_intermittent', laptop, { intermittent: [/x/u, /^dev-/u] })).toEqual([
    '1',
  ]);
  expect(
    tunnelLines('cloudflare_tunnel_intermittent', aTunnel({ name: 'shop' }), { intermittent: [/^dev-/u] }),
  ).toEqual([]);
});

test('transitions start at 0 for every status', () => {
  const transitions = { healthy: 2, degraded: 0, down: 1, inactive: 0, unknown: 0 };
  expect(tunnelLines('cloudflare_tunnel_status_transitions_total', aTunnel())).toEqual(
    TUNNEL_STATUSES.map((status) => `status="${status}" 0`),
  );
  expect(
    tunnelLines('cloudflare_tunnel_status_transitions_total', aTunnel({ counters: { transitions } })),
  ).toEqual([
    'status="healthy" 2',
    'status="degraded" 0',
    'status="down" 1',
    'status="inactive" 0',
    'status="unknown" 0',
  ]);
});

const rule = (hostname: string, service: string, path = '') => ({ hostname, service, path });
const tunnel = aTunnel({
  configuration: {
    version: 7,
    ingress: [
      rule('www.example.com', 'http://web:80'),
      rule('www.example.com', 'http://web:80', '/api'),
      rule('www.example.com', 'http://api:80', '/v2'),
      rule('', 'http_status:404'),
    ],
    haMode: undefined,
  },
});
const mesh = (configuration = {}) =>
  aTunnel({
    type: 'warp_connector',
    configuration: { version: undefined, ingress: undefined, haMode: undefined, ...configuration },
  });
const unknown = aTunnel();

test('version and number of rules are those of the remote configuration', () => {
  expect(tunnelLines('cloudflare_tunnel_config_version', tunnel)).toEqual(['7']);
  expect(tunnelLines('cloudflare_tunnel_ingress_rules', tunnel)).toEqual(['4']);
});

test('a configuration never set has version 0 and no rules', () => {
  const never = aTunnel({ configuration: { version: 0, ingress: [], haMode: undefined } });
  expect(tunnelLines('cloudflare_tunnel_config_version', never)).toEqual(['0']);
  expect(tunnelLines('cloudflare_tunnel_ingress_rules', never)).toEqual(['0']);
});

test.each([
  'cloudflare_tunnel_config_version',
  'cloudflare_tunnel_ingress_rules',
  'cloudflare_tunnel_ingress_info',
  'cloudflare_tunnel_ha_mode',
])('%s is absent if nothing is known', (name) => {
  expect(tunnelLines(name, unknown, { hostnames: true })).toEqual([]);
  expect(tunnelLines(name, mesh(), { hostnames: true })).toEqual([]);
});

test('hostnames are opt-in; rules that differ only by path are one series', () => {
  expect(tunnelLines('cloudflare_tunnel_ingress_info', tunnel, { hostnames: true })).toEqual([
    'hostname="www.example.com",service="http://web:80" 1',
    'hostname="www.example.com",service="http://api:80" 1',
    'hostname="",service="http_status:404" 1',
  ]);
  expect(tunnelLines('cloudflare_tunnel_ingress_info', tunnel)).toEqual([]);
});

test.each(HA_MODES)('the HA mode %s is one of four, the others are 0', (haMode) => {
  expect(tunnelLines('cloudflare_tunnel_ha_mode', mesh({ haMode }))).toEqual(
    ['none', 'disabled', 'aws', 'local'].map((mode) => `ha_mode="${mode}" ${mode === haMode ? 1 : 0}`),
  );
});

test('failovers start at 0, for WARP connectors only', () => {
  const name = 'cloudflare_tunnel_ha_failovers_total';
  expect(tunnelLines(name, aTunnel({ type: 'warp_connector' }))).toEqual(['0']);
  expect(tunnelLines(name, aTunnel({ type: 'warp_connector', counters: { failovers: 2 } }))).toEqual(['2']);
  expect(tunnelLines(name, aTunnel())).toEqual([]);
});
