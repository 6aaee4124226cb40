import { expect, test } from 'vitest';
import {
  hasConnectionsEndpoint,
  hasNoConnections,
  servingConnections,
  servingConnectors,
} from '../../src/core/serving.ts';
import { TUNNEL_STATUSES, TUNNEL_TYPES } from '../../src/core/model.ts';
import { hasFreshData } from '../../src/core/snapshot.ts';
import { aStory, failedList, s, list } from '../support/core-builders.ts';
import { aConnection, aConnector } from '../support/snapshots.ts';

const pending = aConnection({ id: 'p', pendingReconnect: true });
const serving = aConnection({ id: 's' });

test('connections that wait to reconnect do not serve', () => {
  expect(servingConnections(aConnector({ connections: [pending, serving] }))).toEqual([serving]);
});

test('a connector serves with one serving connection, not with none', () => {
  const half = aConnector({ id: 'half', connections: [pending, serving] });
  const lost = aConnector({ id: 'lost', connections: [pending] });
  const empty = aConnector({ id: 'empty', connections: [] });
  expect(servingConnectors([lost, half, empty])).toEqual([half]);
});

test('only down and inactive tell that there are no connections', () => {
  expect(TUNNEL_STATUSES.filter(hasNoConnections)).toEqual(['down', 'inactive']);
});

test('only two types have a connections endpoint', () => {
  expect([...TUNNEL_TYPES, 'unknown' as const].filter(hasConnectionsEndpoint)).toEqual([
    'cfd_tunnel',
    'warp_connector',
  ]);
});

test('there is fresh data from the first complete list on until it is too old', () => {
  const story = aStory('acc', 'other');
  expect(hasFreshData(story.snapshot())).toBe(false);
  expect(hasFreshData(story.poll(s(0), failedList()))).toBe(false);
  expect(hasFreshData(story.poll(s(30), list([])))).toBe(true);
  expect(hasFreshData(story.poll(s(329)))).toBe(true);
  expect(hasFreshData(story.poll(s(330)))).toBe(false);
});
