import { expect, test } from 'vitest';
import { plan, type Plan, type PlanOptions } from '../../src/core/plan.ts';
import type { AccountState, ListState } from '../../src/core/snapshot.ts';
import { anAccount, aTunnel, NOW } from '../support/snapshots.ts';

/** Two requests per second. */
function planned(accounts: readonly AccountState[], parts: Partial<PlanOptions> = {}): Plan {
  return plan(accounts, {
    now: NOW,
    pollIntervalMs: 30_000,
    staleAfterMs: 3_600_000,
    requestBudget: 600,
    capacity: 150,
    allowance: 100,
    listAllowance: 60,
    configurationAllowance: 0,
    minAgeMs: 20_000,
    configurations: false,
    routes: false,
    routeAllowance: 1,
    isOnce: false,
    isListed: () => false,
    isBeingListed: () => false,
    ...parts,
  });
}

/** Listed `askedS` seconds ago; its tunnels were never observed. */
function account(id: string, { askedS, tunnels = 0, ...list }: AccountParts = {}): AccountState {
  const states = Array.from({ length: tunnels }, (_, index) =>
    aTunnel({ id: `${id}-${index}`, name: `${id}-${index}`, connectors: undefined }),
  );
  const base = anAccount({ id, tunnels: states });
  const answeredAt = askedS === undefined ? undefined : NOW - askedS * 1000;
  return { ...base, list: { ...base.list, answeredAt, ...list } };
}

interface AccountParts extends Partial<Omit<ListState, 'answeredAt'>> {
  readonly askedS?: number;
  readonly tunnels?: number;
}

const isListed = (id: string): boolean => id === 'listed';

const many = (count: number, parts: AccountParts = {}): readonly AccountState[] =>
  Array.from({ length: count }, (_, index) => account(`a${index}`, parts));

/** How many requests of each kind. */
function counts({ requests }: Plan) {
  const of = (kind: string): number => requests.filter((request) => request.kind === kind).length;
  return { lists: of('list'), connections: of('connections') };
}

test('due lists come before details, which wait for the list of their account', () => {
  const accounts = [account('due', { askedS: 30, tunnels: 3 }), account('listed', { askedS: 1, tunnels: 2 })];
  const { requests } = planned(accounts, { isListed });
  expect(requests.map((request) => ('tunnel' in request ? request.tunnel.name : request.accountId))).toEqual([
    'due',
    'listed-0',
    'listed-1',
  ]);
});

test('details of an account whose list is in flight wait for it, those of other accounts do not', () => {
  const accounts = [account('slow', { tunnels: 3 }), account('quick', { tunnels: 2 })];
  const options = { isBeingListed: (id: string) => id === 'slow', isListed: () => true };
  expect(counts(planned(accounts, options))).toEqual({ lists: 0, connections: 2 });
});

test('plans at most what the budget allows', () => {
  const accounts = [...many(40, { askedS: 30 }), account('listed', { askedS: 1, tunnels: 500 })];
  for (const allowance of [0, 1, 39, 40, 41, 100]) {
    const result = planned(accounts, { allowance, isListed });
    expect(result.requests.length).toBeLessThanOrEqual(allowance);
    expect(counts(result).lists).toBe(Math.min(40, allowance));
    expect(result.unafforded).toBe(540 - result.requests.length);
  }
});

test('lists get at most their share while details are due, if the budget is too small for all', () => {
  const accounts = [
    ...many(200, { askedS: 500, intervalMs: 200_000 }),
    account('listed', { askedS: 1, tunnels: 500, intervalMs: 200_000 }),
  ];
  const options = { isListed };
  const result = planned(accounts, { ...options, listAllowance: 12.5 });
  expect(counts(result)).toEqual({ lists: 13, connections: 87 });
  expect(result.sharedLists).toBe(13);
  expect(counts(planned(accounts, { ...options, listAllowance: -3 }))).toEqual({
    lists: 0,
    connections: 100,
  });
});

test('lists use what details leave, which does not count against their share', () => {
  const accounts = [
    ...many(50, { askedS: 500, intervalMs: 200_000 }),
    account('listed', { askedS: 1, tunnels: 5, intervalMs: 200_000 }),
    account('early', { askedS: 60, intervalMs: 200_000 }),
  ];
  const result = planned(accounts, { isListed, listAllowance: 10 });
  expect(counts(result)).toEqual({ lists: 51, connections: 5 });
  expect(result.requests.at(-1)).toMatchObject({ accountId: 'early' });
  expect(result.sharedLists).toBe(10);
});

test('lists at every poll are not limited to a share', () => {
  expect(counts(planned(many(30, { askedS: 30 }), { listAllowance: 0 }))).toEqual({
    lists: 30,
    connections: 0,
  });
});

test('a part of the bucket is reserved for changes, but not by once', () => {
  const observed = aTunnel({ id: 'old', name: 'old', connectorsAt: NOW - 60_000 });
  const tunnels = Array.from({ length: 200 }, (_, index) => ({
    ...observed,
    tunnel: { ...observed.tunnel, id: `t${index}` },
  }));
  const base = anAccount({ id: 'acc' });
  const full = { ...base, tunnels: new Map(tunnels.map((state) => [state.tunnel.id, state])) };
  expect(counts(planned([full], { isListed: () => true })).connections).toBe(100 - 36);
  expect(counts(planned([full], { isListed: () => true, isOnce: true })).connections).toBe(100);
});

test('a list larger than the bucket is planned with a full bucket', () => {
  const huge = account('huge', { askedS: 30, requests: 20 });
  const options = { requestBudget: 40, capacity: 10, listAllowance: 4 };
  expect(counts(planned([huge], { ...options, allowance: 9 })).lists).toBe(0);
  expect(counts(planned([huge], { ...options, allowance: 10 })).lists).toBe(1);
});

test('requests for the next lists are reserved before details', () => {
  // In two seconds twenty requests are due, of which the budget gains four.
  const accounts = [...many(20, { askedS: 28 }), account('listed', { askedS: 1, tunnels: 500 })];
  expect(counts(planned(accounts, { isListed: () => true, allowance: 40 })).connections).toBe(40 - 16);
});

const routesOf = ({ requests }: Plan): readonly string[] =>
  requests.flatMap((request) =>
    request.kind === 'routes' ? [`${request.accountId} ${request.routeKind}`] : [],
  );

const isNetwork = ({ routeKind }: { readonly routeKind: string }): boolean => routeKind === 'network';

test('lists of routes get their share while details wait, and all spare budget', () => {
  const options = { routes: true, isListed: () => true };
  const busy = [account('a', { askedS: 5, tunnels: 500 }), account('b', { askedS: 5 })];
  const few = planned(busy, options);
  expect(routesOf(few)).toEqual(['a network']);
  expect(few.requests.filter(({ kind }) => kind === 'connections').length).toBeGreaterThan(20);
  const calm = [account('a', { askedS: 5 }), account('b', { askedS: 5 })];
  const all = planned(calm, options);
  expect(routesOf(all)).toEqual(['a network', 'a hostname', 'b network', 'b hostname']);
  expect(all.unafforded).toBe(0);
  expect(planned(calm, { ...options, allowance: 1 })).toMatchObject({ unafforded: 3 });
  expect(routesOf(planned(calm, { ...options, allowance: 0 }))).toEqual([]);
  expect(routesOf(planned(calm, { ...options, routes: false }))).toEqual([]);
  const isReading = { isReadingRoutes: isNetwork };
  expect(routesOf(planned(calm, { ...options, ...isReading }))).toEqual(['a hostname', 'b hostname']);
  expect(routesOf(planned([{ ...account('new'), listedAt: new Map() }], { routes: true }))).toEqual([]);
});
