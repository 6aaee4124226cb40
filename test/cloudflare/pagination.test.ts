import { expect, test } from 'vitest';
import type { CallFailure } from '../../src/cloudflare/errors.ts';
import type { CallResult } from '../../src/cloudflare/http.ts';
import { walk, type Page } from '../../src/cloudflare/pagination.ts';
import { TUNNELS_PER_PAGE as PER_PAGE } from '../../src/core/lists.ts';

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

/** Answers in turn, whatever page is asked for; the last answer for ever. */
function answering(...answers: readonly CallResult<Page<Item>>[]) {
  const asked: number[] = [];
  const fetchPage = async (number: number): Promise<CallResult<Page<Item>>> => {
    asked.push(number);
    return answers[Math.min(asked.length, answers.length) - 1] ?? refusal;
  };
  return { fetchPage, asked };
}

async function complete(...answers: readonly CallResult<Page<Item>>[]) {
  const { fetchPage, asked } = answering(...answers);
  const walked = await walk(fetchPage);
  if (!walked.ok) throw new Error(walked.failure.message);
  return { count: walked.value.length, asked };
}

async function failing(
  ...answers: readonly CallResult<Page<Item>>[]
): Promise<CallFailure & { asked: readonly number[] }> {
  const { fetchPage, asked } = answering(...answers);
  const walked = await walk(fetchPage);
  if (walked.ok) throw new Error(`complete with ${walked.value.length}`);
  return { ...walked.failure, asked };
}

test('one page that holds all is one request', async () => {
  expect(await complete(page(items(0, 3), 3, 1000))).toEqual({ count: 3, asked: [1] });
});

test('an empty list is one request', async () => {
  expect(await complete(page([], 0, 1000))).toEqual({ count: 0, asked: [1] });
});

test('an exact multiple of the page needs no page more', async () => {
  expect(await complete(page(items(0, 1000), 2000, 1000), page(items(1000, 2000), 2000, 1000))).toEqual({
    count: 2000,
    asked: [1, 2],
  });
});

test.each([50, 1000, undefined])(
  'fewer per page than asked for, where the server claims %s',
  async (perPage) => {
    const pages = [items(0, 50), items(50, 100), items(100, 120)].map((found) => page(found, 120, perPage));
    expect(await complete(...pages)).toEqual({ count: 120, asked: [1, 2, 3] });
  },
);

test('an id that slips onto the next page counts once', async () => {
  const walked = await complete(page(items(0, 50), 99, 50), page(items(49, 99), 99, 50));
  expect(walked).toEqual({ count: 99, asked: [1, 2] });
});

test('without result_info a page shorter than a full one is the last', async () => {
  expect(await complete(page(items(0, 3)))).toEqual({ count: 3, asked: [1] });
  expect(await complete(page(items(0, PER_PAGE)), page(items(PER_PAGE, PER_PAGE + 1)))).toMatchObject({
    count: PER_PAGE + 1,
  });
  expect(await complete(page(items(0, PER_PAGE)), page([]))).toEqual({ count: PER_PAGE, asked: [1, 2] });
});

test("without a total_count the server's own per_page tells a full page", async () => {
  const walked = await complete(page(items(0, 50), undefined, 50), page(items(50, 60), undefined, 50));
  expect(walked).toEqual({ count: 60, asked: [1, 2] });
});

test('a total_count holds for later pages that do not repeat it', async () => {
  const pages = [page(items(0, 50), 100, 50), page(items(50, 60)), page([])];
  const failure = await failing(...pages, ...pages);
  expect(failure.message).toContain('nothing new after 60 ids of 100');
});

test('a total_count that changes mid-walk starts the walk once more', async () => {
  const changed = [page(items(0, 50), 100, 50), page(items(50, 99), 99, 50)];
  const walked = await complete(...changed, page(items(0, 50), 99, 50), page(items(50, 99), 99, 50));
  expect(walked).toEqual({ count: 99, asked: [1, 2, 1, 2] });
});

test('a total_count that keeps changing is a failure that says so', async () => {
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

test('a page that fails fails the walk, with its reason, its page and no second walk', async () => {
  const failure = await failing(page(items(0, 50), 100, 50), refusal);
  expect(failure).toMatchObject({ reason: 'server', asked: [1, 2] });
  expect(failure.message).toBe('incomplete list, page 2 failed: answered 503');
});

test('a first page that fails is told as it is', async () => {
  expect(await failing(refusal)).toMatchObject({ message: 'answered 503' });
});

test('pages without end end at the cap', async () => {
  let number = 0;
  const walked = await walk(async () => {
    number += 1;
    return page(items(number * 10, number * 10 + 10), 1_000_000, 10);
  });
  expect(number).toBe(100);
  expect(walked).toMatchObject({
    ok: false,
    failure: { reason: 'malformed', message: 'list does not end after 100 pages' },
  });
});
