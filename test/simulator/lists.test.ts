import { expect, test } from 'vitest';
import { sampleAccounts } from '../../src/simulator/sample.ts';
import { ACCOUNT, codes, rig, START } from './support.ts';
import type { Told } from './support.ts';

const HOUR = 3_600_000;
const base = `/accounts/${ACCOUNT}`;

const fleet = rig({
  accounts: [
    {
      id: ACCOUNT,
      name: 'One',
      tunnels: [
        { name: 'web-1', connectors: [{}, {}], createdAt: START - 50 * HOUR },
        { name: 'web-2', connectors: [{ colos: ['fra08'], wantedConnections: 4 }] },
        { name: 'db-1', downSince: START - 2 * HOUR, createdAt: START - 9 * HOUR },
        { name: 'db-2' },
        { name: 'mesh', type: 'warp_connector', connectors: [{}] },
        { name: 'office', type: 'gre' },
      ],
    },
  ],
});
const names = (query: string): readonly string[] =>
  fleet.ask(`${base}/${query}`).body.result.map(({ name }: { name: string }) => name);

test.each([
  ['tunnels', ['web-1', 'web-2', 'db-1', 'db-2', 'mesh', 'office']],
  ['tunnels?tun_types=cfd_tunnel,warp_connector', ['web-1', 'web-2', 'db-1', 'db-2', 'mesh']],
  ['tunnels?tun_types=gre', ['office']],
  ['cfd_tunnel', ['web-1', 'web-2', 'db-1', 'db-2']],
  ['warp_connector', ['mesh']],
  ['tunnels?name=db-1', ['db-1']],
  ['tunnels?name=db', []],
  ['tunnels?include_prefix=web', ['web-1', 'web-2']],
  ['cfd_tunnel?exclude_prefix=web', ['db-1', 'db-2']],
  ['tunnels?include_prefix=web&exclude_prefix=web-2', ['web-1']],
  ['cfd_tunnel?status=healthy', ['web-1']],
  ['tunnels?status=degraded', ['web-2']],
  ['tunnels?status=down', ['db-1']],
  ['cfd_tunnel?status=inactive', ['db-2']],
  [`cfd_tunnel?existed_at=${new Date(START - HOUR).toISOString()}`, ['web-1', 'db-1']],
  [`cfd_tunnel?was_active_at=${new Date(START - 3 * HOUR).toISOString()}`, ['db-1']],
  [`cfd_tunnel?was_inactive_at=${new Date(START - HOUR).toISOString()}`, ['web-1', 'db-1']],
  ['tunnels?is_deleted=true', []],
])('%s lists %j', (query, expected) => {
  expect(names(query)).toEqual(expected);
});

test('uuid finds one tunnel', () => {
  const [first] = fleet.ask(`${base}/tunnels`).body.result;
  expect(names(`tunnels?uuid=${first.id}`)).toEqual(['web-1']);
});

test('a deleted tunnel is listed only with is_deleted or a time at which it existed', () => {
  const { ask, wait } = rig({ accounts: [{ id: ACCOUNT, name: 'One', tunnels: [{ name: 'gone' }] }] });
  const [{ id }] = ask(`${base}/tunnels`).body.result;
  wait(HOUR);
  ask({ method: 'DELETE', path: `${base}/cfd_tunnel/${id}` });
  const count = (query: string): number => ask(`${base}/tunnels${query}`).body.result.length;
  expect(count('')).toBe(0);
  expect(count('?is_deleted=false')).toBe(0);
  expect(count('?is_deleted=true')).toBe(1);
  expect(count(`?existed_at=${new Date(START + HOUR / 2).toISOString()}`)).toBe(1);
  expect(count(`?existed_at=${new Date(START + 2 * HOUR).toISOString()}`)).toBe(0);
});

test.each([
  'tunnels?page=0',
  'tunnels?page=x',
  'tunnels?per_page=0',
  'cfd_tunnel?per_page=1001',
  'warp_connector?per_page=1.5',
  'tunnels?tun_types=cfd_tunnel,nonsense',
  'tunnels?status=unhealthy',
  'tunnels?is_deleted=maybe',
  'tunnels?existed_at=yesterday',
])('%s is a bad request', (query) => {
  const told = fleet.ask(`${base}/${query}`);
  expect(told.status).toBe(400);
  expect(told.body).toMatchObject({ success: false, result: null });
  expect(codes(told)).toHaveLength(1);
});

function walk(
  ask: (path: string) => Told,
  query = '',
): { readonly pages: readonly Told[]; readonly ids: readonly string[] } {
  const pages: Told[] = [];
  const ids: string[] = [];
  for (;;) {
    const told = ask(`${base}/tunnels?page=${pages.length + 1}${query}`);
    if (told.body.result.length === 0) return { pages, ids };
    pages.push(told);
    ids.push(...told.body.result.map(({ id }: { id: string }) => id));
  }
}

test('pages add up to total_count, each id once', () => {
  const [sample] = sampleAccounts({ seed: 3, now: START, tunnels: 2345, connectors: 1 });
  const { ask } = rig({ accounts: [{ ...sample, id: ACCOUNT, name: 'Many' }] });
  const { pages, ids } = walk(ask);
  expect(pages.map(({ body }) => body.result_info)).toEqual([
    { page: 1, per_page: 1000, count: 1000, total_count: 2345 },
    { page: 2, per_page: 1000, count: 1000, total_count: 2345 },
    { page: 3, per_page: 1000, count: 345, total_count: 2345 },
  ]);
  expect(new Set(ids).size).toBe(2345);
});

test('a server that returns fewer rows per page reports its per_page', () => {
  const { ask } = rig({
    maxPerPage: 2,
    accounts: [{ id: ACCOUNT, name: 'One', tunnels: ['a', 'b', 'c', 'd', 'e'].map((name) => ({ name })) }],
  });
  const { pages, ids } = walk(ask, '&per_page=1000');
  expect(pages.map(({ body }) => body.result_info?.per_page)).toEqual([2, 2, 2]);
  expect(ids).toHaveLength(5);
});

test.each([
  ['filtered', [3, 2, 1, 2, 0, 1]],
  ['unfiltered', [5, 5, 5, 3, 5, 5]],
] as const)('a total_count that is %s', (totalCount, expected) => {
  const { ask } = rig({
    totalCount,
    accounts: [
      {
        id: ACCOUNT,
        name: 'One',
        tunnels: [
          { name: 'web', connectors: [{}] },
          { name: 'db' },
          { name: 'mesh', type: 'warp_connector' },
          { name: 'gone', createdAt: START - 2 * HOUR, deletedAt: START - HOUR },
          { name: 'gone-mesh', type: 'warp_connector', deletedAt: START - HOUR },
        ],
      },
    ],
  });
  const [{ id }] = ask(`${base}/tunnels`).body.result;
  const queries = [
    'tunnels?is_deleted=false',
    'tunnels?is_deleted=false&tun_types=cfd_tunnel',
    `tunnels?is_deleted=false&uuid=${id}`,
    'cfd_tunnel?is_deleted=false',
    'tunnels?uuid=00000000-0000-4000-8000-000000000000',
    'tunnels?is_deleted=true&tun_types=cfd_tunnel',
  ];
  const told = queries.map((query) => ask(`${base}/${query}`).body);
  expect(told.map((body) => body.result_info?.total_count)).toEqual(expected);
  expect(told.map((body) => body.result.length)).toEqual([3, 2, 1, 2, 0, 1]);
});

test('hundreds of accounts on one token, some with deleted tunnels', () => {
  const { simulation, ask } = rig({
    accounts: sampleAccounts({ seed: 1, now: START, accounts: 300, tunnels: 600, deleted: 150 }),
  });
  const counts = simulation.fleet.accounts().map(({ id }) => ({
    listed: ask(`/accounts/${id}/tunnels`).body.result.length,
    deleted: ask(`/accounts/${id}/tunnels?is_deleted=true`).body.result.length,
  }));
  expect(counts).toHaveLength(300);
  expect(new Set(counts.map(({ listed }) => listed))).toEqual(new Set([2]));
  expect(counts.filter(({ deleted }) => deleted === 1)).toHaveLength(150);
});
