import { TUNNELS_PER_PAGE } from '../core/intervals.ts';
import type { KnownTunnelType, ListEntry } from '../core/model.ts';
import { listPath, segment, type ListEndpoint } from './endpoints.ts';
import { accountRefused, type CallFailure, type CallResult } from './errors.ts';
import type { CallOptions, Http } from './http.ts';
import type { LiveToken } from './live-token.ts';
import { readList, type Page, type TotalCountMeaning } from './pagination.ts';
import { parseTunnels, type ListedItem } from './schema/tunnels.ts';

/** The account to list. With `tunnelId`, the list holds this tunnel only. */
export interface ListedAccount {
  readonly id: string;
  readonly tunnelId?: string | undefined;
}

/** The complete list of an account's tunnels of some types, or why there is none. */
export interface TunnelList {
  readonly types: readonly KnownTunnelType[];
  /** Requests that it took, without retries. */
  readonly requests: number;
  readonly result: CallResult<readonly ListEntry[]>;
}

export interface TunnelListsOptions {
  readonly http: Http;
  readonly token: LiveToken;
  /** Monotonic clock in milliseconds. */
  readonly monotonic: () => number;
}

/** How long `/tunnels` is not requested again if the token may not read it. Saves a request per poll. */
const FORBIDDEN_FOR_MS = 600_000;
/** How long the meaning of an account's `total_count` is remembered. */
const MEANING_FOR_MS = 24 * 3_600_000;
/** No tunnel has this id. */
const NO_TUNNEL = '00000000-0000-4000-8000-000000000000';

const TYPED_LISTS = ['cfd_tunnel', 'warp_connector'] as const satisfies readonly ListEndpoint[];

interface Query {
  readonly endpoint: ListEndpoint;
  readonly types: readonly KnownTunnelType[];
  readonly call: CallOptions | undefined;
}

/**
 * Returns a function that lists an account's tunnels of these types by `GET
 * /accounts/{account}/tunnels`, or, if the token may not read that, by the list of each type.
 */
export function createTunnelLists({
  http,
  token,
  monotonic,
}: TunnelListsOptions): (
  account: ListedAccount,
  types: readonly KnownTunnelType[],
  call?: CallOptions,
) => Promise<readonly TunnelList[]> {
  const refusals = createTokenMemory<CallFailure>(token, { monotonic, keepMs: FORBIDDEN_FOR_MS });
  const meanings = createTokenMemory<TotalCountMeaning>(token, { monotonic, keepMs: MEANING_FOR_MS });

  async function list(
    { id: accountId, tunnelId }: ListedAccount,
    { endpoint, types, call }: Query,
  ): Promise<TunnelList> {
    const ofTypes = endpoint === 'tunnels' ? `tun_types=${types.join(',')}&` : '';
    const filter = tunnelId === undefined ? ofTypes : `${ofTypes}uuid=${segment(tunnelId)}&`;
    const context = { accountId, listType: types.length === 1 ? types[0] : undefined };
    let requests = 0;
    const read = await readList({
      fetchPage: (page) => {
        requests += 1;
        return http.request<Page<ListedItem>>(
          `${listPath(accountId, endpoint)}?${filter}is_deleted=false&per_page=${TUNNELS_PER_PAGE}&page=${page}`,
          { ...call, endpoint },
          ({ result, info }) => {
            const items = parseTunnels(result, context);
            return items.ok ? { ok: true, value: { items: items.value, info } } : items;
          },
        );
      },
      totalCountMeaning: () => totalCountMeaning(accountId, { ...call, endpoint, ofTypes }),
    });
    const result = read.ok
      ? {
          ok: true as const,
          value: read.value.filter((item) => isRequested(item, types)).map((item) => item.entry),
        }
      : read;
    return { types, requests, result };
  }

  /** Requests a tunnel that does not exist: if `total_count` is then 0, it follows the search parameters. */
  async function totalCountMeaning(
    accountId: string,
    { endpoint, ofTypes, ...call }: CallOptions & { endpoint: ListEndpoint; ofTypes: string },
  ): Promise<CallResult<TotalCountMeaning>> {
    const known = meanings.get(accountId);
    if (known !== undefined) return { ok: true, value: known };
    const answer = await http.request<TotalCountMeaning>(
      `${listPath(accountId, endpoint)}?${ofTypes}uuid=${NO_TUNNEL}&is_deleted=false&per_page=1`,
      { ...call, endpoint },
      ({ info }) =>
        info?.totalCount === undefined
          ? { ok: false, problem: 'result_info.total_count is missing, expected a number' }
          : { ok: true, value: info.totalCount === 0 ? 'filtered' : 'unfiltered' },
    );
    if (answer.ok) meanings.set(accountId, answer.value);
    return answer;
  }

  /** `forbidden` is the failure of `/tunnels`. */
  async function listByType(
    account: ListedAccount,
    types: readonly KnownTunnelType[],
    { forbidden, call }: { readonly forbidden: CallFailure; readonly call: CallOptions | undefined },
  ): Promise<readonly TunnelList[]> {
    const typed = TYPED_LISTS.filter((type) => types.includes(type));
    const others = types.filter((type) => !TYPED_LISTS.some((known) => known === type));
    const lists = await Promise.all(
      typed.map((endpoint) => list(account, { endpoint, types: [endpoint], call })),
    );
    // Only `/tunnels` lists the other types.
    if (others.length > 0)
      lists.push({ types: others, requests: 0, result: { ok: false, failure: forbidden } });
    const isRefused = lists.every(({ result }) => !result.ok && result.failure.reason === 'permission');
    if (!isRefused) return lists;
    const needed = typed.length > 0 ? typed : (['tunnels'] as const);
    return lists.map(({ result, ...rest }) =>
      result.ok
        ? { ...rest, result }
        : { ...rest, result: { ok: false, failure: accountRefused(result.failure, needed) } },
    );
  }

  return async (account, types, call) => {
    if (types.length === 0) return [];
    const known = refusals.get(account.id);
    if (known !== undefined) return listByType(account, types, { forbidden: known, call });
    const all = await list(account, { endpoint: 'tunnels', types, call });
    if (all.result.ok || !isClosed(all.result.failure)) return [all];
    refusals.set(account.id, all.result.failure);
    return listByType(account, types, { forbidden: all.result.failure, call });
  };
}

/** Drops deleted tunnels and types that were not requested, in case the server lists them nevertheless. */
const isRequested = ({ deleted, entry }: ListedItem, types: readonly KnownTunnelType[]): boolean =>
  !deleted && (entry.tunnel.type === 'unknown' || types.includes(entry.tunnel.type));

/** Forbidden, or not found, as behind a gateway that knows the typed lists only. */
const isClosed = ({ reason }: CallFailure): boolean => reason === 'permission' || reason === 'not_found';

/** Facts about accounts, learned with one token. Forgotten after `keepMs` and when the token changes. */
interface TokenMemory<T> {
  readonly get: (accountId: string) => T | undefined;
  readonly set: (accountId: string, value: T) => void;
}

function createTokenMemory<T>(
  token: LiveToken,
  { monotonic, keepMs }: { readonly monotonic: () => number; readonly keepMs: number },
): TokenMemory<T> {
  const learned = new Map<string, { readonly value: T; readonly until: number }>();
  let learnedWith = token.current();
  const forgetForNewToken = (): void => {
    if (token.current() !== learnedWith) learned.clear();
    learnedWith = token.current();
  };
  return {
    get: (accountId) => {
      forgetForNewToken();
      const known = learned.get(accountId);
      return known !== undefined && monotonic() < known.until ? known.value : undefined;
    },
    set: (accountId, value) => {
      forgetForNewToken();
      learned.set(accountId, { value, until: monotonic() + keepMs });
    },
  };
}
