import { expect, test } from 'vitest';
import {
  airportOf,
  hasConnectionsEndpoint,
  hasNoConnections,
  releaseTime,
  servingConnections,
  servingConnectors,
  TUNNEL_STATUSES,
  TUNNEL_TYPES,
  UNKNOWN_COLO,
} from '../../src/core/model.ts';
import { hasFreshData } from '../../src/core/snapshot.ts';
import { aStory, failedList, list, s } from '../support/core-builders.ts';
import { aConnection, aConnector } from '../support/snapshots.ts';

const pending = aConnection({ id: 'p', pendingReconnect: true });
const serving = aConnection({ id: 's' });

test('connections pending reconnect do not serve', () => {
  expect(servingConnections(aConnector({ connections: [pending, serving] }))).toEqual([serving]);
});

test('a connector serves if it has a serving connection', () => {
  const half = aConnector({ id: 'half', connections: [pending, serving] });
  const lost = aConnector({ id: 'lost', connections: [pending] });
  const empty = aConnector({ id: 'empty', connections: [] });
  expect(servingConnectors([lost, half, empty])).toEqual([half]);
});

test('only down and inactive tunnels have no connections', () => {
  expect(TUNNEL_STATUSES.filter(hasNoConnections)).toEqual(['down', 'inactive']);
});

test('only two types have a connections endpoint', () => {
  expect([...TUNNEL_TYPES, 'unknown' as const].filter(hasConnectionsEndpoint)).toEqual([
    'cfd_tunnel',
    'warp_connector',
  ]);
});

test('there is fresh data from the first complete list until it is stale', () => {
  const story = aStory('acc', 'other');
  expect(hasFreshData(story.snapshot())).toBe(false);
  expect(hasFreshData(story.poll(s(0), failedList()))).toBe(false);
  expect(hasFreshData(story.poll(s(30), list([])))).toBe(true);
  expect(hasFreshData(story.poll(s(329)))).toBe(true);
  expect(hasFreshData(story.poll(s(330)))).toBe(false);
});

test.each([
  ['khh01', 'KHH'],
  ['ams06', 'AMS'],
  ['DFW', 'DFW'],
  ['lhr', 'LHR'],
  ['sjc-pig', 'SJC'],
])('the airport of %s is %s', (colo, airport) => {
  expect(airportOf(colo)).toBe(airport);
});

test.each(['', 'x1', 'ab', '123', 'unknown', UNKNOWN_COLO, 'frankfurt', '日本語01'])(
  'there is no airport in "%s"',
  (colo) => {
    expect(airportOf(colo)).toBe('');
  },
);

test.each([
  ['2025.11.1', '2025-11-01T00:00:00Z'],
  ['2026.2.0', '2026-02-01T00:00:00Z'],
  ['2024.12.12', '2024-12-01T00:00:00Z'],
])('version %s was released in the month of %s', (version, day) => {
  expect(releaseTime(version)).toBe(Date.parse(day));
});

test.each([
  '',
  'n/a',
  'libcfd_1',
  'libcfd_2025.1.1',
  '2025.13.1',
  '2025.0.1',
  '2025.1',
  '2025.1.1.1',
  '2025.1.1-dirty',
  '2025.1.x',
  'v2025.1.1',
  ' 2025.1.1',
  '2025-1-1',
  '1.2.3',
  '25.1.1',
  'DEV',
])('version "%s" names no month', (version) => {
  expect(releaseTime(version)).toBeUndefined();
});
