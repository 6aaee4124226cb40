import { expect, test } from 'vitest';
import { aListed, aStory, connections, failedList, s, list } from '../support/core-builders.ts';
import { aConnector } from '../support/snapshots.ts';

const WARP = { type: 'warp_connector' } as const;

test('an account is empty before the first list', () => {
  const story = aStory();
  expect(story.account()).toMatchObject({ up: undefined, listedAt: new Map(), tunnels: new Map() });
});

test('a complete list replaces the tunnels', () => {
  const story = aStory();
  story.poll(s(0), list([aListed('a'), aListed('b')]));
  expect(story.names()).toEqual(['a', 'b']);
  story.poll(s(30), list([aListed('c'), aListed('b')]));
  expect(story.names()).toEqual(['c', 'b']);
  expect(story.account()).toMatchObject({ up: true, hidden: new Map() });
});

test('an empty complete list removes all tunnels', () => {
  const story = aStory();
  story.poll(s(0), list([aListed('a')]));
  story.poll(s(30), list([]));
  expect(story.names()).toEqual([]);
  expect(story.account()).toMatchObject({ up: true, hidden: new Map() });
});

test('a failed list changes no tunnel, and the account is not up', () => {
  const story = aStory();
  story.poll(s(0), list([aListed('a')]));
  story.poll(s(30), list([aListed('a', { status: 'degraded' })]));
  const before = story.tunnel('a');
  story.poll(s(60), failedList());
  expect(story.tunnel('a')).toBe(before);
  expect(before?.counters.transitions.degraded).toBe(1);
  expect(story.account().up).toBe(false);
  story.poll(s(90), list([aListed('a', { status: 'degraded' })]));
  expect(story.account().up).toBe(true);
  expect(story.tunnel('a')).toBe(before);
});

test('an account whose first list fails is not up and has no tunnels', () => {
  const story = aStory();
  story.poll(s(0), failedList());
  expect(story.account()).toMatchObject({ up: false, listedAt: new Map(), tunnels: new Map() });
});

test('if one typed list fails, the other still replaces the tunnels of its type', () => {
  const story = aStory();
  story.poll(s(0), list([aListed('a'), aListed('b'), aListed('mesh', WARP)]));
  story.poll(
    s(30),
    list([aListed('b')], { types: ['cfd_tunnel'] }),
    failedList({ types: ['warp_connector'] }),
  );
  expect(story.names().toSorted()).toEqual(['b', 'mesh']);
  expect(story.account().up).toBe(false);
  expect(story.account().listedAt.get('cfd_tunnel')).toBe(s(30));
  expect(story.account().listedAt.get('warp_connector')).toBe(s(0));
});

test('a list does not change types that it does not cover', () => {
  const story = aStory();
  story.poll(s(0), list([aListed('a'), aListed('mesh', WARP)]));
  story.poll(s(30), list([], { types: ['warp_connector'] }));
  expect(story.names()).toEqual(['a']);
});

test('a tunnel of a type that was not asked for is ignored', () => {
  const story = aStory();
  story.poll(s(0), list([aListed('a'), aListed('mesh', WARP)], { types: ['cfd_tunnel'] }));
  expect(story.names()).toEqual(['a']);
  expect(story.account().hidden.size).toBe(0);
});

test('tunnels of unknown type are shown, and removed by the next complete list without them', () => {
  const story = aStory();
  story.poll(s(0), list([aListed('new', { type: 'unknown' })]));
  expect(story.names()).toEqual(['new']);
  story.poll(s(30), list([]));
  expect(story.names()).toEqual([]);
});

test('a tunnel of unknown type in one typed list is removed neither by the other nor by an incomplete poll', () => {
  const story = aStory();
  const cfd = list([aListed('new', { type: 'unknown' })], { types: ['cfd_tunnel'] });
  const emptyWarp = list([], { types: ['warp_connector'] });
  const emptyCfd = list([], { types: ['cfd_tunnel'] });
  story.poll(s(0), cfd, emptyWarp);
  expect(story.names()).toEqual(['new']);
  story.poll(s(30), failedList({ types: ['cfd_tunnel'] }), emptyWarp);
  expect(story.names()).toEqual(['new']);
  story.poll(s(60), emptyCfd, emptyWarp);
  expect(story.names()).toEqual([]);
});

test('a failing account does not affect others', () => {
  const story = aStory('acc', 'other');
  const others = list([aListed('x', { accountId: 'other' })], { accountId: 'other' });
  story.poll(s(0), list([aListed('a')]), others);
  story.poll(s(30), failedList(), others);
  expect(story.account('acc').up).toBe(false);
  expect(story.account('other').up).toBe(true);
  expect([...story.account('other').tunnels.keys()]).toEqual(['x']);
  expect(story.account('other').listedAt.get('cfd_tunnel')).toBe(s(30));
});

test('an account without observations is unchanged, and accounts keep their order', () => {
  const story = aStory('acc', 'other');
  story.poll(s(0), list([], { accountId: 'other' }));
  expect([...story.snapshot().accounts.keys()]).toEqual(['acc', 'other']);
  expect(story.account('acc').up).toBeUndefined();
  const other = story.account('other');
  story.poll(s(1), list([]));
  expect(story.account('other')).toBe(other);
});

test('observations of an account that is not configured are ignored', () => {
  const story = aStory();
  story.poll(s(0), list([aListed('x')], { accountId: 'stranger' }));
  expect([...story.snapshot().accounts.keys()]).toEqual(['acc']);
});

test('the previous snapshot is not modified', () => {
  const story = aStory();
  const before = story.poll(s(0), list([aListed('a')]));
  story.poll(s(30), list([aListed('b')]), connections('b', [aConnector()]));
  expect([...(before.accounts.get('acc')?.tunnels.keys() ?? [])]).toEqual(['a']);
  expect(before.takenAt).toBe(s(0));
});

const listedAnew = () => [aListed('a'), aListed('gone', { status: 'down', activeAt: undefined })];

test('a tunnel listed again unchanged is the same object', () => {
  const story = aStory();
  story.poll(s(0), list(listedAnew()), connections('a', [aConnector()]));
  const before = [story.tunnel('a'), story.tunnel('gone')];
  story.poll(s(30), list(listedAnew()));
  expect(story.tunnel('a')).toBe(before[0]);
  expect(story.tunnel('gone')).toBe(before[1]);
});

test('a change of status counts for the new status; the first list is no change', () => {
  const story = aStory();
  story.poll(s(0), list([aListed('a', { status: 'healthy' })]));
  expect(Object.values(story.tunnel('a')?.counters.transitions ?? {})).toEqual([0, 0, 0, 0, 0]);
  const statuses = ['degraded', 'down', 'down', 'degraded', 'healthy', 'unknown'] as const;
  for (const [index, status] of statuses.entries())
    story.poll(s(30 + index * 30), list([aListed('a', { status })]));
  expect(story.tunnel('a')?.counters.transitions).toEqual({
    healthy: 1,
    degraded: 2,
    down: 1,
    inactive: 0,
    unknown: 1,
  });
});

test('a changed status or time marks the tunnel as changed, a changed name does not', () => {
  const story = aStory();
  story.poll(s(0), list([aListed('a')]));
  expect(story.tunnel('a')?.changedAt).toBeUndefined();
  story.poll(s(30), list([aListed('a', { name: 'renamed' })]));
  expect(story.tunnel('a')).toMatchObject({ changedAt: undefined, tunnel: { name: 'renamed' } });
  story.poll(s(60), list([aListed('a', { name: 'renamed', activeAt: s(50) })]));
  expect(story.tunnel('a')?.changedAt).toBe(s(60));
  story.poll(s(90), list([aListed('a', { name: 'renamed', activeAt: s(50) })]));
  expect(story.tunnel('a')?.changedAt).toBe(s(60));
  story.poll(s(120), list([aListed('a', { name: 'renamed', activeAt: s(50), inactiveAt: s(110) })]));
  expect(story.tunnel('a')?.changedAt).toBe(s(120));
});

test('a tunnel deleted and created again under the same name is a new one, its counters at 0', () => {
  const story = aStory();
  story.poll(s(0), list([aListed('web', { id: 'first' })]));
  story.poll(s(30), list([aListed('web', { id: 'first', status: 'down' })]));
  expect(story.tunnel('first')?.counters.transitions.down).toBe(1);
  story.poll(s(60), list([aListed('web', { id: 'second', status: 'inactive' })]));
  expect(story.tunnel('first')).toBeUndefined();
  expect(Object.values(story.tunnel('second')?.counters.transitions ?? {})).toEqual([0, 0, 0, 0, 0]);
});

test('two tunnels of one name are two tunnels', () => {
  const story = aStory();
  story.poll(s(0), list([aListed('web', { id: 'first' }), aListed('web', { id: 'second' })]));
  expect(story.names()).toEqual(['web', 'web']);
});

test('details of an unlisted tunnel are ignored', () => {
  const story = aStory();
  story.poll(s(0), list([aListed('a')]), connections('ghost', [aConnector()]));
  expect(story.names()).toEqual(['a']);
});
