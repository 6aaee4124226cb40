import { expect, test } from 'vitest';
import { churnAfter } from '../../src/core/churn.ts';
import { NO_CHURN, type Churn } from '../../src/core/snapshot.ts';
import { connectionsTo, aConnector } from '../support/snapshots.ts';
import { aListed, aStory, connections, s, list } from '../support/core-builders.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

function after(churn: Churn, steps: number, changed: boolean): Churn {
  let result = churn;
  for (let step = 0; step < steps; step += 1) result = churnAfter(result, { elapsedMs: MINUTE, changed });
  return result;
}

const rate = ({ changes, observedMs }: Churn): number => changes / observedMs;

test('counts changes and observed time', () => {
  const churn = churnAfter(after(NO_CHURN, 59, false), { elapsedMs: MINUTE, changed: true });
  expect(churn.changes).toBe(1);
  expect(churn.observedMs / HOUR).toBeCloseTo(1, 1);
});

test('old changes lose weight', () => {
  const restless = after(NO_CHURN, 24 * 60, true);
  const calm = after(restless, 3 * 24 * 60, false);
  expect(rate(calm)).toBeLessThan(rate(restless) / 15);
});

test('a clock that was set back changes nothing', () => {
  const churn = after(NO_CHURN, 10, true);
  expect(churnAfter(churn, { elapsedMs: -HOUR, changed: true })).toEqual(churn);
});

/** A connector whose connection and process started then; undefined if the API returned no time. */
const connectorWith = (id: string, beganAt?: number) =>
  aConnector({
    startedAt: beganAt,
    connections: connectionsTo('fra08').map((each) => ({ ...each, id, openedAt: beganAt })),
  });
const listed = (parts: Parameters<typeof aListed>[1] = {}) =>
  list([aListed('a', { activeAt: s(-1e6), ...parts })]);

test('counts a restart of a connector that the list does not show', () => {
  const story = aStory();
  story.poll(s(0), listed(), connections('a', [connectorWith('1')]));
  expect(story.tunnel('a')?.churn).toEqual(NO_CHURN);
  story.poll(s(30), listed(), connections('a', [connectorWith('1')]));
  expect(story.tunnel('a')?.churn).toEqual({ changes: 0, observedMs: 30_000 });
  story.poll(s(60), listed(), connections('a', [connectorWith('2')]));
  expect(story.tunnel('a')?.churn.changes).toBeCloseTo(1);
});

test('the youngest connection of the first observation dates the last change', () => {
  const story = aStory();
  story.poll(s(0), listed(), connections('a', [connectorWith('1', s(-9000)), connectorWith('2', s(-600))]));
  expect(story.tunnel('a')?.churn).toEqual({ changes: 1, observedMs: 600_000 });
});

test('credits at most six hours of quiet time at the first observation, and no change before that', () => {
  const story = aStory();
  story.poll(s(0), listed(), connections('a', [connectorWith('1', s(-500_000))]));
  expect(story.tunnel('a')?.churn).toEqual({ changes: 0, observedMs: 6 * HOUR });
});

test('a change counts the quiet time since, and not the time before, in which there may have been others', () => {
  const story = aStory();
  story.poll(s(0), listed(), connections('a', [connectorWith('1')]));
  story.poll(s(3600), listed(), connections('a', [connectorWith('2', s(3540))]));
  expect(story.tunnel('a')?.churn).toEqual({ changes: 1, observedMs: 60_000 });
});

test('does not count changes that the list shows', () => {
  const story = aStory();
  story.poll(s(0), listed(), connections('a', [connectorWith('1')]));
  story.poll(s(30), listed({ status: 'degraded' }), connections('a', [connectorWith('2')]));
  expect(story.tunnel('a')?.churn).toEqual({ changes: 0, observedMs: 30_000 });
  story.poll(s(60), listed({ status: 'degraded' }), connections('a', [connectorWith('3')]));
  expect(story.tunnel('a')?.churn.changes).toBe(1);
});

test('does not count connections that opened when the tunnel came up, which the list shows', () => {
  const story = aStory();
  story.poll(s(0), listed({ activeAt: s(-100) }), connections('a', [connectorWith('1', s(-98))]));
  expect(story.tunnel('a')?.churn).toEqual({ changes: 0, observedMs: 98_000 });
});

test('an observation after the clock was set back changes nothing', () => {
  const story = aStory();
  story.poll(s(0), listed(), connections('a', [connectorWith('1')]));
  story.poll(s(-30), listed(), connections('a', [connectorWith('2')]));
  expect(story.tunnel('a')?.churn).toEqual(NO_CHURN);
});

test('churn is kept while a list is lost', () => {
  const story = aStory();
  story.poll(s(0), listed(), connections('a', [connectorWith('1')]));
  story.poll(s(30), listed(), connections('a', [connectorWith('2')]));
  story.poll(s(1000));
  story.poll(s(1030), listed());
  expect(story.tunnel('a')?.churn.changes).toBe(1);
});
