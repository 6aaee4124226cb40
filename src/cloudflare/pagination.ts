import { TUNNELS_PER_PAGE } from '../core/lists.ts';
import { STOPPED, type CallFailure } from './errors.ts';
import type { CallResult } from './http.ts';
import type { PageInfo } from './schema.ts';

const MAX_PAGES = 100;

export interface Page<Item> {
  readonly items: readonly Item[];
  readonly info: PageInfo | undefined;
}

type WalkEnd<Item> =
  | { readonly kind: 'complete'; readonly items: readonly Item[] }
  | { readonly kind: 'failed'; readonly failure: CallFailure }
  /** The pages contradict each other, as when tunnels come and go between them: another walk may fit. */
  | { readonly kind: 'inconsistent'; readonly why: string };

/**
 * Every item of a paged list, each id once, or a failure: never a part. The list is complete when the ids add up to
 * `total_count`, however many the server gives per page; without a `total_count` when a page is shorter than a full one.
 * A walk whose pages contradict each other is made once more from the start.
 */
export async function walk<Item extends { readonly id: string }>(
  fetchPage: (page: number) => Promise<CallResult<Page<Item>>>,
): Promise<CallResult<readonly Item[]>> {
  const first = await walkOnce(fetchPage);
  const last = first.kind === 'inconsistent' ? await walkOnce(fetchPage) : first;
  if (last.kind === 'complete') return { ok: true, value: last.items };
  if (last.kind === 'failed') return { ok: false, failure: last.failure };
  return {
    ok: false,
    failure: { reason: 'malformed', message: `incomplete list, walked twice: ${last.why}`, codes: [] },
  };
}

async function walkOnce<Item extends { readonly id: string }>(
  fetchPage: (page: number) => Promise<CallResult<Page<Item>>>,
): Promise<WalkEnd<Item>> {
  const items = new Map<string, Item>();
  let total: number | undefined;
  for (let number = 1; number <= MAX_PAGES; number += 1) {
    const page = await fetchPage(number);
    if (!page.ok) return { kind: 'failed', failure: partWay(page.failure, number) };
    const { items: found, info } = page.value;
    const before = items.size;
    for (const item of found) items.set(item.id, item);

    const counted = info?.totalCount;
    if (total !== undefined && counted !== undefined && counted !== total)
      return inconsistent(`total_count was ${total}, then ${counted} on page ${number}`);
    total ??= counted;

    if (total === undefined) {
      if (found.length < (info?.perPage || TUNNELS_PER_PAGE))
        return { kind: 'complete', items: [...items.values()] };
    } else {
      if (items.size === total) return { kind: 'complete', items: [...items.values()] };
      if (items.size > total)
        return inconsistent(`${items.size} ids up to page ${number}, but total_count ${total}`);
    }
    if (items.size === before)
      return inconsistent(
        `page ${number} holds nothing new after ${before} ids${total === undefined ? '' : ` of ${total}`}`,
      );
  }
  return {
    kind: 'failed',
    failure: { reason: 'malformed', message: `list does not end after ${MAX_PAGES} pages`, codes: [] },
  };
}

const inconsistent = (why: string): { readonly kind: 'inconsistent'; readonly why: string } => ({
  kind: 'inconsistent',
  why,
});

/** On the first page a failure is the whole story. A later page that is not found contradicts the first. */
const partWay = (failure: CallFailure, page: number): CallFailure =>
  page === 1 || failure === STOPPED
    ? failure
    : {
        ...failure,
        reason: failure.reason === 'not_found' ? 'malformed' : failure.reason,
        message: `incomplete list, page ${page} failed: ${failure.message}`,
      };
