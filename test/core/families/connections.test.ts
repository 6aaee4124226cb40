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

test('pending connections are absent where there are none', () => {
  expect(tunnelLines(PENDING, aTunnel())).toEqual([]);
});

test('a connection without data center, or with one that names no airport, is counted all the same', () => {
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

test('a tunnel listed down or inactive has 0 connectors, without being asked', () => {
  expect(tunnelLines(CONNECTORS, aDownTunnel())).toEqual(['0']);
  expect(tunnelLines(CONNECTORS, aDownTunnel({ status: 'inactive' }))).toEqual(['0']);
  expect(tunnelLines(OBSERVED, aDownTunnel())).toEqual([]);
  expect(tunnelLines(ACTIVE, aDownTunnel())).toEqual([]);
});

test.each([ACTIVE, PENDING, CONNECTORS, OBSERVED])('%s is absent while nothing was observed', (name) => {
  expect(tunnelLines(name, unobserved)).toEqual([]);
});

test('the observation has its time, also where it showed nothing', () => {
  expect(tunnelLines(OBSERVED, aTunnel({ connectorsAt: NOW - 1500 }))).toEqual([String(NOW / 1000 - 1.5)]);
  expect(tunnelLines(OBSERVED, aTunnel({ connectors: [], connectorsAt: NOW }))).toEqual([String(NOW / 1000)]);
});

test('the time of an observation too old to show is absent with it', () => {
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
