import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import type { CallFailure, CallResult } from '../../src/cloudflare/errors.ts';
import { readList, type Page, type TotalCountMeaning } from '../../src/cloudflare/pagination.ts';
import { TUNNELS_PER_PAGE as PER_PAGE } from '../../src/core/intervals.ts';

interface Item {
  readonly id: string;
}

const items = (from: number, to: number): readonly Item[] =>
  Array.from({ length: to - from }, (_, index) => ({ id: `t${from + index}` }));

const page = (found: readonly Item[], totalCount?: number, perPage?: number): CallResult<Page<Item>> => ({
  ok: true,
  value: {
    items: found,
    info:
      totalCount === undefined && perPage === undefined
        ? undefined
        : { page: undefined, perPage, totalCount },
  },
});

const refusal: CallResult<never> = {
  ok: false,
  failure: { reason: 'server', message: 'answered 503', codes: [] },
};

/** Returns these answers in order, whatever page is requested, then the last one forever. */
function answering(...answers: readonly CallResult<Page<Item>>[]) {
  const asked: number[] = [];
  const fetchPage = async (number: number): Promise<CallResult<Page<Item>>> => {
    asked.push(number);
    return answers[Math.min(asked.length, answers.length) - 1] ?? refusal;
  };
  return { fetchPage, asked };
}

interface Told {
  readonly fetchPage: (page: number) => Promise<CallResult<Page<Item>>>;
  readonly asked: readonly number[];
}

async function completeWhere(meaning: TotalCountMeaning, { fetchPage, asked }: Told) {
  let meaningAsked = 0;
  const list = await readList({
    fetchPage,
    totalCountMeaning: async () => {
      meaningAsked += 1;
      return { ok: true, value: meaning };
    },
  });
  if (!list.ok) throw new Error(list.failure.message);
  return { count: list.value.length, asked, meaningAsked };
}

/** If `total_count` is right, its meaning is not requested. */
async function complete(...answers: readonly CallResult<Page<Item>>[]) {
  const { meaningAsked, ...list } = await completeWhere('unfiltered', answering(...answers));
  expect(meaningAsked).toBe(0);
  return list;
}

async function failingWhere(
  meaning: TotalCountMeaning,
  { fetchPage, asked }: Told,
): Promise<CallFailure & { asked: readonly number[] }> {
  const list = await readList({
    fetchPage,
    totalCountMeaning: async () => ({ ok: true, value: meaning }),
  });
  if (list.ok) throw new Error(`complete with ${list.value.length}`);
  return { ...list.failure, asked };
}

const failing = (...answers: readonly CallResult<Page<Item>>[]) =>
  failingWhere('filtered', answering(...answers));

test('a list of one page takes one request', async () => {
  expect(await complete(page(items(0, 3), 3, 1000))).toEqual({ count: 3, asked: [1] });
});

test('an empty list takes one request', async () => {
  expect(await complete(page([], 0, 1000))).toEqual({ count: 0, asked: [1] });
});

test('an exact multiple of the page size needs no additional page', async () => {
  expect(await complete(page(items(0, 1000), 2000, 1000), page(items(1000, 2000), 2000, 1000))).toEqual({
    count: 2000,
    asked: [1, 2],
  });
});

test.each([
  [50, 0],
  [1000, 2],
  [undefined, 0],
])('fewer per page than asked for, where the server claims %s', async (perPage, meaningAsked) => {
  const pages = [items(0, 50), items(50, 100), items(100, 120)].map((found) => page(found, 120, perPage));
  expect(await completeWhere('filtered', answering(...pages))).toEqual({
    count: 120,
    asked: [1, 2, 3],
    meaningAsked,
  });
});

test('an id that moves to the next page counts once', async () => {
  const list = await complete(page(items(0, 50), 99, 50), page(items(49, 99), 99, 50));
  expect(list).toEqual({ count: 99, asked: [1, 2] });
});

test('without result_info a page shorter than a full one is the last', async () => {
  expect(await complete(page(items(0, 3)))).toEqual({ count: 3, asked: [1] });
  expect(await complete(page(items(0, PER_PAGE)), page(items(PER_PAGE, PER_PAGE + 1)))).toMatchObject({
    count: PER_PAGE + 1,
  });
  expect(await complete(page(items(0, PER_PAGE)), page([]))).toEqual({ count: PER_PAGE, asked: [1, 2] });
});

test("without a total_count, the server's per_page decides whether a page is full", async () => {
  const list = await complete(page(items(0, 50), undefined, 50), page(items(50, 60), undefined, 50));
  expect(list).toEqual({ count: 60, asked: [1, 2] });
});

test('a total_count holds for later pages that do not repeat it', async () => {
  const pages = [page(items(0, 50), 100, 50), page(items(50, 60)), page([])];
  const failure = await failing(...pages, ...pages);
  expect(failure.message).toContain('nothing new after 60 ids of 100');
});

test('a total_count that changes within a list restarts it once', async () => {
  const changed = [page(items(0, 50), 100, 50), page(items(50, 99), 99, 50)];
  const list = await complete(...changed, page(items(0, 50), 99, 50), page(items(50, 99), 99, 50));
  expect(list).toEqual({ count: 99, asked: [1, 2, 1, 2] });
});

test('a total_count that keeps changing is a failure', async () => {
  const changed = [page(items(0, 50), 100, 50), page(items(50, 99), 99, 50)];
  const failure = await failing(...changed, ...changed);
  expect(failure).toMatchObject({ reason: 'malformed', asked: [1, 2, 1, 2] });
  expect(failure.message).toContain('total_count was 100, then 99 on page 2');
});

test('a page that repeats is a failure, not a shorter list', async () => {
  const failure = await failing(page(items(0, 50), 100, 50));
  expect(failure).toMatchObject({ reason: 'malformed', asked: [1, 2, 1, 2] });
  expect(failure.message).toContain('page 2 holds nothing new after 50 ids of 100');
});

test('a full page that repeats without any count is a failure', async () => {
  expect(await failing(page(items(0, PER_PAGE)))).toMatchObject({ reason: 'malformed' });
});

test('fewer ids than total_count is a failure', async () => {
  const failure = await failing(
    page(items(0, 5), 7, 1000),
    page([], 7, 1000),
    page(items(0, 5), 7, 1000),
    page([], 7, 1000),
  );
  expect(failure.message).toContain('nothing new after 5 ids of 7');
});

test('more ids than total_count is a failure', async () => {
  const failure = await failing(page(items(0, 5), 3, 1000));
  expect(failure.message).toContain('5 ids up to page 1, but total_count 3');
});

test('a page that fails fails the list, with its reason, its page and no second attempt', async () => {
  const failure = await failing(page(items(0, 50), 100, 50), refusal);
  expect(failure).toMatchObject({ reason: 'server', asked: [1, 2] });
  expect(failure.message).toBe('incomplete list, page 2 failed: answered 503');
});

test('the failure of the first page is reported unchanged', async () => {
  expect(await failing(refusal)).toMatchObject({ message: 'answered 503' });
});

test('endless pages end at the limit', async () => {
  let number = 0;
  const list = await readList({
    fetchPage: async () => {
      number += 1;
      return page(items(number * 10, number * 10 + 10), 1_000_000, 10);
    },
    totalCountMeaning: async () => ({ ok: true, value: 'filtered' }),
  });
  expect(number).toBe(100);
  expect(list).toMatchObject({
    ok: false,
    failure: { reason: 'malformed', message: 'list does not end after 100 pages' },
  });
});

test('if total_count counts more than requested, the list ends at a short page', async () => {
  expect(await completeWhere('unfiltered', answering(page(items(0, 3), 7, 1000)))).toEqual({
    count: 3,
    asked: [1],
    meaningAsked: 1,
  });
  const pages = answering(page(items(0, 50), 90, 50), page(items(50, 60), 90, 50));
  expect(await completeWhere('unfiltered', pages)).toMatchObject({ count: 60, asked: [1, 2] });
});

test('after a full last page of such a list, the next page is requested and its emptiness confirmed', async () => {
  const [full, empty] = [page(items(0, 50), 190, 50), page([], 190, 50)];
  expect(await completeWhere('unfiltered', answering(full, empty, empty, empty))).toMatchObject({
    count: 50,
    asked: [1, 2, 2, 3],
  });
  // Nine tunnels have no second page.
  expect(await completeWhere('unfiltered', answering(page([], 9, 50)))).toMatchObject({
    count: 0,
    asked: [1, 1],
  });
});

test('a page missing in the middle of such a list is a failure', async () => {
  const attempt = [page(items(0, 50), 190, 50), page([], 190, 50), page([], 190, 50)];
  const failure = await failingWhere(
    'unfiltered',
    answering(...attempt, page(items(100, 120), 190, 50), ...attempt, page(items(100, 120), 190, 50)),
  );
  expect(failure.message).toContain('page 2 was empty, then page 3 was not');
});

test('an id on two pages of such a list is a failure, because another may be missing', async () => {
  const pages = [page(items(0, 50), 190, 50), page(items(49, 60), 190, 50)];
  const failure = await failingWhere('unfiltered', answering(...pages, ...pages));
  expect(failure.message).toContain('an id is on two pages up to page 2');
});

test('a list that contradicts a total_count of unknown meaning is a failure', async () => {
  const list = await readList({
    fetchPage: answering(page(items(0, 5), 7, 1000)).fetchPage,
    totalCountMeaning: async () => refusal,
  });
  expect(list).toMatchObject({
    ok: false,
    failure: {
      reason: 'server',
      message:
        'incomplete list: its ids do not add up to total_count 7, and what that counts is not known: answered 503',
    },
  });
});

/** A server error on one page, once or always. */
const fault = fc.record({
  kind: fc.constantFrom('missing', 'repeats', 'fails'),
  page: fc.integer({ min: 1, max: 6 }),
  always: fc.boolean(),
});
type Fault = typeof fault extends fc.Arbitrary<infer T> ? T : never;

const server = fc.record({
  live: fc.integer({ min: 0, max: 40 }),
  deleted: fc.integer({ min: 0, max: 20 }),
  perPage: fc.integer({ min: 1, max: 12 }),
  meaning: fc.constantFrom('filtered', 'unfiltered'),
});
type Server = typeof server extends fc.Arbitrary<infer T> ? T : never;

function listOf({ live, deleted, perPage, meaning }: Server, broken?: Fault) {
  const total = meaning === 'filtered' ? live : live + deleted;
  let struck = false;
  const pageOf = (number: number) =>
    page(items(Math.min(live, (number - 1) * perPage), Math.min(live, number * perPage)), total, perPage);
  return readList({
    fetchPage: async (number) => {
      if (broken === undefined || number !== broken.page || (struck && !broken.always)) return pageOf(number);
      struck = true;
      if (broken.kind === 'fails') return refusal;
      return broken.kind === 'missing' ? page([], total, perPage) : pageOf(Math.max(1, number - 1));
    },
    totalCountMeaning: async () => ({ ok: true, value: meaning }),
  });
}

test('with any meaning of total_count and any page size, the list of a correct server is complete', async () => {
  await fc.assert(
    fc.asyncProperty(server, async (good) => {
      const list = await listOf(good);
      expect(list).toEqual({ ok: true, value: items(0, good.live) });
    }),
  );
});

test('a list with a missing, repeated or failed page is complete or a failure, never partial', async () => {
  await fc.assert(
    fc.asyncProperty(server, fault, async (bad, broken) => {
      // A last page that is always missing cannot be distinguished from a shorter list.
      const pages = Math.ceil(bad.live / bad.perPage);
      fc.pre(
        !(broken.kind === 'missing' && broken.always && broken.page >= pages && bad.meaning === 'unfiltered'),
      );
      const list = await listOf(bad, broken);
      const whole = items(0, bad.live);
      expect(list.ok ? list.value : whole).toEqual(whole);
    }),
    { numRuns: 1_000 },
  );
});
