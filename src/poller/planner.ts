import type { BudgetView } from '../cloudflare/budget.ts';
import type { Config } from '../config/config.ts';
import { polledCollectors } from '../core/collectors.ts';
import { listIntervals, listRate, WINDOW_MS } from '../core/intervals.ts';
import type { Observation } from '../core/model.ts';
import { idleCollectors } from '../core/plan-details.ts';
import { plan, type PlannedRequest } from '../core/plan.ts';
import type { AccountState } from '../core/snapshot.ts';
import { keyOf } from './sender.ts';
import { createConfigurationShare, createListShare, createRouteShare } from './share.ts';

export interface PlannerOptions {
  readonly budget: Pick<BudgetView, 'requests' | 'capacity' | 'available'>;
  /** The current state of the accounts that share the budget. */
  readonly accounts: () => readonly AccountState[];
  readonly tunnels: Config['tunnels'];
  readonly pollIntervalMs: number;
  readonly staleAfterMs: number;
  readonly clock: () => number;
  readonly isInFlight: (request: PlannedRequest) => boolean;
  /** When an account's token was last replaced. */
  readonly renewedAt: (accountId: string) => number | undefined;
}

export interface NextOptions {
  /** The most requests to return. */
  readonly most: number;
  /** Keys of requests that `once` has sent and does not repeat. `next` adds new ones. */
  readonly once?: Set<string> | undefined;
}

export interface NextRequests {
  /** By priority. The caller sends all of them. */
  readonly requests: readonly PlannedRequest[];
  /** Tunnels whose connections are due and not among `requests`. */
  readonly waiting: number;
  /** Requests of any kind that are due and not among `requests`. */
  readonly unsent: number;
}

/** Plans requests within one budget, and counts them against its shares. */
export interface Planner {
  /** Allows one list of every account. Returns the list intervals that have changed. */
  readonly startPoll: () => readonly Observation[];
  readonly next: (options: NextOptions) => NextRequests;
  /** Allows another list of accounts whose last one gets old while `once` waits for the budget. */
  readonly relistOld: () => void;
  /** The collectors of the account that have nothing to request. */
  readonly idle: (account: AccountState) => readonly Observation[];
}

/** Minimum age, as a fraction of the poll interval, before a tunnel is observed again. */
const MIN_AGE_SHARE = 0.75;
/** A list interval that changes by less than this part is not applied. */
const INTERVAL_TOLERANCE = 0.05;

export function createPlanner(options: PlannerOptions): Planner {
  const { budget, accounts, tunnels, pollIntervalMs, staleAfterMs, clock, isInFlight, renewedAt } = options;
  const listShare = createListShare(budget.requests);
  const routeShare = createRouteShare(budget.requests);
  const configurationShare = createConfigurationShare(
    () => budget.requests - WINDOW_MS * listRate(accounts(), pollIntervalMs),
  );
  const polled = polledCollectors(tunnels);
  /** Accounts that were listed since the poll started. */
  const listed = new Set<string>();

  const due = () => ({
    now: clock(),
    minAgeMs: pollIntervalMs * MIN_AGE_SHARE,
    configurations: tunnels.configurations,
    renewedAt,
  });

  return {
    startPoll: () => {
      listed.clear();
      const now = clock();
      const intervals = listIntervals(accounts(), { now, pollIntervalMs, requestBudget: budget.requests });
      return accounts().flatMap(({ id, list: { intervalMs: before } }): Observation[] => {
        const intervalMs = intervals.get(id) ?? pollIntervalMs;
        const isClose = before !== undefined && Math.abs(intervalMs - before) <= INTERVAL_TOLERANCE * before;
        return isClose ? [] : [{ kind: 'list_interval', accountId: id, intervalMs, at: now }];
      });
    },
    next: ({ most, once }) => {
      const { requests, ...planned } = plan(accounts(), {
        ...due(),
        ...(once === undefined ? {} : { minAgeMs: 0 }),
        pollIntervalMs,
        staleAfterMs,
        requestBudget: budget.requests,
        capacity: budget.capacity,
        allowance: Math.floor(budget.available()),
        listAllowance: listShare.available(clock()),
        routeAllowance: routeShare.available(clock()),
        configurationAllowance: configurationShare.available(clock()),
        isOnce: once !== undefined,
        isListed: (id) => listed.has(id),
        isBeingListed: (id) => isInFlight(listOf(id)),
        routes: polled.has('routes'),
        isReadingRoutes: isInFlight,
        isInFlight: (request) => isInFlight(request) || once?.has(keyOf(request)) === true,
      });
      const now = requests.slice(0, most);
      const later = requests.slice(most);
      for (const request of now) {
        if (request.kind === 'list') listed.add(request.accountId);
        else once?.add(keyOf(request));
      }
      const { sharedLists, sharedRoutes } = planned;
      listShare.take(clock(), costOf(now.slice(0, sharedLists).filter(isList)));
      listShare.takeSpare(clock(), costOf(now.slice(sharedLists).filter(isList)));
      routeShare.take(clock(), costOf(now.slice(sharedLists, sharedLists + sharedRoutes)));
      configurationShare.take(clock(), later.length > 0 ? 0 : planned.configurationsAhead);
      return {
        requests: now,
        waiting: planned.waiting + later.filter(({ kind }) => kind === 'connections').length,
        unsent: planned.unafforded + later.length,
      };
    },
    relistOld: () => {
      for (const { id, list } of accounts()) {
        if (list.answeredAt === undefined) continue;
        if (clock() - list.answeredAt >= Math.max(staleAfterMs / 2, list.intervalMs ?? 0)) listed.delete(id);
      }
    },
    idle: (account) => {
      const at = clock();
      return idleCollectors(account, due())
        .filter((collector) => polled.has(collector))
        .map((collector) => ({ kind: 'idle', accountId: account.id, collector, at }));
    },
  };
}

/** A list of the account, as a key for what is in flight. */
export function listOf(accountId: string): PlannedRequest {
  return { kind: 'list', accountId, requests: 1 };
}

/** Calls of the API that these requests are expected to take. */
export function costOf(requests: readonly PlannedRequest[]): number {
  return requests.reduce((sum, request) => sum + ('requests' in request ? request.requests : 1), 0);
}

function isList({ kind }: PlannedRequest): boolean {
  return kind === 'list';
}
