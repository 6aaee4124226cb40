import { expect, test } from 'vitest';
import { enabledFamilies, FAMILIES } from '../../../src/core/families/table.ts';

const T = 'account_id, tunnel_id, tunnel_name';
const C = `${T}, connector_id`;

/** What alerts and dashboards depend on: a name or label that goes missing here breaks them. */
const PUBLIC: Readonly<Record<string, string>> = {
  cloudflare_tunnel_expected: 'account_id, tunnel',
  cloudflare_tunnel_expected_min_connectors: 'account_id, tunnel',
  cloudflare_tunnel_expected_present: 'account_id, tunnel',
  cloudflare_tunnel_account_info: 'account_id, account_name',
  cloudflare_tunnel_account_tunnels: 'account_id, tunnel_type, status',
  cloudflare_tunnel_info: `${T}, tunnel_type, config_src`,
  cloudflare_tunnel_status: `${T}, status`,
  cloudflare_tunnel_created_timestamp_seconds: T,
  cloudflare_tunnel_active_since_timestamp_seconds: T,
  cloudflare_tunnel_inactive_since_timestamp_seconds: T,
  cloudflare_tunnel_status_transitions_total: `${T}, status`,
  cloudflare_tunnel_active_connections: `${T}, colo, airport`,
  cloudflare_tunnel_pending_reconnect_connections: `${T}, colo, airport`,
  cloudflare_tunnel_connectors: T,
  cloudflare_tunnel_observed_timestamp_seconds: T,
  cloudflare_tunnel_connections_opened_total: T,
  cloudflare_tunnel_connections_closed_total: T,
  cloudflare_tunnel_connector_info: `${C}, version, arch`,
  cloudflare_tunnel_connector_active_connections: C,
  cloudflare_tunnel_connector_started_timestamp_seconds: C,
  cloudflare_tunnel_connector_release_timestamp_seconds: C,
  cloudflare_tunnel_connector_config_version: C,
  cloudflare_tunnel_connector_feature_info: `${C}, feature`,
  cloudflare_tunnel_connector_ha_status: `${C}, ha_status`,
  cloudflare_tunnel_config_version: T,
  cloudflare_tunnel_ingress_rules: T,
  cloudflare_tunnel_ingress_info: `${T}, hostname, service`,
  cloudflare_tunnel_ha_mode: `${T}, ha_mode`,
  cloudflare_tunnel_ha_failovers_total: T,
};

test.each(Object.entries(PUBLIC))('%s has the labels that users depend on', (name, labels) => {
  const family = FAMILIES.find((candidate) => candidate.name === name);
  expect([...(family?.scope === 'tunnel' ? [T] : []), ...(family?.labels ?? [])].join(', ')).toBe(labels);
});

test('names are unique, and their suffix matches the type', () => {
  const names = FAMILIES.map(({ name }) => name);
  expect(new Set(names).size).toBe(names.length);
  for (const { name, type } of FAMILIES) {
    expect([name, name.endsWith('_total')]).toEqual([name, type === 'counter']);
    expect([name, name.endsWith('_info')]).toEqual([name, type === 'info']);
  }
});

test('every family has one line of help that ends with a full stop', () => {
  for (const { help } of FAMILIES) expect(help).toMatch(/^[A-Z][^\n]*\.$/);
});

test('families of high cardinality are opt-in', () => {
  const off = { originIp: false, features: false, hostnames: false, routes: false };
  const names = (options: typeof off) => new Set(enabledFamilies(options).map(({ name }) => name));
  const optional = [
    'cloudflare_tunnel_connector_feature_info',
    'cloudflare_tunnel_ingress_info',
    'cloudflare_tunnel_route_info',
  ];
  expect([...new Set(FAMILIES.map(({ name }) => name)).difference(names(off))]).toEqual(optional);
  expect(names({ ...off, features: true }).has('cloudflare_tunnel_connector_feature_info')).toBe(true);
  expect(names({ ...off, hostnames: true }).has('cloudflare_tunnel_ingress_info')).toBe(true);
});
