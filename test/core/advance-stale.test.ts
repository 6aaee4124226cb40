import { expect, test } from 'vitest';
import { advance, nextExpiry } from '../../src/core/advance.ts';
import {
  aListed,
  aStory,
  configuration,
  connections,
  failedList,
  s,
  STALE_AFTER_MS,
  list,
  type Story,
} from '../support/core-builders.ts';
import { aConnection, aConnector } from '../support/snapshots.ts';

const CONFIGURATION = { version: 3, ingress: [], haMode: undefined };
const connectorOf = (...ids: readonly string[]) =>
  aConnector({ connections: ids.map((id) => aConnection({ id })) });
const expiry = (story: Story) => nextExpiry(story.snapshot(), STALE_AFTER_MS);

test('tunnels are hidden exactly when their list becomes stale', () => {
  const story = aStory();
  story.poll(s(0), list([aListed('a')]));
  story.poll(s(300) - 1);
  expect(story.names()).toEqual(['a']);
  expect(story.account().listedAt.has('cfd_tunnel')).toBe(true);
  story.poll(s(300));
  expect(story.names()).toEqual([]);
  expect(story.account().listedAt.size).toBe(0);
});

test('data is hidden without any observation', () => {
  const story = aStory();
  const fresh = story.poll(s(0), list([aListed('a')]));
  const later = advance(fresh, [], { now: s(300), staleAfterMs: STALE_AFTER_MS });
  expect(later.takenAt).toBe(s(300));
  expect(later.accounts.get('acc')?.tunnels.size).toBe(0);
  expect(later.accounts.get('acc')?.up).toBe(true);
});

test('data is hidden while every list fails', () => {
  const story = aStory();
  story.poll(s(0), list([aListed('a')]));
  for (let after = 30; after < 300; after += 30) story.poll(s(after), failedList());
  expect(story.names()).toEqual(['a']);
  story.poll(s(300), failedList());
  expect(story.names()).toEqual([]);
});

test('each type is hidden with its own list', () => {
  const story = aStory();
  const cfd = list([aListed('a')], { types: ['cfd_tunnel'] });
  story.poll(s(0), cfd, list([aListed('mesh', { type: 'warp_connector' })], { types: ['warp_connector'] }));
  story.poll(s(200), cfd, failedList({ types: ['warp_connector'] }));
  story.poll(s(300), cfd, failedList({ types: ['warp_connector'] }));
  expect(story.names()).toEqual(['a']);
  expect([...story.account().listedAt.keys()].toSorted()).toEqual(['cfd_tunnel', 'unknown']);
});

test('counters continue when the list returns', () => {
  const story = aStory();
  story.poll(s(0), list([aListed('a')]), connections('a', [connectorOf('1', '2')]));
  story.poll(s(30), list([aListed('a')]), connections('a', [connectorOf('2', '3')]));
  story.poll(s(60), list([aListed('a', { status: 'degraded' })]));
  story.poll(s(1000), failedList());
  expect(story.tunnel('a')).toBeUndefined();
  story.poll(s(2000), list([aListed('a', { status: 'healthy' })]), connections('a', [connectorOf('3', '4')]));
  expect(story.tunnel('a')?.counters).toMatchObject({
    transitions: { degraded: 1, healthy: 1 },
    opened: 2,
    closed: 2,
  });
  expect(story.account().hidden.size).toBe(0);
});

test('observations from before the list was lost do not return with it', () => {
  const story = aStory();
  story.poll(
    s(0),
    list([aListed('a')]),
    connections('a', [connectorOf('1')]),
    configuration('a', CONFIGURATION),
  );
  story.poll(s(30), list([aListed('a', { activeAt: s(20) })]));
  expect(story.tunnel('a')?.changedAt).toBe(s(30));
  story.poll(s(1000), failedList());
  story.poll(s(2000), list([aListed('a', { activeAt: s(20) })]));
  expect(story.tunnel('a')).toMatchObject({
    changedAt: undefined,
    connectors: { value: undefined, at: undefined },
    configuration: { value: undefined, at: undefined },
    detailedAt: undefined,
  });
});

test('a hidden tunnel that is missing when the list returns is removed', () => {
  const story = aStory();
  story.poll(s(0), list([aListed('a')]));
  story.poll(s(300), failedList());
  expect([...story.account().hidden.keys()]).toEqual(['a']);
  story.poll(s(330), list([]));
  expect(story.account()).toMatchObject({ tunnels: new Map(), hidden: new Map() });
});

test('failing details keep the last value until it is stale, whatever the list shows', () => {
  const story = aStory();
  story.poll(s(0), list([aListed('a')]), connections('a', [aConnector()]));
  for (let after = 30; after < 300; after += 30)
    story.poll(s(after), list([aListed('a')]), connections('a', 'server'));
  expect(story.tunnel('a')?.connectors).toEqual({
    value: [aConnector()],
    at: s(0),
    failingSince: s(30),
    failedAt: s(270),
    failedFor: 'server',
  });
  story.poll(s(300) - 1);
  expect(story.tunnel('a')?.connectors.value).toEqual([aConnector()]);
  story.poll(s(300));
  expect(story.tunnel('a')?.connectors.value).toBeUndefined();
  expect(story.names()).toEqual(['a']);
});

test('details that succeed again are shown, and connections in between are counted', () => {
  const story = aStory();
  story.poll(s(0), list([aListed('a')]), connections('a', [connectorOf('1')]));
  story.poll(s(30), list([aListed('a')]), connections('a', 'timeout'));
  story.poll(s(299), list([aListed('a')]));
  story.poll(s(310), list([aListed('a')]), connections('a', 'timeout'));
  expect(story.tunnel('a')?.connectors.value).toBeUndefined();
  story.poll(s(340), list([aListed('a')]), connections('a', [connectorOf('2')]));
  expect(story.tunnel('a')?.connectors).toMatchObject({ at: s(340), failingSince: undefined });
  expect(story.tunnel('a')?.counters).toMatchObject({ opened: 1, closed: 1 });
});

test('details that wait for the budget stay, however old', () => {
  const story = aStory();
  story.poll(s(0), list([aListed('a')]), connections('a', [aConnector()]));
  for (let after = 200; after <= 2000; after += 200) story.poll(s(after), list([aListed('a')]));
  expect(story.tunnel('a')?.connectors).toMatchObject({ value: [aConnector()], at: s(0) });
});

test('a configuration whose renewal fails is hidden, and nothing else', () => {
  const story = aStory();
  story.poll(s(0), list([aListed('a')]), connections('a', [aConnector()]), configuration('a', CONFIGURATION));
  story.poll(s(200), list([aListed('a')]), configuration('a', 'permission'));
  expect(story.tunnel('a')?.configuration.value).toEqual(CONFIGURATION);
  story.poll(s(300), list([aListed('a')]));
  expect(story.tunnel('a')?.configuration.value).toBeUndefined();
  expect(story.tunnel('a')?.connectors.value).toEqual([aConnector()]);
});

test('a tunnel without remote configuration is observed to have none', () => {
  const story = aStory();
  story.poll(s(0), list([aListed('a')]), configuration('a', CONFIGURATION));
  story.poll(s(30), list([aListed('a')]), configuration('a', undefined));
  expect(story.tunnel('a')?.configuration).toMatchObject({
    value: undefined,
    at: s(30),
    failingSince: undefined,
  });
});

test('nothing expires if nothing is shown', () => {
  const story = aStory();
  expect(expiry(story)).toBeUndefined();
  story.poll(s(0), failedList());
  expect(expiry(story)).toBeUndefined();
});

test('the next expiry is that of the oldest list', () => {
  const story = aStory('acc', 'other');
  story.poll(s(0), list([], { accountId: 'other' }));
  story.poll(s(10), list([aListed('a')]));
  expect(expiry(story)).toBe(s(300));
  story.poll(s(30), list([], { accountId: 'other' }));
  expect(expiry(story)).toBe(s(310));
});

test('the next expiry is that of a failing detail if it comes before the lists', () => {
  const story = aStory();
  story.poll(s(0), list([aListed('a')]), connections('a', [aConnector()]), configuration('a', CONFIGURATION));
  story.poll(s(30), list([aListed('a')]));
  expect(expiry(story)).toBe(s(330));
  story.poll(s(40), configuration('a', 'server'));
  expect(expiry(story)).toBe(s(300));
  story.poll(s(300));
  expect(story.tunnel('a')?.configuration.value).toBeUndefined();
  expect(expiry(story)).toBe(s(330));
});

test('a clock that is set back a little hides nothing', () => {
  const story = aStory();
  story.poll(s(120), list([aListed('a')]), connections('a', [connectorOf('1')]));
  story.poll(s(0), failedList(), connections('a', 'server'));
  expect(story.names()).toEqual(['a']);
  expect(story.tunnel('a')?.connectors.value).toEqual([connectorOf('1')]);
  story.poll(s(30), list([aListed('a', { status: 'degraded' })]), connections('a', [connectorOf('2')]));
  expect(story.tunnel('a')).toMatchObject({
    connectors: { at: s(30), failingSince: undefined },
    counters: { transitions: { degraded: 1 }, opened: 1, closed: 1 },
  });
});

test.each([
  ['back', s(3600), s(0)],
  ['forward', s(0), s(3600)],
])(
  'a list of unknown age, after a clock has been set %s by an hour, is not shown; its counters go on',
  (_, before, after) => {
    const story = aStory();
    story.poll(before, list([aListed('a')]), connections('a', [connectorOf('1')]));
    story.poll(after, failedList());
    expect(story.names()).toEqual([]);
    story.poll(after + 30_000, list([aListed('a')]), connections('a', [connectorOf('2')]));
    expect(story.tunnel('a')?.counters).toMatchObject({ opened: 1, closed: 1 });
  },
);

test('failing details of unknown age are hidden, though their list is fresh', () => {
  const story = aStory();
  story.poll(
    s(3600),
    list([aListed('a')]),
    connections('a', [connectorOf('1')]),
    configuration('a', CONFIGURATION),
  );
  story.poll(s(0), list([aListed('a')]), connections('a', 'server'), configuration('a', 'server'));
  expect(story.names()).toEqual(['a']);
  expect(story.tunnel('a')?.connectors.value).toBeUndefined();
  expect(story.tunnel('a')?.configuration.value).toBeUndefined();
});

test('a failure from before the clock was set back starts now', () => {
  const story = aStory();
  story.poll(s(3600), list([aListed('a')]), connections('a', 'server'));
  story.poll(s(0), list([aListed('a')]), connections('a', 'server'));
  expect(story.tunnel('a')?.connectors).toMatchObject({ failingSince: s(0), failedAt: s(0) });
});
