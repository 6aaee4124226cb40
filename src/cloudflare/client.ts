import { TUNNELS_PER_PAGE } from '../core/intervals.ts';
import type {
  Account,
  Connector,
  FailureReason,
  KnownTunnelType,
  ListedTunnel,
  Observation,
  Result,
  RouteKind,
  TunnelType,
} from '../core/model.ts';
import { viewOf, type BudgetView } from './budget.ts';
import {
  accountsPath,
  accountVerifyPath,
  connectorPath,
  detailPath,
  listPath,
  ROUTE_ENDPOINTS,
  userVerifyPath,
  type DetailEndpoint,
  type ListEndpoint,
  type RouteEndpoint,
} from './endpoints.ts';
import { isStopped, noAccounts, type CallFailure, type CallResult } from './errors.ts';
import {
  createHttp,
  type CallOptions,
  type HttpHooks,
  type HttpOptions,
  type RequestOptions,
} from './http.ts';
import { readList, type Page } from './pagination.ts';
import { parseAccounts, parseRoutes, parseVerification, type TokenStatus } from './schema/account.ts';
import {
  parseCloudflaredConfiguration,
  parseConnector,
  parseConnectors,
  parseWarpConfiguration,
} from './schema/details.ts';
import type { Parsed } from './schema/fields.ts';
import { createTunnelLists, type ListedAccount } from './tunnel-lists.ts';

/** Called synchronously; must not throw. */
export interface ClientHooks extends HttpHooks {
  /** Called once per failed call, whatever the number of attempts; not for calls that the caller stopped. */
  readonly onError?: (reason: FailureReason) => void;
}

export interface ClientOptions extends Omit<HttpOptions, 'hooks' | 'monotonic'> {
  readonly hooks?: ClientHooks;
  /** Monotonic clock in milliseconds, for the budget. Default: performance.now. */
  readonly monotonic?: () => number;
}

export interface VerifiedToken extends TokenStatus {
  /** Requests of all tokens of a user count together; those of an account-owned token alone. */
  readonly owner: 'user' | 'account';
}

export interface ProbeAnswer {
  /** The `total_count` of a list; undefined for details and if the answer has none. */
  readonly totalCount: number | undefined;
}

/** The API as seen by one token. Nothing rejects; a call stopped by its signal fails as STOPPED. */
export interface Client {
  /**
   * The complete list of `GET /accounts/{account}/tunnels`; if the token may not read that, the
   * list of each type as an observation of its own. Never a partial list, except of one tunnel if
   * `account.tunnelId` is given.
   */
  readonly listTunnels: (
    account: ListedAccount,
    types: readonly KnownTunnelType[],
    call?: CallOptions,
  ) => Promise<readonly ObservationOf<'tunnels'>[]>;
  /** A tunnel of a type without such an endpoint fails as not_found, without a request. */
  readonly connections: (tunnel: TunnelRef, call?: CallOptions) => Promise<ObservationOf<'connections'>>;
  /** The value is undefined if the tunnel has no configuration. Other types: as for connections. */
  readonly configuration: (tunnel: TunnelRef, call?: CallOptions) => Promise<ObservationOf<'configuration'>>;
  readonly routes: (
    accountId: string,
    kind: RouteKind,
    call?: CallOptions,
  ) => Promise<ObservationOf<'routes'>>;
  /** One connector of a cloudflared tunnel; the value is undefined if Cloudflare has none with this id. */
  readonly connector: (
    tunnel: Pick<TunnelRef, 'id' | 'accountId'>,
    connectorId: string,
    signal?: AbortSignal,
  ) => Promise<Result<Connector | undefined>>;
  /** The complete list of the accounts that the token may list. An empty list is a failure. */
  readonly accounts: (call?: CallOptions) => Promise<Result<readonly Account[]>>;
  /** Verifies the token, as a user's and then as the account's. */
  readonly verify: (accountId: string, signal?: AbortSignal) => Promise<Result<VerifiedToken>>;
  /** Finds out by one small request whether the token may use an endpoint. */
  readonly probe: (
    accountId: string,
    endpoint: ListEndpoint | RouteEndpoint | { readonly endpoint: DetailEndpoint; readonly tunnelId: string },
    signal?: AbortSignal,
  ) => Promise<Result<ProbeAnswer>>;
  readonly budget: BudgetView;
  /** Calls in flight resolve as STOPPED, and their connections are closed. */
  readonly close: () => Promise<void>;
}

export type ObservationOf<K extends Observation['kind']> = Extract<Observation, { kind: K }>;

export type TunnelRef = Pick<ListedTunnel, 'id' | 'accountId' | 'type'>;

/** The maximum of `GET /accounts` (API reference). */
const ACCOUNTS_PER_PAGE = 50;

export function createClient(options: ClientOptions): Client {
  const { token, clock, hooks = {} } = options;
  const monotonic = options.monotonic ?? (() => performance.now());
  const http = createHttp({ ...options, hooks, monotonic });
  const lists = createTunnelLists({ http, token, monotonic });

  /** Drops the codes, and reports failures to the hook: every call ends here, once. */
  function finish<T>(result: CallResult<T>): Result<T> {
    if (result.ok) return result;
    const { reason, message } = result.failure;
    if (!isStopped(result.failure)) hooks.onError?.(reason);
    return { ok: false, failure: { reason, message } };
  }

  /** Reads all pages of a list. `path` ends with `?` or `&`. */
  const readPages = <Item extends { readonly id: string }>(
    path: string,
    { perPage, ...request }: RequestOptions & { readonly perPage: number },
    parser: (result: unknown) => Parsed<readonly Item[]>,
  ): Promise<CallResult<readonly Item[]>> =>
    readList<Item>({
      perPage,
      fetchPage: (page) =>
        http.request<Page<Item>>(`${path}per_page=${perPage}&page=${page}`, request, ({ result, info }) => {
          const items = parser(result);
          return items.ok ? { ok: true, value: { items: items.value, info } } : items;
        }),
      // Not documented: it may also count deleted routes, or accounts of the user that the token
      // does not reach.
      totalCountMeaning: () => Promise.resolve({ ok: true, value: 'unfiltered' }),
    });

  const listTunnels: Client['listTunnels'] = async (account, types, call) =>
    (await lists(account, types, call)).map(({ types: listed, requests, result }) => ({
      kind: 'tunnels',
      accountId: account.id,
      types: listed,
      at: clock(),
      requests,
      result: finish(result),
    }));

  const connections: Client['connections'] = async ({ type, accountId, id }, call) => {
    const endpoint = detailEndpoint(type, 'connections');
    const answer =
      endpoint === undefined
        ? noEndpoint(type, 'connections')
        : await http.request(detailPath(accountId, id, endpoint), { ...call, endpoint }, ({ result }) =>
            parseConnectors(result),
          );
    return { kind: 'connections', accountId, tunnelId: id, at: clock(), result: finish(answer) };
  };

  const configuration: Client['configuration'] = async ({ type, accountId, id }, call) => {
    const endpoint = detailEndpoint(type, 'configurations');
    const parser = type === 'warp_connector' ? parseWarpConfiguration : parseCloudflaredConfiguration;
    const answer =
      endpoint === undefined
        ? noEndpoint(type, 'configurations')
        : absentIfUnknown(
            await http.request(detailPath(accountId, id, endpoint), { ...call, endpoint }, ({ result }) =>
              parser(result),
            ),
          );
    return { kind: 'configuration', accountId, tunnelId: id, at: clock(), result: finish(answer) };
  };

  const routes: Client['routes'] = async (accountId, routeKind, call) => {
    const endpoint = ROUTE_ENDPOINTS[routeKind];
    const list = await readPages(
      `${listPath(accountId, endpoint)}?is_deleted=false&`,
      { ...call, endpoint, perPage: TUNNELS_PER_PAGE },
      (result) => parseRoutes(result, routeKind),
    );
    const result = finish(list);
    return {
      kind: 'routes',
      accountId,
      routeKind,
      at: clock(),
      result: result.ok
        ? { ok: true, value: result.value.filter(({ deleted }) => !deleted).map(({ route }) => route) }
        : result,
    };
  };

  const connector: Client['connector'] = async (tunnel, connectorId, signal) =>
    finish(
      absentIfUnknown(
        await http.request(
          connectorPath(tunnel, connectorId),
          { endpoint: 'cfd_tunnel_connector', signal },
          ({ result }) => parseConnector(result),
        ),
      ),
    );

  const accounts: Client['accounts'] = async (call) => {
    const list = await readPages(
      `${accountsPath}?`,
      { ...call, endpoint: 'accounts', perPage: ACCOUNTS_PER_PAGE },
      parseAccounts,
    );
    return finish(list.ok && list.value.length === 0 ? { ok: false, failure: noAccounts } : list);
  };

  /** Users' and accounts' tokens have different endpoints, and a token does not show its kind. */
  const verify: Client['verify'] = async (accountId, signal) => {
    const request = (path: string): Promise<CallResult<TokenStatus>> =>
      http.request(path, { endpoint: 'token_verify', signal }, ({ result }) => parseVerification(result));
    const asUser = await request(userVerifyPath);
    if (asUser.ok) return { ok: true, value: { ...asUser.value, owner: 'user' } };
    if (!isRefusal(asUser.failure)) return finish(asUser);
    const asAccount = await request(accountVerifyPath(accountId));
    if (asAccount.ok) return { ok: true, value: { ...asAccount.value, owner: 'account' } };
    return finish(isRefusal(asAccount.failure) ? asUser : asAccount);
  };

  const probe: Client['probe'] = async (accountId, probed, signal) => {
    const isList = typeof probed === 'string';
    const endpoint = isList ? probed : probed.endpoint;
    const path = isList
      ? `${listPath(accountId, probed)}?is_deleted=false&per_page=1`
      : detailPath(accountId, probed.tunnelId, probed.endpoint);
    const answer = await http.request<ProbeAnswer>(path, { endpoint, signal }, ({ info }) => ({
      ok: true,
      value: { totalCount: isList ? info?.totalCount : undefined },
    }));
    if (answer.ok || !endpoint.endsWith('_configurations') || !isUnknown(answer.failure))
      return finish(answer);
    return { ok: true, value: { totalCount: undefined } };
  };

  return {
    listTunnels,
    connections,
    configuration,
    routes,
    connector,
    accounts,
    verify,
    probe,
    budget: viewOf(http.budget, { clock, monotonic }),
    close: http.close,
  };
}

function detailEndpoint(
  type: TunnelType,
  detail: 'connections' | 'configurations',
): DetailEndpoint | undefined {
  return type === 'cfd_tunnel' || type === 'warp_connector' ? `${type}_${detail}` : undefined;
}

const noEndpoint = (type: TunnelType, detail: string): CallResult<never> => ({
  ok: false,
  failure: {
    reason: 'not_found',
    message: `the API has no ${detail} of tunnels of type ${type}`,
    codes: [],
  },
});

const absentIfUnknown = <T>(answer: CallResult<T>): CallResult<T | undefined> =>
  !answer.ok && isUnknown(answer.failure) ? { ok: true, value: undefined } : answer;

/**
 * 404 with code 1055 for the configuration of a tunnel that was never configured or is deleted,
 * with 1002 for a tunnel or connector that does not exist. 7000 and 7003 concern the path.
 */
const isUnknown = ({ reason, codes }: CallFailure): boolean =>
  reason === 'not_found' && !codes.includes(7000) && !codes.includes(7003);

const isRefusal = ({ reason }: CallFailure): boolean =>
  reason === 'auth' || reason === 'permission' || reason === 'not_found';
