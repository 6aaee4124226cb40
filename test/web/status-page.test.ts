import { expect, test } from 'vitest';
import { statusPageParts } from '../../src/web/status-page.ts';
import type { StatusPageOptions } from '../../src/web/status-page.ts';
import { type EventHistory, NO_EVENTS } from '../../src/core/events.ts';
import type { Snapshot, TunnelState } from '../../src/core/snapshot.ts';
import { EVERY_TUNNEL, parseFilter } from '../../src/web/tunnel-filter.ts';
import { aRoute } from '../support/core-builders.ts';
import { anEvent } from '../support/events.ts';
import {
  NOW,
  aConnection,
  aConnector,
  aDownTunnel,
  aSnapshot,
  aTunnel,
  anAccount,
  connectionsTo,
} from '../support/snapshots.ts';
import { aCalmFleet, aTroubledFleet, hostileNames } from './sample-fleets.ts';

const MINUTE = 60_000;

function render(snapshot: Snapshot, options: Partial<StatusPageOptions> = {}): string {
  const parts = statusPageParts(snapshot, NOW, {
    version: '1.2.3',
    telemetryPath: '/metrics',
    readiness: { ready: true, reason: '' },
    lateAfterMs: 2 * MINUTE,
    events: NO_EVENTS,
    filter: EVERY_TUNNEL,
    ...options,
  });
  return [...parts].join('');
}

/** The visible text, with single spaces. */
function read(page: string): string {
  return page
    .replace(/<style>[^]*<\/style>/, '')
    .replaceAll(/<[^>]*>/g, ' ')
    .replaceAll(/\s+/g, ' ')
    .trim();
}

function rowsOf(page: string): readonly string[] {
  return [...page.matchAll(/<tr id=[^]*?<\/tr>/g)].map(([row]) => read(row));
}

test('the header shows product, version, readiness and the age of the data', () => {
  expect(read(render(aCalmFleet()))).toMatch(
    /^Cloudflare tunnels Cloudflare tunnels cloudflare-tunnel-exporter 1\.2\.3 ready data 14 s old 2026-03-01 12:00 UTC /,
  );
});

test('the header says why the exporter is not ready', () => {
  const page = render(aCalmFleet(), { readiness: { ready: false, reason: 'shutting down' } });
  expect(read(page)).toContain('not ready shutting down');
});

test('before the first poll has finished, the page says so and refreshes sooner', () => {
  const page = render(aSnapshot(anAccount({ up: undefined, listedAt: new Map() })));
  expect(read(page)).toContain('no data yet');
  expect(read(page)).toContain('The first poll has not finished yet.');
  expect(page).toContain('<meta http-equiv="refresh" content="5"');
  expect(page).not.toContain('<table');
});

test('the page refreshes every 30 seconds', () => {
  expect(render(aCalmFleet())).toContain('<meta http-equiv="refresh" content="30"');
});

test('an account without tunnels says that it has none', () => {
  expect(read(render(aSnapshot(anAccount())))).toContain('No tunnels: the account has none');
});

test('a fleet without problems needs no attention', () => {
  const page = read(render(aCalmFleet()));
  expect(page).toContain('Nothing needs attention.');
  expect(page).not.toContain('Needs attention');
});

test('the tiles count every status', () => {
  expect(read(render(aTroubledFleet()))).toContain('down 2 degraded 1 unknown 8 healthy 5 inactive 1 all 17');
});

test('the title of the page counts the problems', () => {
  expect(render(aTroubledFleet())).toContain(
    '<title>2 down · 1 degraded · 8 unknown · Cloudflare tunnels</title>',
  );
});

test('problems come first, worst first, with their start and account', () => {
  const page = read(render(aTroubledFleet()));
  const troubles = page.slice(page.indexOf('Needs attention'));
  expect(troubles).toContain('down ssh-bastion down for 2 h 13 min, since 2026-03-01 09:47 UTC · Production');
  expect(troubles).toContain(
    'degraded grafana up for 3 d 4 h, since 2026-02-26 08:00 UTC · 2 connections left · Production',
  );
  expect(troubles.indexOf('ssh-bastion')).toBeLessThan(troubles.indexOf('grafana'));
});

test('a large outage lists only the first problems above the tables', () => {
  const tunnels = Array.from({ length: 25 }, (_, index) =>
    aDownTunnel({ id: `t${index}`, name: `n${index}` }),
  );
  const page = render(aSnapshot(anAccount({ tunnels })));
  expect(read(page)).toContain('and 5 more tunnels below');
  expect(rowsOf(page)).toHaveLength(25);
});

const never = { success: undefined, lastSuccessAt: undefined };
const failed = (minutesAgo?: number) => ({
  success: false,
  lastSuccessAt: minutesAgo === undefined ? undefined : NOW - minutesAgo * MINUTE,
});
const noCollector = {
  tunnels: never,
  connections: never,
  warp_connections: never,
  configurations: never,
  routes: never,
};

test.each([
  [
    'of which nothing was ever listed',
    { up: false, listedAt: new Map(), collectors: { ...noCollector, tunnels: failed() } },
    'Never listed: every attempt to list its tunnels has failed.',
  ],
  [
    'whose data became too old',
    {
      up: false,
      listedAt: new Map(),
      collectors: { ...noCollector, tunnels: failed(22) },
      hidden: [aTunnel()],
    },
    'Data too old to show: the last complete list is 22 min old. Hidden: 1 tunnel.',
  ],
  [
    'whose last list failed',
    { up: false, listedAt: new Map([['cfd_tunnel', NOW - 4 * MINUTE]] as const) },
    'The last attempt to list its tunnels failed; the data shown is 4 min old.',
  ],
  [
    'whose list is late',
    { listedAt: new Map([['cfd_tunnel', NOW - 3 * MINUTE]] as const) },
    'The list is late: it is 3 min old.',
  ],
  [
    'whose connections cannot be read',
    { collectors: { ...noCollector, connections: failed(6) } },
    'Reading connections is failing; it last succeeded 6 min ago.',
  ],
  [
    'whose configurations could never be read',
    { collectors: { ...noCollector, configurations: failed() } },
    'Reading configurations is failing; it has never succeeded.',
  ],
])('an account %s needs attention', (_, parts, sentence) => {
  const page = read(render(aSnapshot(anAccount({ name: 'Production', ...parts }))));
  expect(page).toContain(`account Production ${sentence}`);
});

test('an account that waits for its first poll is named beside the others', () => {
  const page = render(
    aSnapshot(
      anAccount({ tunnels: [aTunnel()] }),
      anAccount({ id: 'b', name: 'Late', up: undefined, listedAt: new Map() }),
    ),
  );
  expect(read(page)).toContain('Late Not listed yet: its first poll has not finished.');
});

test('a row has every value of a tunnel', () => {
  const [row] = rowsOf(render(aSnapshot(anAccount({ tunnels: [aTunnel()] }))));
  expect(row).toBe(
    'web f70ff985 cfd_tunnel healthy up for 1 h 30 min 1 ams06 ×2 · fra08 ×2 2026.2.0 ×1 12 s ago',
  );
});

test('a row of WARP connectors in HA has the mode, the active connector and counts of the others', () => {
  const tunnel = aTunnel({
    type: 'warp_connector',
    configuration: { version: 1, ingress: undefined, haMode: 'local' },
    connectors: [
      aConnector({ id: 'aaaaaaaa-1', haStatus: 'active', connections: connectionsTo('fra08') }),
      aConnector({ id: 'bbbbbbbb-2', haStatus: 'passive', connections: connectionsTo('fra08') }),
    ],
  });
  const page = render(aSnapshot(anAccount({ tunnels: [tunnel, aTunnel({ id: 'plain', name: 'plain' })] })));
  expect(rowsOf(page)[1]).toContain('mode local · active aaaaaaaa · 1 passive');
  expect(page).toContain('>HA</th>');
  expect(render(aCalmFleet())).not.toContain('>HA</th>');
});

test('connections pending reconnect are not counted as serving', () => {
  const connections = [
    aConnection({ colo: 'lhr16' }),
    aConnection({ colo: undefined, pendingReconnect: true }),
  ];
  const tunnel = aTunnel({
    connectors: [aConnector({ connections }), aConnector({ id: 'idle', connections: [] })],
  });
  const [row] = rowsOf(render(aSnapshot(anAccount({ tunnels: [tunnel] }))));
  expect(row).toContain('1 + 1 idle lhr16 ×1 · 1 reconnecting');
});

test('unknown values are a dash, not 0', () => {
  const [down, unobserved] = rowsOf(
    render(
      aSnapshot(
        anAccount({
          tunnels: [
            aTunnel({
              id: 'b',
              name: 'unobserved',
              connectors: undefined,
              connectorsFailingSince: NOW - MINUTE,
            }),
            aDownTunnel({ id: 'a', name: 'down' }),
          ],
        }),
      ),
    ),
  );
  expect(down).toContain('down for 2 h 13 min 0 – – –');
  expect(unobserved).toContain('up for 1 h 30 min – – – not yet failing for 1 min');
});

test('rows are sorted worst first, then by name with numbers in order', () => {
  const tunnels = [
    aTunnel({ id: 'web-10', name: 'web-10', status: 'healthy' }),
    aTunnel({ id: 'web-9', name: 'web-9', status: 'healthy' }),
    aTunnel({ id: 'never', name: 'never', status: 'inactive' }),
    aDownTunnel({ id: 'z', name: 'zz' }),
    aTunnel({ id: 'shaky', name: 'shaky', status: 'degraded' }),
  ];
  const names = rowsOf(render(aSnapshot(anAccount({ tunnels })))).map((row) => row.split(' ')[0]);
  expect(names).toEqual(['zz', 'shaky', 'web-9', 'web-10', 'never']);
});

test('times in the future and outside the range of Date do not break the page', () => {
  const tunnels = [aTunnel({ activeAt: NOW + MINUTE }), aDownTunnel({ id: 'b', inactiveAt: -9e15 })];
  expect(read(render(aSnapshot(anAccount({ tunnels }))))).toContain('up for 0 s');
});

test('hostile names are shown as text with their hidden characters, never as markup', () => {
  const name = '<script>alert(1)</script>"\'&\u202E\n';
  const tunnel = aDownTunnel({ id: `"><script>`, name });
  const page = render(aSnapshot(anAccount({ id: `'"<script>`, name: `${name}x`, tunnels: [tunnel] })), {
    version: '<script>',
    telemetryPath: '/"><script>',
    readiness: { ready: false, reason: '<script>' },
  });
  expect(page).not.toMatch(/<script/i);
  expect(page).toContain(
    '<bdi class="name">&lt;script&gt;alert(1)&lt;/script&gt;&quot;&#39;&amp;⟨U+202E⟩⟨U+000A⟩</bdi>',
  );
});

test('no hostile name adds a tag, an attribute or a hidden character', () => {
  const harmless = renderNamed(hostileNames.map(() => 'plain'));
  const hostile = renderNamed(hostileNames);
  expect(tagsAroundNames(hostile)).toEqual(tagsAroundNames(harmless));
  expect(hostile).not.toMatch(/[\u0000\u0007\u202E]/); // oxlint-disable-line no-control-regex -- what must not be there
  expect(hostile.isWellFormed()).toBe(true);
  expect(hostile).toContain('xxx… (10000 characters)');
  expect(hostile).toContain('(no name)');
});

function renderNamed(names: readonly string[]): string {
  const tunnels = names.map((name, index) => aTunnel({ id: `t${index}`, name, status: 'unknown' }));
  return render(aSnapshot(anAccount({ tunnels })));
}

/** Leaves out the tags of names, because an empty name has others. */
function tagsAroundNames(page: string): readonly string[] {
  const tags = [...page.matchAll(/<[a-z/!][^>]*>/gi)].map(([tag]) => tag);
  return tags.filter((tag) => !/^<\/?(?:bdi|span)/.test(tag)).toSorted();
}

test('the page has no script, no inline style and no external resource', () => {
  const page = render(aTroubledFleet());
  expect(page).not.toMatch(/<script|<link|<img src|\son\w+=["']?\w+\(|\sstyle=|javascript:/i);
  expect(page).not.toMatch(/(?:href|src)="(?!#|\/)/);
});

/** The elements without an end tag that the page may have (HTML standard, "Void elements"). */
const VOID = new Set(['meta', 'link', 'br', 'hr', 'img']);

/** The ancestors of each element of a kind, outermost first. Throws if an end tag does not match. */
function ancestorsOf(page: string, kind: string): readonly string[] {
  const open: string[] = [];
  const found: string[] = [];
  for (const [, end, name = ''] of page.matchAll(/<(\/?)([a-z][a-z0-9]*)\b[^>]*>/g)) {
    if (end === '/') {
      const last = open.pop();
      if (last !== name) throw new Error(`</${name}> where ${last ?? 'nothing'} is open`);
    } else if (!VOID.has(name)) open.push(name);
    if (end !== '/' && name === kind) found.push(open.join(' '));
  }
  if (open.length > 0) throw new Error(`never ended: ${open.join(' ')}`);
  return found;
}

test('every element is closed in order: rows in their table, the table in its account, all in the page', () => {
  const page = render(aTroubledFleet());
  expect(new Set(ancestorsOf(page, 'td'))).toEqual(new Set(['html body main section table tbody tr td']));
  expect(ancestorsOf(page, 'footer')).toEqual(['html body footer']);
});

const eventful = (count: number): EventHistory => ({
  events: Array.from({ length: count }, (_, index) =>
    anEvent({ id: index + 1, at: NOW - (count - index) * MINUTE, message: `event ${index + 1}` }),
  ),
  lastId: count,
});

test('recent changes are listed newest first, with age, tunnel and account', () => {
  const page = render(aCalmFleet(), { events: eventful(12) });
  const changes = read(page.slice(page.indexOf('id="changes"')));
  expect(changes).toContain('Recent changes and 2 earlier ones in /api/v1/events');
  expect(changes).toMatch(/error 1 min ago event 12 details Production .*error 2 min ago event 11 /);
  expect(changes).not.toMatch(/event 2 /);
  expect(page).toContain('href="/tunnels/f70ff985-a4ef-4643-bbbc-4a0ed4fc8415"');
  expect(read(render(aCalmFleet()))).toContain('Recent changes None since the exporter started.');
});

const shopIsDown = (): TunnelState =>
  aDownTunnel({
    id: 'shop-id',
    name: 'shop',
    configuration: {
      version: 1,
      haMode: undefined,
      ingress: ['a', 'b', 'c', 'd'].map((name) => ({
        hostname: `${name}.example.com`,
        service: 'http://localhost',
        path: '',
      })),
    },
    routes: {
      network: [aRoute('10.0.0.0/16', 'shop-id'), aRoute('10.1.0.0/16', 'shop-id')],
      hostname: [aRoute('wiki.corp', 'shop-id')],
    },
    lastServing: { connectors: [aConnector(), aConnector({ id: 'other' })], at: NOW - 134 * MINUTE },
  });

test('the problem and the row of a tunnel name the first five targets behind it', () => {
  const page = render(aSnapshot(anAccount({ tunnels: [shopIsDown()] })));
  const targets = 'a.example.com · b.example.com · c.example.com · d.example.com · wiki.corp and 2 more';
  expect(read(page)).toContain(`behind it: ${targets}`);
  expect(rowsOf(page)[0]).toContain(`leads to ${targets}`);
});

test('a tunnel that is down shows its last observed connectors, marked as past', () => {
  const page = render(aSnapshot(anAccount({ tunnels: [shopIsDown()] })));
  expect(rowsOf(page)[0]).toMatch(
    /down down for 2 h 13 min 0 before 2 before ams06 ×4 · fra08 ×4 before 2026\.2\.0 ×2 last 2 h 14 min ago$/,
  );
  expect(page.match(/class="past"/g)).toHaveLength(3);
});

const filtered = (query: string): Partial<StatusPageOptions> => {
  const parsed = parseFilter(new URLSearchParams(query));
  if (!parsed.ok) throw new Error(parsed.problem);
  return { filter: parsed.filter };
};
const namesIn = (page: string): readonly string[] => rowsOf(page).map((row) => row.split(' ')[0] ?? '');

test('the page shows the tunnels that match the query, says so, and links to all', () => {
  const fleet = aSnapshot(
    anAccount({
      id: 'one',
      name: 'One',
      tunnels: [aTunnel({ id: 'a', name: 'web' }), aDownTunnel({ id: 'b', name: 'db' })],
    }),
    anAccount({ id: 'two', name: 'Two', tunnels: [aTunnel({ id: 'c', name: 'web' })] }),
  );
  const of = (query: string): string => render(fleet, filtered(query));
  expect(namesIn(of(''))).toEqual(['db', 'web', 'web']);
  expect(namesIn(of('status=down'))).toEqual(['db']);
  expect(namesIn(of('status=down&status=healthy&name=web'))).toEqual(['web', 'web']);
  expect(namesIn(of('account_id=two'))).toEqual(['web']);
  expect(read(of('status=down&account_id=two'))).toContain(
    'No tunnel matches the filter. The account has 1 tunnel.',
  );
  expect(read(of('account_id=two'))).toContain('Nothing in this selection needs attention.');
  expect(read(of('account_id=two&name=web'))).toContain(
    'Only tunnels with account two · name web are shown. Show all',
  );
  expect(read(of(''))).not.toContain('Show all');
  // The tiles count the tunnels that account and name select, and link to each status.
  expect(read(of('account_id=two&status=down'))).toContain(
    'down 0 degraded 0 unknown 0 healthy 1 inactive 0 all 1',
  );
  expect(of('account_id=two')).toContain('href="/?status=healthy&amp;account_id=two"');
});

test('the query filters changes by account and name', () => {
  const history = {
    events: [
      anEvent({ id: 1, message: 'one' }),
      anEvent({ id: 2, accountId: 'two', tunnelName: 'db', message: 'two' }),
    ],
    lastId: 2,
  };
  const changes = (query: string): string => {
    const page = render(aCalmFleet(), { events: history, ...filtered(query) });
    return read(
      page.slice(page.indexOf('id="changes"'), page.indexOf('</ul>', page.indexOf('id="changes"'))),
    );
  };
  expect(changes('')).toMatch(/ two .* one /);
  expect(changes('account_id=two')).not.toContain(' one');
  expect(changes('name=shop')).not.toContain(' two');
  expect(changes('status=down')).toMatch(/ two .* one /);
});

test('healthy tunnels of a large fleet are replaced by a link', () => {
  const many = Array.from({ length: 101 }, (_, index) => aTunnel({ id: `t${index}`, name: `n${index}` }));
  const small = render(aSnapshot(anAccount({ tunnels: many.slice(1) })));
  expect(rowsOf(small)).toHaveLength(100);
  const large = render(
    aSnapshot(anAccount({ id: 'acc', tunnels: [...many, aDownTunnel({ id: 'x', name: 'bad' })] })),
  );
  expect(namesIn(large)).toEqual(['bad']);
  expect(read(large)).toContain('Not shown: 101 healthy');
  expect(large).toContain('href="/?status=healthy&amp;account_id=acc"');
  const healthy = render(aSnapshot(anAccount({ id: 'acc', tunnels: many })), filtered('status=healthy'));
  expect(rowsOf(healthy)).toHaveLength(101);
  expect(namesIn(render(aSnapshot(anAccount({ tunnels: many })), filtered('name=n7')))).toEqual(['n7']);
});

test.each([
  ['all is well', () => aTunnel({})],
  ['all are down', () => shopIsDown()],
])('the page of 2,000 tunnels of which %s stays below 300 kB', (_, make) => {
  const tunnels = Array.from({ length: 2000 }, (_each, index) => {
    const state = make();
    const name = `warehouse-scanner-gateway-building-7-north-wing-line-${index}`;
    const id = `f70ff985-a4ef-4643-bbbc-${String(index).padStart(12, '0')}`;
    return { ...state, tunnel: { ...state.tunnel, id, name } };
  });
  const accounts = Array.from({ length: 20 }, (_each, index) =>
    anAccount({
      id: `${index}`,
      name: `Account ${index}`,
      tunnels: tunnels.slice(index * 100, index * 100 + 100),
    }),
  );
  expect(Buffer.byteLength(render(aSnapshot(...accounts), { events: eventful(1000) }))).toBeLessThan(300_000);
});
