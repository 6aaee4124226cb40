import { expect, test } from 'vitest';
import { advance, nextExpiry } from '../../src/core/advance.ts';
import {
  edgeReadiness,
  sidecarAfter,
  type SidecarObservation,
  type SidecarState,
  withoutStaleEdge,
} from '../../src/core/sidecar-state.ts';
import { aSnapshot } from '../support/snapshots.ts';

const answered = (connectorId: string, readyConnections: number): SidecarObservation => ({
  kind: 'answered',
  connectorId,
  ready: readyConnections > 0,
  readyConnections,
});
const edge = (connectorId: string, connections: number, at = 0): SidecarObservation => ({
  kind: 'edge',
  connectorId,
  connections,
  at,
});
const after = (...observations: readonly SidecarObservation[]): SidecarState | undefined =>
  observations.reduce<SidecarState | undefined>(sidecarAfter, undefined);

test('both sides report the same connector', () => {
  expect(after(answered('a', 4), edge('a', 3, 7))).toEqual({
    connectorId: 'a',
    ready: true,
    readyConnections: 4,
    edge: { connections: 3, at: 7 },
  });
});

test('a cloudflared that no longer answers is not ready, keeps its id, and the edge may still see it', () => {
  expect(after(answered('a', 4), edge('a', 4), { kind: 'silent' })).toEqual({
    connectorId: 'a',
    ready: false,
    readyConnections: undefined,
    edge: { connections: 4, at: 0 },
  });
});

test('a cloudflared that has never answered is not ready and has no id', () => {
  expect(after({ kind: 'silent' })).toMatchObject({ connectorId: '', ready: false, edge: undefined });
});

test("the edge's answer about another process is ignored", () => {
  expect(after(answered('a', 4), edge('a', 4), answered('b', 1))?.edge).toBeUndefined();
  expect(after(answered('a', 4), answered('b', 1), edge('a', 4))?.edge).toBeUndefined();
});

test('an unchanged state is the same object', () => {
  const before = after(answered('a', 4), edge('a', 4));
  expect(sidecarAfter(before, answered('a', 4))).toBe(before);
  expect(sidecarAfter(before, edge('b', 1))).toBe(before);
  const silent = sidecarAfter(before, { kind: 'silent' });
  expect(sidecarAfter(silent, { kind: 'silent' })).toBe(silent);
});

test("the edge's answer is dropped when stale, also after the clock was set back", () => {
  const known = after(answered('a', 4), edge('a', 4, 1_000));
  for (const now of [1_000, 1_999]) expect(withoutStaleEdge(known, { now, staleAfterMs: 1_000 })).toBe(known);
  for (const now of [2_000, -5_000]) {
    expect(withoutStaleEdge(known, { now, staleAfterMs: 1_000 })).toMatchObject({
      ready: true,
      edge: undefined,
    });
  }
});

test('a snapshot keeps the sidecar until it is stale', () => {
  const snapshot = { ...aSnapshot(), sidecar: after(answered('a', 4), edge('a', 4, 1_000)) };
  expect(nextExpiry(snapshot, 1_000)).toBe(2_000);
  expect(advance(snapshot, [], { now: 1_500, staleAfterMs: 1_000 }).sidecar).toBe(snapshot.sidecar);
  const later = advance(snapshot, [], { now: 2_000, staleAfterMs: 1_000 });
  expect(later.sidecar?.edge).toBeUndefined();
  expect(nextExpiry(later, 1_000)).toBeUndefined();
});

const at = { now: 500, staleAfterMs: 1_000, minConnections: 2 };

test('the edge is ready if it sees enough connections of a ready connector', () => {
  expect(edgeReadiness(after(answered('a', 4), edge('a', 2)), at)).toEqual({ ready: true, reason: '' });
});

test.each([
  ['cloudflared has not been checked yet', undefined],
  ['cloudflared does not answer; the log has the reason', after({ kind: 'silent' })],
  [
    'cloudflared does not answer; the log has the reason',
    after(answered('a', 4), edge('a', 4), { kind: 'silent' }),
  ],
  ['cloudflared is not ready: it has 0 connections', after(answered('a', 0), edge('a', 4))],
  ['cloudflared does not report its connector id; update cloudflared', after(answered('', 4), edge('', 4))],
  ["Cloudflare's view of this connector is unknown or stale", after(answered('a', 4))],
  ["Cloudflare's view of this connector is unknown or stale", after(answered('a', 4), edge('a', 4, -501))],
  [
    'Cloudflare sees 1 connection of this connector, but at least 2 must be connected',
    after(answered('a', 4), edge('a', 1)),
  ],
])('the edge is not ready: %s', (reason, state) => {
  expect(edgeReadiness(state, at)).toEqual({ ready: false, reason });
});
