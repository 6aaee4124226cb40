import type { Config } from '../config/config.ts';
import type {
  Account,
  Connector,
  Failure,
  FailureReason,
  KnownTunnelType,
  ListedTunnel,
  Observation,
  Result,
  RouteKind,
  TunnelType,
} from '../core/model.ts';
import { TUNNELS_PER_PAGE } from '../core/lists.ts';
import type { Budget, Hold } from './budget.ts';
import {
  accountsPath,
  accountVerifyPath,
  connectorPath,
  detailPath,
  ENDPOINTS,
  listPath,
  ROUTE_ENDPOINTS,
  routesPath,
  segment,
  userVerifyPath,
  type DetailEndpoint,
  type ListEndpoint,
  type RouteEndpoint,
} from './endpoints.ts';
import {
  accountRefused,
  isStopped,
  malformed,
  noAccounts,
  STOPPED,
  unexpected,
  type CallFailure,
} from './errors.ts';
import {
  createHttp,
  type CallOptions,
  type CallResult,
  type RequestOptions,
  type SentRequest,
} from './http.ts';
import { createTokenMemory } from './memory.ts';
import { readList, type Page, type TotalCountMeaning } from './pagination.ts';
import {
  parseAccounts,
  parseCloudflaredConfiguration,
  parseConnector,
  parseConnectors,
  parseRoutes,
  parseTunnels,
  parseVerification,
  parseWarpConfiguration,
  type Envelope,
  type ListedItem,
  type Parsed,
  type RouteItem,
  type TokenStatus,
} from './schema.ts';
import type { LiveToken } from './live-token.ts';
import type { Transport } from './transport.ts';

export { ENDPOINTS, isStopped, STOPPED };
export type { Hold } from './budget.ts';
export type { DetailEndpoint, Endpoint, ListEndpoint, RouteEndpoint } from './endpoints.ts';
export type { CallOptions } from './http.ts';
export type { TokenStatus } from './schema.ts';

/** Reports to the self-metrics. Called synchronously; must not throw. */
export interface ClientHooks {
  /** Every attempt that went out, retries included. `code` is the HTTP status, or 'none' where no answer came. */
  readonly onRequest?: (request: SentRequest) => void;
  /** Once per failed call, whatever the number of attempts; not for calls that the caller stopped. */
  readonly onError?: (reason: FailureReason) => void;
  /** Once per attempt beyond a call's first. */
  readonly onRetry?: () => void;
  /** How far this machine's clock is ahead of the API's, by each answer that has a date. */
  readonly onClockSkew?: (skewMs: number) => void;
}

export interface ClientOptions {
  readonly config: Config['cloudflare'];
  readonly token: LiveToken;
  /** Wall clock, milliseconds since the epoch. */
  readonly clock: () => number;
  /** In [0, 1): jitter. */
  readonly random: () => number;
  readonly hooks?: ClientHooks;
  /** Ours, for the User-Agent. */
  readonly version: string;
  /** Shared by every token of one owner; may become another one between two calls. Default: one of its own. */
  readonly budget?: (() => Budget) | undefined;
  /** Connections shared with other tokens; who gives them closes them. Default: some of its own. */
  readonly transport?: Transport | undefined;
  /** Milliseconds that never jump; for the budget. Default: performance.now. */
  readonly monotonic?: () => number;
}

/** A request budget as it stands now. */
export interface BudgetView {
  /** Requests per five minutes. */
  readonly requests: number;
  /** The most that can be sent at once. */
  readonly capacity: number;
  /** Requests that could be sent at once; 0 while blocked. May be fractional. */
  readonly available: () => number;
  /** Takes up to `count` requests out of the budget: those that are about to be made. */
  readonly hold: (count: number) => Hold;
  /** Wall time, ms: no request before then because Cloudflare said so; undefined where not blocked. */
  readonly blockedUntil: () => number | undefined;
}

export interface VerifiedToken extends TokenStatus {
  /** Who owns it, and so whose requests it counts with: a user's tokens count together, an account's each for itself. */
  readonly owner: 'user' | 'account';
}

export interface ProbeAnswer {
  /** Tunnels that a list endpoint counts; undefined for details or where it does not say. */
  readonly totalCount: number | undefined;
}

/**
 * The Cloudflare API as one token sees it. Nothing rejects: failures are data. A call that its signal stops resolves
 * with the failure STOPPED.
 */
export interface Client {
  /**
   * The complete list of `GET /accounts/{a}/tunnels` for all types; where the token may not read that, each typed list as
   * an observation of its own. Never a partial list, except of a single tunnel where that is asked for.
   */
  readonly listTunnels: (
    account: ListedAccount,
    types: readonly KnownTunnelType[],
    call?: CallOptions,
  ) => Promise<readonly TunnelsObservation[]>;
  /** A tunnel of a type without such an endpoint fails as not_found, without a request. */
  readonly connections: (tunnel: TunnelRef, call?: CallOptions) => Promise<ConnectionsObservation>;
  /** The value is undefined where the tunnel has no configuration. Other types: as for connections. */
  readonly configuration: (tunnel: TunnelRef, call?: CallOptions) => Promise<ConfigurationObservation>;
  /** One complete list of the account's routes of a kind; never a part of it. */
  readonly routes: (accountId: string, kind: RouteKind, call?: CallOptions) => Promise<RoutesObservation>;
  /** One connector of a cloudflared tunnel; the value is undefined where Cloudflare knows of none with this id. */
  readonly connector: (
    tunnel: Pick<TunnelRef, 'id' | 'accountId'>,
    connectorId: string,
    signal?: AbortSignal,
  ) => Promise<Result<Connector | undefined>>;
  /** One complete list of the accounts that the token may list; never a part of it. An empty list is a failure. */
  readonly accounts: (call?: CallOptions) => Promise<Result<readonly Account[]>>;
  readonly verify: (accountId: string, signal?: AbortSignal) => Promise<Result<VerifiedToken>>;
  /** One small request: whether the token may use this endpoint. */
  readonly probe: (
    accountId: string,
    endpoint: ListEndpoint | RouteEndpoint | { readonly endpoint: DetailEndpoint; readonly tunnelId: string },
    signal?: AbortSignal,
  ) => Promise<Result<ProbeAnswer>>;
  readonly budget: BudgetView;
  /** Calls in flight resolve as STOPPED, and their connections end. */
  readonly close: () => Promise<void>;
}

export type TunnelsObservation = Extract<Observation, { kind: 'tunnels' }>;
export type ConnectionsObservation = Extract<Observation, { kind: 'connections' }>;
export type RoutesObservation = Extract<Observation, { kind: 'routes' }>;
export type ConfigurationObservation = Extract<Observation, { kind: 'configuration' }>;

export type TunnelRef = Pick<ListedTunnel, 'id' | 'accountId' | 'type'>;

/** The account to list; where only one tunnel of it is wanted, its id saves all the others. */
export interface ListedAccount {
  readonly id: string;
  readonly tunnelId?: string | undefined;
}

/** How long a token that may not read `/tunnels` is not asked again: saves a request per poll. */
const FORBIDDEN_FOR_MS = 600_000;
/** How long the meaning of an account's `total_count` is remembered. */
const MEANING_FOR_MS = 24 * 3_600_000;
/** No tunnel has this id. */
const NO_TUNNEL = '00000000-0000-4000-8000-000000000000';

/** The most that `GET /accounts` takes (API reference). */
const ACCOUNTS_PER_PAGE = 50;

const TYPED_LISTS = ['cfd_tunnel', 'warp_connector'] as const satisfies readonly ListEndpoint[];

type ListResult = CallResult<readonly ListedItem[]> & {
  /** Requests that it took, retries aside. */
  readonly requests: number;
};

export function createClient(options: ClientOptions): Client {
  const { token, clock, hooks = {} } = options;
  const monotonic = options.monotonic ?? (() => performance.now());
  const http = createHttp({
    ...options,
    monotonic,
    onRequest: (request) => hooks.onRequest?.(request),
    onRetry: () => hooks.onRetry?.(),
    onClockSkew: (skewMs) => hooks.onClockSkew?.(skewMs),
  });
  const refusals = createTokenMemory<CallFailure>(token, { monotonic, keepMs: FORBIDDEN_FOR_MS });
  const meanings = createTokenMemory<TotalCountMeaning>(token, { monotonic, keepMs: MEANING_FOR_MS });

  /** What a failure looks like outside; the one place that counts them. */
  function report(failure: CallFailure): { readonly ok: false; readonly failure: Failure } {
    const { reason, message } = failure;
    if (!isStopped(failure)) hooks.onError?.(reason);
    return { ok: false, failure: { reason, message } };
  }

  /** One answer, with its result as `parser` understands it. */
  async function fetch<T>(
    path: string,
    request: RequestOptions,
    parser: (envelope: Envelope) => Parsed<T>,
  ): Promise<CallResult<T>> {
    const answer = await http.request(path, request);
    if (!answer.ok) return answer;
    try {
      const parsed = parser(answer.value);
      return parsed.ok ? parsed : { ok: false, failure: malformed(parsed.problem, { path }) };
    } catch (error) {
      return { ok: false, failure: unexpected(error, { path }) };
    }
  }

  async function readTunnels(
    { id: accountId, tunnelId }: ListedAccount,
    { endpoint, types, call }: ListRequest,
  ): Promise<ListResult> {
    const ofTypes = endpoint === 'tunnels' ? `tun_types=${types.join(',')}&` : '';
    const filter = tunnelId === undefined ? ofTypes : `${ofTypes}uuid=${segment(tunnelId)}&`;
    const context = { accountId, listType: types.length === 1 ? types[0] : undefined };
    let requests = 0;
    const list = await readList({
      fetchPage: (page) => {
        requests += 1;
        return fetch<Page<ListedItem>>(
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
    return { ...list, requests };
  }

  /** Asks for a tunnel that does not exist: a `total_count` of 0 follows the search parameters. */
  async function totalCountMeaning(
    accountId: string,
    { endpoint, ofTypes, ...call }: CallOptions & { endpoint: ListEndpoint; ofTypes: string },
  ): Promise<CallResult<TotalCountMeaning>> {
    const known = meanings.get(accountId);
    if (known !== undefined) return { ok: true, value: known };
    const answer = await fetch<TotalCountMeaning>(
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

  function listed(
    accountId: string,
    types: readonly KnownTunnelType[],
    list: ListResult,
  ): TunnelsObservation {
    const result = list.ok
      ? {
          ok: true as const,
          value: list.value.filter((item) => isWanted(item, types)).map((item) => item.entry),
        }
      : report(list.failure);
    return { kind: 'tunnels', accountId, types, at: clock(), requests: list.requests, result };
  }

  async function listTyped(
    account: ListedAccount,
    types: readonly KnownTunnelType[],
    request: TypedListRequest,
  ) {
    const typed = TYPED_LISTS.filter((type) => types.includes(type));
    const others = types.filter((type) => !TYPED_LISTS.some((list) => list === type));
    const lists = await Promise.all(
      typed.map(async (endpoint) => ({
        types: [endpoint] as readonly KnownTunnelType[],
        list: await readTunnels(account, { endpoint, types: [endpoint], call: request.call }),
      })),
    );
    // Only `/tunnels` lists the other types.
    if (others.length > 0)
      lists.push({ types: others, list: { ok: false, failure: request.forbidden, requests: 0 } });
    const refused = lists.every(({ list }) => !list.ok && list.failure.reason === 'permission');
    const needed = typed.length > 0 ? typed : (['tunnels'] as const);
    return lists.map(({ types: ofList, list }) => {
      const failure = refused && !list.ok ? accountRefused(list.failure, needed) : undefined;
      return listed(account.id, ofList, failure === undefined ? list : { ...list, ok: false, failure });
    });
  }

  async function listTunnels(account: ListedAccount, types: readonly KnownTunnelType[], call?: CallOptions) {
    if (types.length === 0) return [];
    const known = refusals.get(account.id);
    if (known !== undefined) return listTyped(account, types, { forbidden: known, call });
    const list = await readTunnels(account, { endpoint: 'tunnels', types, call });
    if (list.ok || !isClosed(list.failure)) return [listed(account.id, types, list)];
    refusals.set(account.id, list.failure);
    return listTyped(account, types, { forbidden: list.failure, call });
  }

  async function connections(tunnel: TunnelRef, call?: CallOptions): Promise<ConnectionsObservation> {
    const endpoint = detailEndpoint(tunnel.type, 'connections');
    const answer =
      endpoint === undefined
        ? noEndpoint(tunnel.type, 'connections')
        : await fetch(
            detailPath(tunnel.accountId, tunnel.id, endpoint),
            { ...call, endpoint },
            ({ result }) => parseConnectors(result),
          );
    const result = answer.ok ? answer : report(answer.failure);
    return { kind: 'connections', accountId: tunnel.accountId, tunnelId: tunnel.id, at: clock(), result };
  }

  async function fetchConfiguration(tunnel: TunnelRef, call: CallOptions | undefined) {
    const endpoint = detailEndpoint(tunnel.type, 'configurations');
    if (endpoint === undefined) return noEndpoint(tunnel.type, 'configurations');
    const parser = tunnel.type === 'warp_connector' ? parseWarpConfiguration : parseCloudflaredConfiguration;
    const path = detailPath(tunnel.accountId, tunnel.id, endpoint);
    const answer = await fetch(path, { ...call, endpoint }, ({ result }) => parser(result));
    return !answer.ok && isUnknown(answer.failure) ? ({ ok: true, value: undefined } as const) : answer;
  }

  async function configuration(tunnel: TunnelRef, call?: CallOptions): Promise<ConfigurationObservation> {
    const answer = await fetchConfiguration(tunnel, call);
    const result = answer.ok ? answer : report(answer.failure);
    return { kind: 'configuration', accountId: tunnel.accountId, tunnelId: tunnel.id, at: clock(), result };
  }

  async function routes(
    accountId: string,
    routeKind: RouteKind,
    call?: CallOptions,
  ): Promise<RoutesObservation> {
    const endpoint = ROUTE_ENDPOINTS[routeKind];
    const path = routesPath(accountId, endpoint);
    const walked = await readList<RouteItem>({
      fetchPage: (page) =>
        fetch<Page<RouteItem>>(
          `${path}?is_deleted=false&per_page=${TUNNELS_PER_PAGE}&page=${page}`,
          { ...call, endpoint },
          ({ result, info }) => {
            const items = parseRoutes(result, routeKind);
            return items.ok ? { ok: true, value: { items: items.value, info } } : items;
          },
        ),
      // Not documented for routes.
      totalCountMeaning: () => Promise.resolve({ ok: true, value: 'unfiltered' }),
    });
    const result = walked.ok
      ? { ok: true as const, value: walked.value.filter(({ deleted }) => !deleted).map(({ route }) => route) }
      : report(walked.failure);
    return { kind: 'routes', accountId, routeKind, at: clock(), result };
  }

  const connector: Client['connector'] = async (tunnel, connectorId, signal) => {
    const path = connectorPath(tunnel, connectorId);
    const answer = await fetch(path, { endpoint: 'cfd_tunnel_connector', signal }, ({ result }) =>
      parseConnector(result),
    );
    if (answer.ok) return answer;
    return isUnknown(answer.failure) ? { ok: true, value: undefined } : report(answer.failure);
  };

  async function accounts(call?: CallOptions): Promise<Result<readonly Account[]>> {
    const list = await readList<Account>({
      perPage: ACCOUNTS_PER_PAGE,
      fetchPage: (page) =>
        fetch<Page<Account>>(
          `${accountsPath}?per_page=${ACCOUNTS_PER_PAGE}&page=${page}`,
          { ...call, endpoint: 'accounts' },
          ({ result, info }) => {
            const items = parseAccounts(result);
            return items.ok ? { ok: true, value: { items: items.value, info } } : items;
          },
        ),
      // Not documented: it may count accounts of the user that the token does not reach.
      totalCountMeaning: () => Promise.resolve({ ok: true, value: 'unfiltered' }),
    });
    if (!list.ok) return report(list.failure);
    return list.value.length === 0 ? report(noAccounts) : list;
  }

  /** Tokens of users and of accounts are verified in different places, and their looks do not tell which they are. */
  async function verify(accountId: string, signal?: AbortSignal): Promise<Result<VerifiedToken>> {
    const ask = (path: string): Promise<CallResult<TokenStatus>> =>
      fetch(path, { endpoint: 'token_verify', signal }, ({ result }) => parseVerification(result));
    const asUser = await ask(userVerifyPath);
    if (asUser.ok) return { ok: true, value: { ...asUser.value, owner: 'user' } };
    if (!isRefusal(asUser.failure)) return report(asUser.failure);
    const asAccount = await ask(accountVerifyPath(accountId));
    if (asAccount.ok) return { ok: true, value: { ...asAccount.value, owner: 'account' } };
    return report(isRefusal(asAccount.failure) ? asUser.failure : asAccount.failure);
  }

  const probe: Client['probe'] = async (accountId, probed, signal) => {
    const isList = typeof probed === 'string';
    const endpoint = isList ? probed : probed.endpoint;
    const path = isList
      ? `${probePath(accountId, probed)}?is_deleted=false&per_page=1`
      : detailPath(accountId, probed.tunnelId, probed.endpoint);
    const answer = await http.request(path, { endpoint, signal });
    if (answer.ok)
      return { ok: true, value: { totalCount: isList ? answer.value.info?.totalCount : undefined } };
    if (endpoint.endsWith('_configurations') && isUnknown(answer.failure))
      return { ok: true, value: { totalCount: undefined } };
    return report(answer.failure);
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

/** What the self-metrics and the planner read of a budget. */
export function viewOf(
  budget: () => Budget,
  { clock, monotonic }: { readonly clock: () => number; readonly monotonic: () => number },
): BudgetView {
  return {
    get requests() {
      return budget().requests;
    },
    get capacity() {
      return budget().capacity;
    },
    available: () => budget().available(monotonic()),
    hold: (count) => budget().hold(monotonic(), count),
    blockedUntil: () => {
      const forMs = budget().blockedFor(monotonic());
      return forMs > 0 ? clock() + forMs : undefined;
    },
  };
}

const isRouteEndpoint = (endpoint: ListEndpoint | RouteEndpoint): endpoint is RouteEndpoint =>
  endpoint === 'teamnet_routes' || endpoint === 'hostname_routes';

const probePath = (accountId: string, endpoint: ListEndpoint | RouteEndpoint): string =>
  isRouteEndpoint(endpoint) ? routesPath(accountId, endpoint) : listPath(accountId, endpoint);

interface ListRequest {
  readonly endpoint: ListEndpoint;
  readonly types: readonly KnownTunnelType[];
  readonly call: CallOptions | undefined;
}

interface TypedListRequest {
  /** Why `/tunnels` could not be used. */
  readonly forbidden: CallFailure;
  readonly call: CallOptions | undefined;
}

/** Deleted tunnels and types that were not asked for are left out, should the server send them all the same. */
const isWanted = ({ deleted, entry }: ListedItem, types: readonly KnownTunnelType[]): boolean =>
  !deleted && (entry.tunnel.type === 'unknown' || types.includes(entry.tunnel.type));

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
    message: `the API gives no ${detail} for tunnels of type ${type}`,
    codes: [],
  },
});

/**
 * 404: code 1055 for the configuration of a tunnel never configured or deleted, 1002 for a tunnel or connector that is
 * none. 7000 and 7003 are about the path.
 */
const isUnknown = ({ reason, codes }: CallFailure): boolean =>
  reason === 'not_found' && !codes.includes(7000) && !codes.includes(7003);

/** Forbidden, or not there, as where something between us and Cloudflare knows the typed lists only. */
const isClosed = ({ reason }: CallFailure): boolean => reason === 'permission' || reason === 'not_found';

const isRefusal = ({ reason }: CallFailure): boolean =>
  reason === 'auth' || reason === 'permission' || reason === 'not_found';
