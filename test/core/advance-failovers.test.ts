import { expect, test } from 'vitest';
import type { Connector, HaStatus } from '../../src/core/model.ts';
import { aListed, aStory, connections, failedList, s, list } from '../support/core-builders.ts';
import { aConnector } from '../support/snapshots.ts';

const MESH = aListed('mesh', { type: 'warp_connector' });

/** One observation: each connector with its HA status. */
type Told = Readonly<Record<string, HaStatus>>;

const connectorsOf = (told: Told): readonly Connector[] =>
  Object.entries(told).map(([id, haStatus]) => aConnector({ id, haStatus, connections: [] }));

function failoversAfter(...observations: readonly Told[]): number | undefined {
  const story = aStory();
  story.poll(s(0), list([MESH]));
  for (const [index, told] of observations.entries())
    story.poll(s(index), connections('mesh', connectorsOf(told)));
  return story.tunnel('mesh')?.counters.failovers;
}

test('the first active connector is no failover', () => {
  expect(failoversAfter({ a: 'active', b: 'passive' })).toBe(0);
  expect(failoversAfter({ a: 'passive', b: 'passive' }, { a: 'active', b: 'passive' })).toBe(0);
});

test('a change of the active connector is a failover, and so is the way back', () => {
  expect(failoversAfter({ a: 'active', b: 'passive' }, { a: 'offline', b: 'active' })).toBe(1);
  expect(
    failoversAfter(
      { a: 'active', b: 'passive' },
      { a: 'passive', b: 'active' },
      { a: 'active', b: 'passive' },
      { a: 'active', b: 'passive' },
    ),
  ).toBe(2);
});

test('none active, then the same again, is no failover', () => {
  expect(
    failoversAfter(
      { a: 'active', b: 'passive' },
      { a: 'offline', b: 'passive' },
      {},
      { a: 'active', b: 'passive' },
    ),
  ).toBe(0);
});

test('none active, then another, is one failover', () => {
  expect(failoversAfter({ a: 'active' }, { a: 'offline', b: 'passive' }, { a: 'offline', b: 'active' })).toBe(
    1,
  );
});

test('if two connectors report to be active, the previous one stays active', () => {
  expect(failoversAfter({ b: 'active', a: 'passive' }, { a: 'active', b: 'active' })).toBe(0);
  expect(
    failoversAfter(
      { b: 'active', a: 'passive' },
      { a: 'active', b: 'active' },
      { b: 'active', a: 'active' },
      { a: 'active', b: 'passive' },
    ),
  ).toBe(1);
});

test('if two new connectors report to be active, their order does not matter', () => {
  expect(failoversAfter({ c: 'active' }, { a: 'active', b: 'active' }, { a: 'active' })).toBe(1);
  expect(failoversAfter({ c: 'active' }, { b: 'active', a: 'active' }, { a: 'active' })).toBe(1);
});

test('a restart of the active connector is a failover, because its id changes', () => {
  expect(failoversAfter({ a: 'active', b: 'passive' }, { a2: 'active', b: 'passive' })).toBe(1);
});

test('only the status active counts: unknown, passive and offline do not', () => {
  expect(failoversAfter({ a: 'active' }, { a: 'unknown', b: 'passive', c: 'offline' })).toBe(0);
});

test('a failover while the tunnel was down, or its list lost, is counted when it is observed', () => {
  const story = aStory();
  story.poll(s(0), list([MESH]), connections('mesh', connectorsOf({ a: 'active' })));
  story.poll(s(30), list([{ ...MESH, status: 'down' }]));
  story.poll(s(60), list([MESH]), connections('mesh', connectorsOf({ b: 'active' })));
  expect(story.tunnel('mesh')?.counters.failovers).toBe(1);
  story.poll(s(1000), failedList());
  story.poll(s(1030), list([MESH]), connections('mesh', connectorsOf({ c: 'active' })));
  expect(story.tunnel('mesh')?.counters.failovers).toBe(2);
});
