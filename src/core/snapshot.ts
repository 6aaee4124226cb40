import type {
  Collector,
  Configuration,
  Connector,
  Failure,
  FailureReason,
  ListedTunnel,
  Route,
  RouteKind,
  TunnelStatus,
  TunnelType,
} from './model.ts';
import type { SidecarState } from './sidecar-state.ts';

/** A value that is requested repeatedly, and the result of the last request. */
export interface Observed<T> {
  /** The last value; undefined before the first, and when it is stale. */
  readonly value: T | undefined;
  readonly at: number | undefined;
  /** Since when every request has failed; undefined if the last one succeeded. */
  readonly failingSince: number | undefined;
  /** When the last request failed; undefined if it succeeded. */
  readonly failedAt: number | undefined;
  /** Why the last request failed; undefined if it succeeded. */
  readonly failedFor: FailureReason | undefined;
}

export function afterSuccess<T>(value: T | undefined, at: number): Observed<T> {
  return { value, at, failingSince: undefined, failedAt: undefined, failedFor: undefined };
}

export function afterFailure<T>(before: Observed<T>, { reason }: Failure, at: number): Observed<T> {
  return { ...before, failingSince: failingSince(before, at), failedAt: at, failedFor: reason };
}

/** Not in the future, also after the clock was set back. Retries depend on the duration. */
export function failingSince(before: { readonly failingSince: number | undefined }, at: number): number {
  return Math.min(before.failingSince ?? at, at);
}

/** Counters since the process started. They never decrease. */
export interface TunnelCounters {
  readonly transitions: Readonly<Record<TunnelStatus, number>>;
  readonly opened: number;
  readonly closed: number;
  readonly failovers: number;
}

/** Routes by the id of the tunnel that they lead to. */
export type RouteTable = ReadonlyMap<string, readonly Route[]>;

/** The routes that lead to one tunnel; undefined for a kind that is not known. */
export type TunnelRoutes = Readonly<Record<RouteKind, readonly Route[] | undefined>>;

export interface LastServing {
  readonly connectors: readonly Connector[];
  readonly at: number;
}

/** Changes within an observed time. Both decay, so that old changes lose weight. */
export interface Churn {
  readonly changes: number;
  readonly observedMs: number;
}

/** Everything about one tunnel. The same object if unchanged, because caches compare identity. */
export interface TunnelState {
  readonly tunnel: ListedTunnel;
  /** `value` is undefined for tunnels down or inactive, and types without the endpoint. */
  readonly connectors: Observed<readonly Connector[]>;
  /** When the endpoint last answered. Embedded connections can set a later `connectors.at`. */
  readonly detailedAt: number | undefined;
  /** When a list last showed a new status or new times, which a detail request should follow. */
  readonly changedAt: number | undefined;
  readonly configuration: Observed<Configuration>;
  readonly routes: TunnelRoutes;
  readonly counters: TunnelCounters;
  /**
   * The connectors last observed, stale or not, with which the next ones are compared. Empty for a
   * tunnel listed down or inactive; undefined before the first observation.
   */
  readonly knownConnectors: readonly Connector[] | undefined;
  /** The last serving connectors of a tunnel that has none now; undefined if it has one. */
  readonly lastServing: LastServing | undefined;
  /** The configuration last observed, stale or not, with which the next one is compared. */
  readonly knownConfiguration: Configuration | undefined;
  /** The WARP connector last observed as active, with which the next one is compared. */
  readonly lastActiveConnector: string | undefined;
  /** Changes of its connections that a list does not show. */
  readonly churn: Churn;
}

export interface CollectorState {
  /** Whether the last poll of this collector had no failure; undefined before the first. */
  readonly success: boolean | undefined;
  readonly lastSuccessAt: number | undefined;
  /** Why the collector fails; absent if it does not. */
  readonly failedFor?: FailureReason;
}

/** How an account's tunnels are listed, and the result of the last list. */
export interface ListState {
  /** When a list last succeeded or failed; undefined before the first. */
  readonly answeredAt: number | undefined;
  /** Since when every list has failed; undefined if the last one was complete. */
  readonly failingSince: number | undefined;
  /** Planned time between two lists, in milliseconds; undefined before the first plan. */
  readonly intervalMs: number | undefined;
  /** Requests that the last complete list took; undefined before the first. */
  readonly requests: number | undefined;
  /** Lists that showed a change. */
  readonly churn: Churn;
}

export interface AccountState {
  readonly id: string;
  /** '' if the user gave none. */
  readonly name: string;
  /** Whether the last list was complete, for every type asked for; undefined before the first. */
  readonly up: boolean | undefined;
  readonly list: ListState;
  /** When a complete list last covered a type. Types without a fresh list are absent. */
  readonly listedAt: ReadonlyMap<TunnelType, number>;
  /** Types that a complete list ever covered. Further tunnels of these types are new. */
  readonly everListed: ReadonlySet<TunnelType>;
  readonly collectors: Readonly<Record<Collector, CollectorState>>;
  readonly routes: Readonly<Record<RouteKind, Observed<RouteTable>>>;
  /** Tunnels whose list is not stale, by id, in the order of the list. */
  readonly tunnels: ReadonlyMap<string, TunnelState>;
  /** Tunnels whose list is stale. Kept so that their counters continue when the list returns. */
  readonly hidden: ReadonlyMap<string, TunnelState>;
}

/** The immutable state of all accounts at one moment. */
export interface Snapshot {
  readonly takenAt: number;
  /** By account id, in configured order. */
  readonly accounts: ReadonlyMap<string, AccountState>;
  /** The observed cloudflared; undefined if there is none, and before the first check. */
  readonly sidecar: SidecarState | undefined;
}

export const NO_CHURN: Churn = { changes: 0, observedMs: 0 };
export const UNOBSERVED: Observed<never> = {
  value: undefined,
  at: undefined,
  failingSince: undefined,
  failedAt: undefined,
  failedFor: undefined,
};
export const NO_ROUTE_TABLES: AccountState['routes'] = { network: UNOBSERVED, hostname: UNOBSERVED };
export const UNKNOWN_ROUTES: TunnelRoutes = { network: undefined, hostname: undefined };
export const NEVER_COLLECTED: CollectorState = { success: undefined, lastSuccessAt: undefined };

export function emptySnapshot(
  accounts: readonly { readonly id: string; readonly name: string }[],
  now: number,
): Snapshot {
  return {
    takenAt: now,
    accounts: new Map(accounts.map((account) => [account.id, emptyAccount(account)])),
    sidecar: undefined,
  };
}

const NEVER_LISTED: ListState = {
  answeredAt: undefined,
  failingSince: undefined,
  intervalMs: undefined,
  requests: undefined,
  churn: NO_CHURN,
};

export function emptyAccount({ id, name }: { readonly id: string; readonly name: string }): AccountState {
  return {
    id,
    name,
    up: undefined,
    list: NEVER_LISTED,
    listedAt: new Map(),
    everListed: new Set(),
    collectors: {
      tunnels: NEVER_COLLECTED,
      connections: NEVER_COLLECTED,
      warp_connections: NEVER_COLLECTED,
      configurations: NEVER_COLLECTED,
      routes: NEVER_COLLECTED,
    },
    routes: NO_ROUTE_TABLES,
    tunnels: new Map(),
    hidden: new Map(),
  };
}

/** Whether every account has been listed at least once, successfully or not. */
export function isEveryAccountListed({ accounts }: Snapshot): boolean {
  return accounts.values().every(({ list }) => list.answeredAt !== undefined);
}

/** Whether any account has a list that is not stale. */
export function hasFreshData(snapshot: Snapshot): boolean {
  return snapshot.accounts.values().some(({ listedAt }) => listedAt.size > 0);
}
