import { expect, test } from 'vitest';
import { array, assert, integer, property } from 'fast-check';
import type { TunnelState } from '../../src/core/snapshot.ts';
import { createPriority, selectFirst } from '../../src/core/priority.ts';
import { aConnector, aTunnel, NOW, type TunnelParts } from '../support/snapshots.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const FAIR_SHARE_MS = 10 * MINUTE;

/** A tunnel observed this many minutes ago, with this many changes in six hours. */
function observed(minutesAgo: number, changes = 0, parts: TunnelParts = {}): TunnelState {
  const state = aTunnel({ connectorsAt: NOW - minutesAgo * MINUTE, ...parts });
  return { ...state, churn: { changes, observedMs: 6 * HOUR } };
}

/** The priority of each, among the others. */
function priorityOf(...states: readonly TunnelState[]): readonly number[] {
  return states.map(createPriority(states, { now: NOW, equalIntervalMs: FAIR_SHARE_MS }));
}

const ratio = ([a = 0, b = 0]: readonly number[]): number => a / b;

test('tunnels that are alike have priority by age', () => {
  expect(ratio(priorityOf(observed(4), observed(2)))).toBeCloseTo(2);
});

test('the priority grows with the square root of the observed rate of changes', () => {
  // 40.5 and 4.5 with what the fleet knows of each beforehand, in nearly the same time.
  expect(ratio(priorityOf(observed(1, 8), observed(1, 2)))).toBeCloseTo(2, 0);
});

test('a tunnel observed for a short time counts as average', () => {
  const unknown = { ...observed(1), churn: { changes: 0, observedMs: 0 } };
  const [calm = 0, average = 0, restless = 0] = priorityOf(observed(1), unknown, observed(1, 20));
  expect(average).toBeGreaterThan(calm);
  expect(average).toBeLessThan(restless);
});

test('before any observation, all tunnels are alike', () => {
  const states = [1, 2].map((minutes) => ({ ...observed(minutes), churn: { changes: 0, observedMs: 0 } }));
  expect(ratio(priorityOf(...states))).toBeCloseTo(0.5);
});

test.each<[string, TunnelParts]>([
  ['degraded', { status: 'degraded' }],
  ['of unknown status', { status: 'unknown' }],
])('a tunnel that is %s comes before a healthy one of the same age', (_, parts) => {
  const healthy = observed(1);
  expect(ratio(priorityOf(observed(1, 0, parts), healthy, healthy))).toBeGreaterThan(1.4);
});

test.each<[string, TunnelParts]>([
  ['by its connectors', { connectors: [aConnector({ haStatus: 'active' })] }],
  [
    'by its configuration',
    { configuration: { version: 1, ingress: undefined, haMode: 'aws' }, connectors: [aConnector()] },
  ],
])('a highly available tunnel, known %s, comes before a degraded one of the same age', (_, parts) => {
  const healthy = Array.from({ length: 9 }, () => observed(1));
  const [ha = 0, degraded = 0] = priorityOf(
    observed(1, 0, { type: 'warp_connector', ...parts }),
    observed(1, 0, { status: 'degraded' }),
    ...healthy,
  );
  expect(ha).toBeGreaterThan(degraded);
});

test('a tunnel that never changes waits at most 1.75 equal intervals, even beside tunnels that change constantly', () => {
  const calm = observed(17.5);
  const restless = Array.from({ length: 9 }, () => observed(17.5, 500));
  const [priority = 0] = priorityOf(calm, ...restless);
  expect(priority).toBeGreaterThanOrEqual(0.99);
});

test('overdue tunnels come first', () => {
  const [overdue, restless] = priorityOf(observed(19.1), observed(18, 1000));
  expect(overdue).toBe(Infinity);
  expect(restless).toBeLessThan(Infinity);
});

test('a failure counts as an attempt', () => {
  const failed = observed(18);
  const state = {
    ...failed,
    connectors: { ...failed.connectors, failingSince: NOW - MINUTE, failedAt: NOW - MINUTE },
  };
  expect(ratio(priorityOf(state, observed(1)))).toBeCloseTo(1);
});

interface Item {
  readonly key: number;
  readonly position: number;
}

function byKey(a: Item, b: Item): number {
  return a.key - b.key;
}

test('selects the first items in sorted order, with equal items in their original order', () => {
  assert(
    property(array(integer({ min: 0, max: 20 })), integer({ min: -1, max: 120 }), (keys, count) => {
      const items = keys.map((key, position): Item => ({ key, position }));
      expect(selectFirst(items, count, byKey)).toEqual(items.toSorted(byKey).slice(0, Math.max(0, count)));
    }),
  );
});

test('accepts an iterator', () => {
  expect(selectFirst([3, 1, 2].values(), 2, (a, b) => a - b)).toEqual([1, 2]);
});
