import { expect, test } from 'vitest';
import { connectorMoves } from '../../src/core/changes.ts';
import type { Connector } from '../../src/core/model.ts';
import { aConnection, aConnector } from '../support/snapshots.ts';

const on = (id: string, originIp: string, parts: Partial<Connector> = {}): Connector =>
  aConnector({ id, connections: [aConnection({ id, originIp })], ...parts });

const moves = (before: readonly Connector[], after: readonly Connector[]) => {
  const { connected, disconnected, replaced } = connectorMoves(before, after);
  return {
    connected: connected.map(({ id }) => id),
    disconnected: disconnected.map(({ id }) => id),
    replaced: replaced.map(({ from, to }) => `${from.id}>${to.id}`),
  };
};

test('connectors connect, disconnect and replace each other, first on the same machine', () => {
  const [a, b, c] = [on('a', '192.0.2.1'), on('b', '192.0.2.2'), on('c', '192.0.2.3')];
  expect(moves([a], [a, b])).toEqual({ connected: ['b'], disconnected: [], replaced: [] });
  expect(moves([a, b], [b])).toEqual({ connected: [], disconnected: ['a'], replaced: [] });
  expect(moves([a, b], [c, on('b2', '192.0.2.2')])).toEqual({
    connected: [],
    disconnected: [],
    replaced: ['b>b2', 'a>c'],
  });
  expect(moves([a], [on('x', '192.0.2.9'), on('a2', '192.0.2.1')])).toEqual({
    connected: ['x'],
    disconnected: [],
    replaced: ['a>a2'],
  });
});

test('a connector without a serving connection is not present, unless it has an HA status', () => {
  const idle = aConnector({ id: 'a', connections: [aConnection({ pendingReconnect: true })] });
  expect(moves([on('a', '192.0.2.1')], [idle])).toEqual({ connected: [], disconnected: ['a'], replaced: [] });
  const offline = aConnector({ id: 'a', haStatus: 'offline', connections: [] });
  expect(moves([on('a', '192.0.2.1', { haStatus: 'active' })], [offline])).toEqual({
    connected: [],
    disconnected: [],
    replaced: [],
  });
});
