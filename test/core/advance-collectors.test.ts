import { expect, test } from 'vitest';
import { COLLECTORS } from '../../src/core/model.ts';
import {
  aListed,
  aStory,
  configuration,
  connections,
  failedList,
  idle,
  s,
  list,
} from '../support/core-builders.ts';
import { aConnector } from '../support/snapshots.ts';

const MESH = aListed('mesh', { type: 'warp_connector' });
const NEVER = { success: undefined, lastSuccessAt: undefined };

test('before its first request, a collector has neither succeeded nor failed', () => {
  const { collectors } = aStory().account();
  expect(Object.keys(collectors)).toEqual([...COLLECTORS]);
  for (const state of Object.values(collectors)) expect(state).toEqual(NEVER);
});

test('each collector succeeds on its own', () => {
  const story = aStory();
  story.poll(s(0), list([aListed('a'), MESH]));
  expect(story.account().collectors).toMatchObject({
    tunnels: { success: true, lastSuccessAt: s(0) },
    connections: NEVER,
    warp_connections: NEVER,
    configurations: NEVER,
  });
  story.poll(s(1), connections('a', [aConnector()]), connections('mesh', 'permission'));
  expect(story.account().collectors).toMatchObject({
    connections: { success: true, lastSuccessAt: s(1) },
    warp_connections: { success: false, lastSuccessAt: undefined, failedFor: 'permission' },
    configurations: NEVER,
  });
});

test('a collector fails if one of its requests failed, and keeps the time of its last success', () => {
  const story = aStory();
  const tunnels = [aListed('a'), aListed('b')];
  story.poll(s(0), list(tunnels), connections('a', []), connections('b', []));
  story.poll(s(30), list(tunnels), connections('a', []), connections('b', 'timeout'));
  expect(story.account().collectors.connections).toEqual({
    success: false,
    lastSuccessAt: s(0),
    failedFor: 'timeout',
  });
  story.poll(s(60), list(tunnels), connections('a', []), connections('b', []));
  expect(story.account().collectors.connections).toEqual({ success: true, lastSuccessAt: s(60) });
});

test('a tunnel deleted since the list does not fail the collector', () => {
  const story = aStory();
  story.poll(s(0), list([aListed('a'), aListed('b')]), connections('a', []), connections('b', 'not_found'));
  expect(story.account().collectors.connections).toEqual({ success: true, lastSuccessAt: s(0) });
});

test('a list that is not found fails the collector', () => {
  const story = aStory();
  story.poll(s(0), (at) => ({
    kind: 'tunnels',
    accountId: 'acc',
    types: ['cfd_tunnel'],
    at,
    result: { ok: false, failure: { reason: 'not_found', message: 'no such account' } },
  }));
  expect(story.account().collectors.tunnels.success).toBe(false);
  expect(story.account().up).toBe(false);
});

test('the tunnels collector fails if one typed list fails', () => {
  const story = aStory();
  story.poll(s(0), list([], { types: ['cfd_tunnel'] }), failedList({ types: ['warp_connector'] }));
  expect(story.account().collectors.tunnels).toMatchObject({ success: false, lastSuccessAt: undefined });
});

test('configurations of both types are one collector', () => {
  const story = aStory();
  story.poll(s(0), list([aListed('a'), MESH]), configuration('a', undefined));
  story.poll(s(30), configuration('a', undefined), configuration('mesh', 'server'));
  expect(story.account().collectors.configurations).toMatchObject({ success: false, lastSuccessAt: s(0) });
});

test('an idle collector succeeds', () => {
  const story = aStory();
  story.poll(s(0), list([aListed('a')]), connections('a', 'server'));
  story.poll(s(30), list([]), idle('connections'), idle('configurations'));
  expect(story.account().collectors).toMatchObject({
    connections: { success: true, lastSuccessAt: s(30) },
    configurations: { success: true, lastSuccessAt: s(30) },
    warp_connections: NEVER,
  });
  expect(story.account().up).toBe(true);
});

test('details do not affect the tunnels collector', () => {
  const story = aStory();
  story.poll(s(0), failedList());
  story.poll(s(30), idle('connections'));
  expect(story.account().up).toBe(false);
  expect(story.account().collectors.tunnels.success).toBe(false);
});

test('details of a WARP connector whose list is stale belong to warp_connections', () => {
  const story = aStory();
  story.poll(s(0), list([MESH]));
  story.poll(s(300));
  story.poll(s(301), connections('mesh', 'server'));
  expect(story.account().collectors).toMatchObject({
    connections: NEVER,
    warp_connections: { success: false },
  });
});

test('a collector fails until every failed tunnel has succeeded, also if others succeed meanwhile', () => {
  const story = aStory();
  const tunnels = [aListed('a'), aListed('b')];
  story.poll(s(0), list(tunnels), connections('a', 'server'), connections('b', []));
  story.poll(s(4), connections('b', []), configuration('a', undefined));
  expect(story.account().collectors).toMatchObject({
    connections: { success: false, lastSuccessAt: undefined },
    configurations: { success: true },
  });
  story.poll(s(8), connections('a', []));
  expect(story.account().collectors.connections).toEqual({ success: true, lastSuccessAt: s(8) });
});

test('a failed request that would not be repeated does not fail the collector', () => {
  const story = aStory();
  story.poll(
    s(0),
    list([aListed('a'), aListed('b')]),
    connections('a', 'server'),
    configuration('a', 'server'),
  );
  const gone = aListed('a', { status: 'inactive' });
  story.poll(s(30), list([gone, aListed('b')]), connections('b', []), configuration('b', undefined));
  expect(story.account().collectors).toMatchObject({
    connections: { success: true },
    configurations: { success: true },
  });
});

test('of several reasons, those about the token come first; each account has its own', () => {
  const story = aStory();
  story.poll(s(0), list([aListed('a'), aListed('b')]), connections('a', 'timeout'), connections('b', 'auth'));
  expect(story.account().collectors.connections).toMatchObject({ success: false, failedFor: 'auth' });
  story.poll(s(30), list([aListed('a'), aListed('b')]), connections('b', []));
  expect(story.account().collectors.connections).toMatchObject({ success: false, failedFor: 'timeout' });
  story.poll(s(60), failedList());
  expect(story.account().collectors.tunnels.failedFor).toBe('server');
  story.poll(s(90), list([aListed('a')]), connections('a', []));
  expect(story.account().collectors.tunnels).not.toHaveProperty('failedFor');
  expect(story.account().collectors.connections).not.toHaveProperty('failedFor');
});
