import { expect, test } from 'vitest';
import { type Change, type EventHistory, NO_EVENTS, numbered, recorded } from '../../src/core/events.ts';
import { eventsBetween } from '../../src/core/events-between.ts';
import type { KnownTunnelType } from '../../src/core/model.ts';
import {
  type Act,
  aListed,
  aRoute,
  aStory,
  configuration,
  connections,
  failedList,
  routes,
  s,
  list,
} from '../support/core-builders.ts';
import { aConnection, aConnector, NOW } from '../support/snapshots.ts';

const EXPECTED = [{ accountId: 'acc', tunnel: 'shop', minConnectors: undefined }];
const TYPES: readonly KnownTunnelType[] = ['cfd_tunnel', 'warp_connector'];

/** The events of consecutive polls since the start of the exporter. */
function anExporter() {
  const story = aStory('acc', 'other');
  let history: EventHistory = NO_EVENTS;
  return {
    story,
    poll: (seconds: number, ...acts: readonly Act[]): readonly Change[] => {
      const before = story.snapshot();
      const after = story.poll(s(seconds), ...acts);
      const changes = eventsBetween(before, after, { expected: EXPECTED, types: TYPES });
      history = recorded(history, numbered(history, changes), 1000);
      return changes;
    },
    lines: () => history.events.map(lineOf),
  };
}

function lineOf({ at, kind, severity, accountId, message, affected, lastObservedAt }: Change): string {
  const behind = affected.length === 0 ? '' : ` [${affected.join(' ')}]`;
  const last = lastObservedAt === undefined ? '' : ` {last observed ${clockOf(lastObservedAt)}}`;
  return `${clockOf(at)} ${severity} ${kind} ${accountId ?? '-'}: ${message}${behind}${last}\n`;
}

const clockOf = (at: number): string => new Date(at).toISOString().slice(11, 19);

const DAY = 86_400_000;
const shop = aListed('shop', { activeAt: NOW - 14 * DAY - 3 * 3_600_000 });
const down = { status: 'down', activeAt: undefined } as const;
const grafana = aListed('grafana');
const mesh = aListed('mesh', { type: 'warp_connector' });
const ssh = aListed('ssh');
const other = { accountId: 'other' };
const a1 = aListed('a1', { accountId: 'other' });
const a2 = aListed('a2', { accountId: 'other' });

const one = aConnector({
  id: '11111111-0000',
  connections: [aConnection({ id: 'x1', originIp: '203.0.113.1' })],
});
const two = aConnector({
  id: '22222222-0000',
  connections: [aConnection({ id: 'x2', originIp: '203.0.113.2' })],
});
const twoAgain = { ...two, id: '33333333-0000', version: '2026.3.0' };
const warp = (id: string, haStatus: 'active' | 'passive' | 'offline') =>
  aConnector({
    id,
    haStatus,
    version: undefined,
    connections: haStatus === 'offline' ? [] : [aConnection({ id })],
  });
const ingress = (...hostnames: readonly string[]) =>
  hostnames.map((hostname) => ({ hostname, service: 'http://localhost', path: '' }));

/** The same with a list every 30 seconds. `lists` is used until another is given. */
function aWatchedFleet(...initial: readonly Act[]) {
  const exporter = anExporter();
  let lists = initial;
  let now = -30;
  const at = (seconds: number, ...details: readonly Act[]): void => {
    for (; now + 30 <= seconds; now += 30) exporter.poll(now + 30, ...lists);
    if (details.length > 0) exporter.poll(seconds, ...details);
  };
  return {
    at,
    lines: exporter.lines,
    /** From then on. */
    listed: (seconds: number, ...next: readonly Act[]): void => {
      at(seconds - 30);
      lists = next;
      at(seconds);
    },
  };
}

function configured(version: number, ...hostnames: readonly string[]): Act {
  return configuration('shop', { version, ingress: ingress(...hostnames), haMode: undefined });
}

test('the events of an hour', async () => {
  const oldDown = aListed('old', { ...down, inactiveAt: s(-600) });
  const others = list([a1, a2], other);
  const intranet = aListed('new', { createdAt: s(290), activeAt: s(320), name: 'intranet' });

  const networks = routes('network', [aRoute('10.0.0.0/16', 'shop'), aRoute('10.1.0.0/16', 'shop')]);

  // What an exporter finds at its start is not news.
  const first = aWatchedFleet(list([shop, grafana, mesh, oldDown]), others);
  first.at(
    1,
    connections('shop', [one, two]),
    connections('mesh', [warp('aaaaaaaa', 'active'), warp('bbbbbbbb', 'passive')]),
    configured(7, 'shop.example.com'),
    networks,
    routes('hostname', [aRoute('wiki.corp', 'shop'), aRoute('db.corp', 'shop')]),
  );
  // A tunnel comes, runs and is renamed; another one is deleted.
  const idle = { ...intranet, name: 'new', status: 'inactive', activeAt: undefined } as const;
  first.listed(300, list([shop, grafana, mesh, idle, oldDown]), others);
  first.listed(330, list([shop, grafana, mesh, { ...intranet, name: 'new' }]), others);
  first.at(331, connections('new', [one]));
  first.listed(360, list([shop, grafana, mesh, intranet]), others);
  // A connector restarts as another version, one is added, one goes; the configuration changes.
  first.at(601, connections('shop', [one, twoAgain]));
  first.at(631, connections('shop', [one, twoAgain, aConnector({ id: '44444444-0000' })]));
  first.at(661, connections('shop', [one, twoAgain]));
  first.at(691, configured(8, 'shop.example.com', 'api.example.com'));
  // Requests that fail are no events.
  first.listed(720, failedList(), failedList(other));
  first.at(721, connections('shop', 'server'), configuration('shop', 'server'), routes('network', 'server'));
  first.listed(780, list([shop, grafana, mesh, intranet]), others);
  first.at(
    781,
    connections('shop', [one, twoAgain]),
    configured(8, 'shop.example.com', 'api.example.com'),
    networks,
  );
  // A WARP connector fails over; the one before goes offline later.
  first.at(901, connections('mesh', [warp('aaaaaaaa', 'passive'), warp('bbbbbbbb', 'active')]));
  first.at(931, connections('mesh', [warp('aaaaaaaa', 'offline'), warp('bbbbbbbb', 'active')]));
  // A tunnel degrades, goes down, and comes back with one of its connectors.
  first.listed(1200, list([{ ...shop, status: 'degraded' }, grafana, mesh, intranet]), others);
  first.listed(1230, list([{ ...shop, ...down, inactiveAt: s(1225) }, grafana, mesh, intranet]), others);
  const back = { ...shop, activeAt: s(1490) };
  first.listed(1500, list([back, grafana, mesh, intranet]), others);
  first.at(1501, connections('shop', [one]));
  // The other account cannot be listed for longer than its data may be shown; one of its tunnels goes down meanwhile.
  first.listed(1530, list([back, grafana, mesh, intranet]), failedList(other));
  const otherDown = { ...a2, ...down, inactiveAt: s(1800) };
  first.listed(2100, list([back, grafana, mesh, intranet]), list([a1, otherDown], other));
  // An expected tunnel is deleted, and made again.
  first.listed(2310, list([grafana, mesh, intranet]), list([a1, otherDown], other));
  const again = aListed('again', { name: 'shop', createdAt: s(2320) });
  first.listed(2340, list([again, grafana, mesh, intranet]), list([a1, otherDown], other));

  // The exporter restarts: what it finds is not news, what changes then is.
  const restarted = aWatchedFleet(list([again, grafana, mesh, intranet]), list([a1, otherDown], other));
  restarted.at(2401, connections('grafana', [one]));
  restarted.listed(
    2430,
    list([again, grafana, mesh, intranet, ssh]),
    list([a1, { ...a2, activeAt: s(2420) }], other),
  );
  restarted.at(3600);
  await expect(
    [...first.lines(), '-- the exporter restarts --\n', ...restarted.lines()].join(''),
  ).toMatchFileSnapshot('../golden/events-of-an-hour.txt');
});

test('a list that fails for an hour and then shows 40 tunnels down causes 40 events', () => {
  const { poll, story } = anExporter();
  const names = Array.from({ length: 40 }, (_, index) => `t${index}`);
  poll(0, list(names.map((name) => aListed(name))));
  poll(1, ...names.map((name) => connections(name, [aConnector({ id: `c-${name}` })])));
  for (let at = 30; at <= 3600; at += 30) {
    const changes = poll(at, failedList());
    expect(changes.filter(({ kind }) => kind !== 'account_lost')).toEqual([]);
  }
  expect(story.names()).toEqual([]);
  const changes = poll(3630, list(names.map((name) => aListed(name, down))));
  expect(Map.groupBy(changes, ({ kind }) => kind).get('status_changed')).toHaveLength(40);
  expect(changes.map(({ kind }) => kind).filter((kind) => kind !== 'status_changed')).toEqual([
    'account_recovered',
  ]);
  expect(poll(3660, list(names.map((name) => aListed(name, down))))).toEqual([]);
});

test('stale data that returns unchanged causes no events about tunnels', () => {
  const { poll } = anExporter();
  const seen = [
    connections('shop', [one, two]),
    configuration('shop', { version: 7, ingress: [], haMode: undefined }),
  ];
  poll(0, list([shop]), ...seen);
  for (const at of [30, 330, 630]) poll(at, failedList());
  expect(poll(660, list([shop])).map(({ kind }) => kind)).toEqual(['account_recovered']);
  expect(poll(661, ...seen)).toEqual([]);
});

function kinds(changes: readonly Change[]): readonly string[] {
  return changes.map(({ kind, message }) => `${kind} ${message}`);
}

test('changes while every list failed cause one event each when lists succeed again', () => {
  const { poll } = anExporter();
  poll(
    0,
    list([shop, grafana]),
    connections('shop', [one]),
    configuration('shop', { version: 7, ingress: [], haMode: undefined }),
  );
  for (const at of [30, 330, 630]) poll(at, failedList());
  expect(kinds(poll(660, list([{ ...shop, name: 'store' }, ssh])))).toEqual([
    'account_recovered account acc is listed again',
    'tunnel_renamed shop was renamed to store',
    'tunnel_created ssh is listed now; it was created 30d ago',
    'tunnel_deleted grafana was deleted (was healthy)',
  ]);
  expect(
    kinds(
      poll(
        661,
        connections('shop', [twoAgain]),
        configuration('shop', { version: 9, ingress: [], haMode: undefined }),
      ),
    ),
  ).toEqual([
    'connector_replaced store: connector 11111111 (2026.2.0) was replaced by 33333333 (2026.3.0)',
    'configuration_changed configuration of store changed from version 7 to 9',
  ]);
});
