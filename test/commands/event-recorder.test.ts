import { expect, test } from 'vitest';
import { createEventRecorder } from '../../src/commands/event-recorder.ts';
import type { Block } from '../../src/core/events-between.ts';
import type { EventKind, TunnelEvent } from '../../src/core/events.ts';
import { emptySnapshot } from '../../src/core/snapshot.ts';
import { aConfig } from '../support/config.ts';
import { aDownTunnel, anAccount, aSnapshot, aTunnel, NOW } from '../support/snapshots.ts';

const account = { id: 'acc', name: 'Production' };
const up = aSnapshot(anAccount({ ...account, tunnels: [aTunnel({ id: 'one', name: 'one' })] }));
const down = aSnapshot(anAccount({ ...account, tunnels: [aDownTunnel({ id: 'one', name: 'one' })] }));
const gone = aSnapshot(anAccount({ ...account }));

function aRecorder(history = 1000) {
  let blocks: readonly Block[] = [];
  const logged: TunnelEvent[] = [];
  const counts = new Map<EventKind, number>();
  const config = aConfig({ events: { history } });
  const recorder = createEventRecorder({
    initial: emptySnapshot([account], NOW),
    config,
    blocks: () => blocks,
    log: { add: (events) => void logged.push(...events), flush: () => {} },
    counted: (kind) => void counts.set(kind, (counts.get(kind) ?? 0) + 1),
  });
  return {
    ...recorder,
    config,
    logged,
    counts,
    block: (next: readonly Block[]) => {
      blocks = next;
    },
    kept: () => recorder.history().events.map(({ id, kind }) => `${id} ${kind}`),
  };
}

test('an event is logged, counted and kept; the first list of an account is no event', () => {
  const recorder = aRecorder();
  recorder.observe(up);
  expect(recorder.logged).toEqual([]);
  recorder.observe(down);
  recorder.observe(down);
  recorder.observe(gone);
  expect(recorder.kept()).toEqual(['1 status_changed', '2 tunnel_deleted']);
  expect(recorder.logged).toEqual(recorder.history().events);
  expect([...recorder.counts]).toEqual([
    ['status_changed', 1],
    ['tunnel_deleted', 1],
  ]);
});

test.each([
  [0, []],
  [1, ['2 tunnel_deleted']],
])('with --events.history=%i, %j is kept, and all is logged', (limit, kept) => {
  const recorder = aRecorder(limit);
  for (const snapshot of [up, down, gone]) recorder.observe(snapshot);
  expect(recorder.kept()).toEqual(kept);
  expect(recorder.history().lastId).toBe(2);
  expect(recorder.logged).toHaveLength(2);
});

test('differences caused by other settings are no events, and a smaller history drops the oldest', () => {
  const recorder = aRecorder();
  recorder.observe(up);
  recorder.observe(down);
  recorder.observe(up);
  recorder.reconfigure({ ...recorder.config, events: { history: 1 } }, () => {
    recorder.observe(gone);
  });
  expect(recorder.kept()).toEqual(['2 status_changed']);
  recorder.observe(gone);
  expect(recorder.logged).toHaveLength(2);
});

test('a blocked budget is one event per block, however long it lasts', () => {
  const recorder = aRecorder();
  const block = (until: number | undefined): void => {
    recorder.block([{ accounts: [account], until }]);
    recorder.observe({ ...up, takenAt: NOW });
  };
  recorder.observe(up);
  block(undefined);
  block(NOW + 300_000);
  block(NOW + 400_000);
  expect(recorder.logged.map(({ kind, message, accountId }) => [kind, message, accountId])).toEqual([
    [
      'token_blocked',
      'Cloudflare refuses the requests of the token of Production for 5m: too many were sent',
      'acc',
    ],
  ]);
  block(undefined);
  block(NOW + 300_000);
  expect(recorder.counts.get('token_blocked')).toBe(2);
});

test('a block of a token with several accounts is one event', () => {
  const recorder = aRecorder();
  const others = [
    account,
    { id: 'b', name: '' },
    { id: 'c', name: 'C' },
    { id: 'd', name: 'D' },
    { id: 'e', name: 'E' },
  ];
  recorder.block([{ accounts: others, until: NOW + 60_000 }]);
  recorder.observe(up);
  expect(recorder.logged).toMatchObject([
    { accountId: undefined, message: expect.stringContaining('of Production, b, C and 2 more for 1m') },
  ]);
});
