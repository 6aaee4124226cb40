import { TUNNELS_PER_PAGE } from '../core/intervals.ts';
import { STOPPED, type CallFailure, type CallResult } from './errors.ts';
import type { PageInfo } from './schema/envelope.ts';

const MAX_PAGES = 100;

export interface Page<Item> {
  readonly items: readonly Item[];
  readonly info: PageInfo | undefined;
}

/**
 * What `total_count` counts. `filtered`: items that match the search parameters. `unfiltered`:
 * possibly more, such as deleted tunnels; the API reference says "total results available without
 * any search parameters".
 */
export type TotalCountMeaning = 'filtered' | 'unfiltered';

export interface PageSource<Item> {
  /** Requested items per page. Default: the maximum for tunnels. */
  readonly perPage?: number;
  readonly fetchPage: (page: number) => Promise<CallResult<Page<Item>>>;
  /** Called only if the number of ids differs from `total_count`. May make a request. */
  readonly totalCountMeaning: () => Promise<CallResult<TotalCountMeaning>>;
}

type ListEnd<Item> =
  | { readonly kind: 'complete'; readonly items: readonly Item[] }
  | { readonly kind: 'failed'; readonly failure: CallFailure }
  /** The pages contradict each other, as after a change between them. A retry may succeed. */
  | { readonly kind: 'inconsistent'; readonly why: string };

/**
 * Returns every item of a paged list, each id once, or a failure; never a partial list. An
 * inconsistent list is read once more from the start.
 *
 * A list is complete if the number of ids equals `total_count`, whatever the page size. It is also
 * complete at a page that is empty or shorter than the server's `per_page`, unless `total_count` is
 * known to count exactly the requested items.
 */
export async function readList<Item extends { readonly id: string }>(
  source: PageSource<Item>,
): Promise<CallResult<readonly Item[]>> {
  const first = await readOnce(source);
  const last = first.kind === 'inconsistent' ? await readOnce(source) : first;
  if (last.kind === 'complete') return { ok: true, value: last.items };
  if (last.kind === 'failed') return { ok: false, failure: last.failure };
  return {
    ok: false,
    failure: { reason: 'malformed', message: `incomplete list, read twice: ${last.why}`, codes: [] },
  };
}

async function readOnce<Item extends { readonly id: string }>(
  source: PageSource<Item>,
): Promise<ListEnd<Item>> {
  const { perPage = TUNNELS_PER_PAGE } = source;
  const items = new Map<string, Item>();
  let total: number | undefined;
  let repeated = false;
  for (let number = 1; number <= MAX_PAGES; number += 1) {
    const page = await source.fetchPage(number);
    if (!page.ok) return { kind: 'failed', failure: partWay(page.failure, number) };
    const { items: found, info } = page.value;
    const before = items.size;
    for (const item of found) items.set(item.id, item);
    repeated ||= items.size < before + new Set(found.map(({ id }) => id)).size;

    const counted = info?.totalCount;
    if (total !== undefined && counted !== undefined && counted !== total)
      return inconsistent(`total_count was ${total}, then ${counted} on page ${number}`);
    total ??= counted;

    if (items.size === total) return { kind: 'complete', items: [...items.values()] };
    if (total !== undefined && items.size > total)
      return inconsistent(`${items.size} ids up to page ${number}, but total_count ${total}`);
    const nothingNew = inconsistent(
      `page ${number} holds nothing new after ${before} ids${total === undefined ? '' : ` of ${total}`}`,
    );
    if (found.length > 0 && items.size === before) return nothingNew;
    if (!isLast(page.value, { total, perPage })) continue;

    if (total !== undefined) {
      const meaning = await source.totalCountMeaning();
      if (!meaning.ok) return { kind: 'failed', failure: notKnown(meaning.failure, total) };
      if (meaning.value === 'filtered') {
        // A server may return fewer items per page than it states.
        if (found.length > 0) continue;
        return nothingNew;
      }
      if (found.length === 0) {
        const end = await confirmEnd(source, { empty: number, total, perPage: info?.perPage ?? 0 });
        if (end !== undefined) return end;
      }
    }
    // `total_count` does not confirm the list: a page that repeats an item may have skipped another one.
    if (repeated) return inconsistent(`an id is on two pages up to page ${number}`);
    return { kind: 'complete', items: [...items.values()] };
  }
  return {
    kind: 'failed',
    failure: { reason: 'malformed', message: `list does not end after ${MAX_PAGES} pages`, codes: [] },
  };
}

/**
 * If the server states `total_count` but no `per_page`, pages may have any size, so only an empty
 * page is the last.
 */
function isLast(
  { items, info }: Page<unknown>,
  asked: { readonly total: number | undefined; readonly perPage: number },
): boolean {
  if (items.length === 0) return true;
  const perPage = info?.perPage || (asked.total === undefined ? asked.perPage : undefined);
  return perPage !== undefined && items.length < perPage;
}

/**
 * Checks that an empty page is the end of a list that `total_count` does not confirm: requested
 * again, it and the page after it must be empty. Pages that cannot hold anything according to
 * `total` are not requested. Returns undefined at the end.
 */
async function confirmEnd<Item>(
  { fetchPage }: PageSource<Item>,
  { empty, total, perPage }: { readonly empty: number; readonly total: number; readonly perPage: number },
): Promise<Exclude<ListEnd<Item>, { kind: 'complete' }> | undefined> {
  for (const number of [empty, empty + 1]) {
    if ((number - 1) * perPage >= total) return undefined;
    const page = await fetchPage(number);
    if (!page.ok) return { kind: 'failed', failure: partWay(page.failure, number) };
    if (page.value.items.length > 0)
      return inconsistent(`page ${empty} was empty, then page ${number} was not`);
  }
  return undefined;
}

const inconsistent = (why: string): { readonly kind: 'inconsistent'; readonly why: string } => ({
  kind: 'inconsistent',
  why,
});

const notKnown = (failure: CallFailure, total: number): CallFailure =>
  failure === STOPPED
    ? failure
    : {
        ...failure,
        message: `incomplete list: its ids do not add up to total_count ${total}, and what that counts is not known: ${failure.message}`,
      };

/**
 * The failure of the first page is reported as it is. A later page that is not found contradicts
 * the first.
 */
const partWay = (failure: CallFailure, page: number): CallFailure =>
  page === 1 || failure === STOPPED
    ? failure
    : {
        ...failure,
        reason: failure.reason === 'not_found' ? 'malformed' : failure.reason,
        message: `incomplete list, page ${page} failed: ${failure.message}`,
      };
