import { type Churn, NO_CHURN } from './churn.ts';
import type {
  Collector,
  Configuration,
  Connector,
  FailureReason,
  ListedTunnel,
  Route,
  RouteKind,
  TunnelStatus,
  TunnelType,
} from './model.ts';
import type { SidecarState } from './sidecar-state.ts';

/** What was asked for, and what came of it. */
export interface Observed<T> {
  /** The last good value; `undefined` before the first, and once it is too old to show while every attempt fails. */
  readonly value: T | undefined;
  /** When `value` was observed. */
  readonly at: number | undefined;
  /** Since when every attempt has failed; `undefined` while the last attempt was good. */
  readonly failingSince: number | undefined;
  /** When the last attempt failed; `undefined` while the last attempt was good. */
  readonly failedAt: number | undefined;
  /** Why; `undefined` while the last attempt was good. */
  readonly failedFor: FailureReason | undefined;
}

/** Counters that outlive a poll. They never go down within a process. */
export interface TunnelCounters {
  readonly transitions: Readonly<Record<TunnelStatus, number>>;
  readonly opened: number;
  readonly closed: number;
  readonly failovers: number;
}

/** Routes by the tunnel that they lead to. */
export type RouteTable = ReadonlyMap<string, readonly Route[]>;

/** The routes that lead to one tunnel; `undefined` for a kind that is not known. */
export type TunnelRoutes = Readonly<Record<RouteKind, readonly Route[] | undefined>>;

/** Connectors as they were, and when they were last observed. */
export interface LastServing {
  readonly connectors: readonly Connector[];
  readonly at: number;
}

/** All that is known of one tunnel. The same object as before where nothing has changed: caches go by identity. */
export interface TunnelState {
  readonly tunnel: ListedTunnel;
  /** `value` is undefined for a tunnel listed down or inactive, and for types without a connections endpoint. */
  readonly connectors: Observed<readonly Connector[]>;
  /** When the connections endpoint last answered; `connectors.at` is later where a list embeds connections. */
  readonly detailedAt: number | undefined;
  /** When a list last showed a new status or new times; what a detail observation should follow. */
  readonly changedAt: number | undefined;
  readonly configuration: Observed<Configuration>;
  readonly routes: TunnelRoutes;
  readonly counters: TunnelCounters;
  /**
   * The connectors last observed, also if that is too old to show; none for a tunnel listed down or inactive. Changes
   * are measured against it; `undefined` before the first observation.
   */
  readonly knownConnectors: readonly Connector[] | undefined;
  /** What was last observed of a tunnel that has lost its connections; `undefined` while it serves. */
  readonly lastServing: LastServing | undefined;
  /** The configuration last observed, also if that is too old to show. Changes are measured against it. */
  readonly knownConfiguration: Configuration | undefined;
  /** The WARP connector last knownConnectors active, which a failover is measured against. */
  readonly lastActiveConnector: string | undefined;
  /** How restless its connections have been, which a list does not show. */
  readonly churn: Churn;
}

export interface CollectorState {
  /** Whether the last poll of this collector was without failure; `undefined` before the first. */
  readonly success: boolean | undefined;
  readonly lastSuccessAt: number | undefined;
  /** Why the collector fails; absent while it succeeds. */
  readonly failedFor?: FailureReason;
}

/** How an account's list is made, and what came of it. */
export interface ListState {
  /** When a list was last answered, well or not; `undefined` before the first. */
  readonly answeredAt: number | undefined;
  /** Since when every list has failed; `undefined` while the last one was complete. */
  readonly failingSince: number | undefined;
  /** Planned time between two lists, in milliseconds; `undefined` before the first plan. */
  readonly intervalMs: number | undefined;
  /** Requests that the last complete list took; `undefined` before the first. */
  readonly requests: number | undefined;
  /** How often a list has shown tunnels to have changed. */
  readonly churn: Churn;
}

export interface AccountState {
  readonly id: string;
  /** '' where the user gave none. */
  readonly name: string;
  /** Whether the last list was complete, for every type asked for; `undefined` before the first. */
  readonly up: boolean | undefined;
  readonly list: ListState;
  /** When a complete list last covered a type. A type that is absent was never listed, or is too old to show. */
  readonly listedAt: ReadonlyMap<TunnelType, number>;
  /** Types that a complete list has ever covered: a tunnel of these that appears is new. */
  readonly everListed: ReadonlySet<TunnelType>;
  readonly collectors: Readonly<Record<Collector, CollectorState>>;
  readonly routes: Readonly<Record<RouteKind, Observed<RouteTable>>>;
  /** By tunnel id, in the order in which they were listed. Only tunnels that are fresh enough to show. */
  readonly tunnels: ReadonlyMap<string, TunnelState>;
  /** Tunnels whose list is too old to show: kept so that their counters go on when the list comes back. */
  readonly hidden: ReadonlyMap<string, TunnelState>;
}

/** The immutable truth that a scrape sees. */
export interface Snapshot {
  readonly takenAt: number;
  /** By account id, in configured order. */
  readonly accounts: ReadonlyMap<string, AccountState>;
  /** The cloudflared beside us; `undefined` where there is none, or before it was first asked. */
  readonly sidecar: SidecarState | undefined;
}

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

/** A snapshot that knows which accounts there are and nothing of them. */
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

/** Whether every account has been listed, or has failed to be, at least once. */
export function isEveryAccountListed({ accounts }: Snapshot): boolean {
  return accounts.values().every(({ list }) => list.answeredAt !== undefined);
}

/** Whether anything is known and fresh. */
export function hasFreshData(snapshot: Snapshot): boolean {
  return [...snapshot.accounts.values()].some((account) => account.listedAt.size > 0);
}
