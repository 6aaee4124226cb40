import { expect, test } from 'vitest';
import type { Connector } from '../../src/core/model.ts';
import {
  aListed,
  aStory,
  connections,
  embeddingList,
  s,
  list,
  type Story,
} from '../support/core-builders.ts';
import { aConnection, aConnector } from '../support/snapshots.ts';

const withIds = (...ids: readonly (string | undefined)[]): readonly Connector[] => [
  aConnector({ connections: ids.map((id) => aConnection({ id })) }),
];
const opened = (story: Story) => story.tunnel('a')?.counters.opened;
const closed = (story: Story) => story.tunnel('a')?.counters.closed;

test('the first observation counts nothing', () => {
  const story = aStory();
  story.poll(s(0), list([aListed('a')]), connections('a', withIds('1', '2')));
  expect([opened(story), closed(story)]).toEqual([0, 0]);
});

test('connection ids that appear or disappear between observations are counted', () => {
  const story = aStory();
  story.poll(s(0), list([aListed('a')]), connections('a', withIds('1', '2', '3')));
  story.poll(s(30), list([aListed('a')]), connections('a', withIds('3', '2', '4', '5')));
  expect([opened(story), closed(story)]).toEqual([2, 1]);
  story.poll(s(60), list([aListed('a')]), connections('a', withIds('3', '2', '4', '5')));
  expect([opened(story), closed(story)]).toEqual([2, 1]);
  story.poll(s(90), list([aListed('a')]), connections('a', []));
  expect([opened(story), closed(story)]).toEqual([2, 5]);
});

test('a connection that moves to another connector under its id neither opens nor closes', () => {
  const story = aStory();
  story.poll(s(0), list([aListed('a')]), connections('a', withIds('1')));
  const moved = withIds('1').map((connector) => ({ ...connector, id: 'another' }));
  story.poll(s(30), list([aListed('a')]), connections('a', moved));
  expect([opened(story), closed(story)]).toEqual([0, 0]);
});

test('a duplicate connection counts once, and connections without id are not counted', () => {
  const story = aStory();
  story.poll(s(0), list([aListed('a')]), connections('a', withIds(undefined)));
  const twice = [...withIds('1'), ...withIds('1', undefined)];
  story.poll(s(30), list([aListed('a')]), connections('a', twice));
  story.poll(s(60), list([aListed('a')]), connections('a', withIds()));
  expect([opened(story), closed(story)]).toEqual([1, 1]);
});

test.each(['down', 'inactive'] as const)('a tunnel listed %s loses its connections at once', (status) => {
  const story = aStory();
  story.poll(s(0), list([aListed('a')]), connections('a', withIds('1', '2')));
  story.poll(s(30), list([aListed('a', { status })]));
  expect(story.tunnel('a')).toMatchObject({
    connectors: { value: undefined, at: undefined, failingSince: undefined },
    detailedAt: undefined,
  });
  expect([opened(story), closed(story)]).toEqual([0, 2]);
  story.poll(s(60), list([aListed('a', { status })]));
  expect(closed(story)).toBe(2);
});

test('the connections of a tunnel that comes up again count as opened', () => {
  const story = aStory();
  story.poll(s(0), list([aListed('a')]), connections('a', withIds('1', '2')));
  story.poll(s(30), list([aListed('a', { status: 'down' })]));
  story.poll(s(60), list([aListed('a')]));
  expect(story.tunnel('a')?.connectors.value).toBeUndefined();
  story.poll(s(61), connections('a', withIds('3', '4')));
  expect([opened(story), closed(story)]).toEqual([2, 2]);
});

test('the first connections of a tunnel listed inactive count as opened', () => {
  const story = aStory();
  story.poll(s(0), list([aListed('a', { status: 'inactive' })]));
  story.poll(s(30), list([aListed('a')]), connections('a', withIds('1', '2')));
  expect([opened(story), closed(story)]).toEqual([2, 0]);
});

test('details of a tunnel listed down are ignored', () => {
  const story = aStory();
  story.poll(s(0), list([aListed('a', { status: 'down' })]));
  const before = story.tunnel('a');
  story.poll(s(10), connections('a', withIds('1')));
  expect(story.tunnel('a')).toBe(before);
});

test('an equal observation keeps the same objects', () => {
  const story = aStory();
  story.poll(s(0), list([aListed('a')]), connections('a', withIds('1')));
  const before = story.tunnel('a')?.connectors.value;
  story.poll(s(30), connections('a', withIds('1')));
  expect(story.tunnel('a')?.connectors.value).toBe(before);
  expect(story.tunnel('a')?.connectors.at).toBe(s(30));
});

const EMBEDDED: Connector = {
  ...aConnector(),
  arch: undefined,
  features: [],
  startedAt: undefined,
  configVersion: undefined,
};

test('connections that a list embeds are used', () => {
  const story = aStory();
  story.poll(s(0), embeddingList([{ tunnel: aListed('a'), embedded: [EMBEDDED] }]));
  expect(story.tunnel('a')).toMatchObject({
    connectors: { value: [EMBEDDED], at: s(0) },
    detailedAt: undefined,
  });
});

test('embedded connections are merged with details from the connections endpoint', () => {
  const story = aStory();
  story.poll(s(0), list([aListed('a')]), connections('a', [aConnector()]));
  const fewer = { ...EMBEDDED, version: '2026.3.0', connections: [aConnection()] };
  const stranger = { ...EMBEDDED, id: 'stranger', connections: [] };
  story.poll(s(30), embeddingList([{ tunnel: aListed('a'), embedded: [fewer, stranger] }]));
  expect(story.tunnel('a')).toMatchObject({
    connectors: {
      value: [{ ...aConnector(), version: '2026.3.0', connections: [aConnection()] }, stranger],
      at: s(30),
    },
    detailedAt: s(0),
  });
});

test('embedded connections are counted like any others', () => {
  const story = aStory();
  const embedding = (...ids: readonly string[]) =>
    embeddingList([{ tunnel: aListed('a'), embedded: withIds(...ids) }]);
  story.poll(s(0), embedding('1', '2'));
  story.poll(s(30), embedding('2', '3'));
  story.poll(s(31), connections('a', withIds('3')));
  expect([opened(story), closed(story)]).toEqual([1, 2]);
});

test('embedded connections of a tunnel listed down are ignored', () => {
  const story = aStory();
  story.poll(s(0), embeddingList([{ tunnel: aListed('a', { status: 'down' }), embedded: [EMBEDDED] }]));
  expect(story.tunnel('a')?.connectors.value).toBeUndefined();
  expect(opened(story)).toBe(0);
});
