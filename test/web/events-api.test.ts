import { expect, test } from 'vitest';
import type { EventHistory } from '../../src/core/events.ts';
import { renderEvents } from '../../src/web/events-api.ts';
import { anEvent } from '../support/events.ts';
import { NOW } from '../support/snapshots.ts';
import { ask, serving } from './serving.ts';

const history: EventHistory = {
  events: [
    anEvent({ id: 39, at: NOW - 120_000, kind: 'tunnel_created', severity: 'info', tunnelId: 'other' }),
    anEvent({
      id: 40,
      at: NOW - 60_000,
      kind: 'account_lost',
      accountId: 'acc2',
      tunnelId: undefined,
      tunnelName: undefined,
      from: undefined,
      to: undefined,
      affected: [],
      affectedCount: 0,
    }),
    anEvent({
      id: 41,
      lastConnectors: [{ id: 'c1', version: '2026.2.0', arch: undefined, colos: ['ams06', 'fra08'] }],
      lastObservedAt: NOW - 9000,
    }),
  ],
  lastId: 42,
};

function documentOf(query = ''): {
  readonly events: readonly { readonly id: number }[];
  readonly next: number;
} {
  const rendered = renderEvents(history, new URLSearchParams(query));
  if (!rendered.ok) throw new Error(rendered.problem);
  return JSON.parse([...rendered.parts].join(''));
}
const idsOf = (query: string): readonly number[] => documentOf(query).events.map(({ id }) => id);

test('the document lists events newest first, with every field, and the id for the next request', () => {
  const { events, next } = documentOf();
  expect(next).toBe(42);
  expect(events.map(({ id }) => id)).toEqual([41, 40, 39]);
  expect(events[0]).toEqual({
    id: 41,
    at: '2026-03-01T12:00:00.000Z',
    kind: 'status_changed',
    severity: 'error',
    account_id: 'acc',
    account_name: 'Production',
    tunnel_id: 'f70ff985-a4ef-4643-bbbc-4a0ed4fc8415',
    tunnel_name: 'shop',
    from: 'healthy',
    to: 'down',
    message: 'shop is down (was healthy for 14d 3h); behind it: shop.example.com, 10.0.0.0/16',
    affected: ['shop.example.com', '10.0.0.0/16'],
    affected_count: 2,
    last_connectors: [{ id: 'c1', version: '2026.2.0', arch: null, colos: ['ams06', 'fra08'] }],
    last_observed_at: '2026-03-01T11:59:51.000Z',
  });
  expect(events[1]).toMatchObject({ tunnel_id: null, tunnel_name: null, from: null, to: null, affected: [] });
});

test.each([
  ['since=39', [41, 40]],
  ['since=42', []],
  ['since=0', [41, 40, 39]],
  // From before a restart of the exporter.
  ['since=4711', [41, 40, 39]],
  ['since=2026-03-01T11:59:00Z', [41, 40]],
  ['since=2026-03-01T12:59:30%2B01:00', [41]],
  ['since=2026-03-01T12:59:30+01:00', [41]],
  ['limit=1', [41]],
  ['limit=2&since=39', [41, 40]],
  ['kind=account_lost', [40]],
  ['kind=account_lost&kind=tunnel_created', [40, 39]],
  ['account_id=acc2', [40]],
  ['account_id=acc&account_id=acc2', [41, 40, 39]],
  ['tunnel_id=other', [39]],
  ['tunnel_id=none', []],
  ['account_id=acc&kind=account_lost', []],
])('%s selects %j', (query, expected) => {
  expect(idsOf(query)).toEqual(expected);
});

test.each([
  ['kind=down', /^Unknown kind "down"; use one of tunnel_created, /],
  ['limit=0', /^limit "0" is not a whole number from 1 to 999999\.$/],
  ['limit=-1', /^limit /],
  ['limit=ten', /^limit /],
  ['since=yesterday', /^since "yesterday" is neither the id of an event nor a time like 2026-/],
  ['since=2026-13-01T00:00:00Z', /^since /],
  ['since=', /^since "" /],
])('%s is refused', (query, problem) => {
  expect(renderEvents(history, new URLSearchParams(query))).toMatchObject({
    ok: false,
    problem: expect.stringMatching(problem),
  });
});

test('the web server answers with the document, and with 400 if the query is invalid', async () => {
  const { url } = await serving({ events: () => history });
  const good = await ask(`${url}/api/v1/events?limit=1`);
  expect(good).toMatchObject({ status: 200, headers: { 'content-type': 'application/json; charset=utf-8' } });
  expect(JSON.parse(good.text)).toMatchObject({ events: [{ id: 41 }], next: 42 });
  expect(await ask(`${url}/api/v1/events?kind=x`)).toMatchObject({
    status: 400,
    text: expect.stringContaining('Unknown kind'),
  });
  expect(await ask(`${url}/api/v1/events`, { method: 'POST' })).toMatchObject({ status: 405 });
});
