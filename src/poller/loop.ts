import { setTimeout as sleep } from 'node:timers/promises';
import type { Config } from '../config/config.ts';
import { listIntervals, listRate, WINDOW_MS } from '../core/intervals.ts';
import type { Collector, Observation } from '../core/model.ts';
import { idleCollectors } from '../core/plan-details.ts';
import { plan, type PlannedRequest } from '../core/plan.ts';
import type { AccountState } from '../core/snapshot.ts';
import { yieldToEventLoop } from '../yield-to-event-loop.ts';
import { createConfigurationShare, createListShare, createRouteShare } from './share.ts';
import { createSender, keyOf } from './sender.ts';
import type { SnapshotStore } from './store.ts';
import type { BudgetGroup } from './budget-group.ts';

export interface RequestLoopOptions {
  readonly tunnels: Config['tunnels'];
  readonly concurrency: number;
  readonly pollIntervalMs: number;
  /** Lists are renewed before they are too old to show, however long a poll takes. */
  readonly staleAfterMs: number;
  readonly store: SnapshotStore;
  readonly clock: () => number;
  /** Observations that have been applied to the snapshot. */
  readonly onApplied?: (observations: readonly Observation[]) => void;
  /** An error that no answer of the API should cause. The loop goes on. */
  readonly onError?: (error: unknown) => void;
  /** Resolves to false if the signal aborts first. Default: the machine's timer. */
  readonly pause?: (milliseconds: number, signal: AbortSignal) => Promise<boolean>;
}

export interface PollOutcome {
  /** What was applied while the poll was going on. */
  readonly observations: readonly Observation[];
  /** Tunnels that are due and that the budget does not allow to be observed. */
  readonly waiting: number;
}

/**
 * Makes the requests of the accounts that share one budget. There is one plan (core/plan.ts) for lists and details, and what
 * is planned is taken out of the budget at once. Every answer is applied when it arrives.
 */
export interface RequestLoop {
  /**
   * One poll: every list may be made again. Makes the requests that the budget allows now, and those that their answers
   * make due, and resolves when all are answered. It never waits for the budget.
   */
  readonly poll: (signal: AbortSignal) => Promise<PollOutcome>;
  /** Goes on as the budget refills, until nothing that is due waits for it. Resolves for an abort as well. */
  readonly drain: (signal: AbortSignal) => Promise<void>;
  /** Makes the requests that the budget allows now. Resolves when all are answered. */
  readonly step: (signal: AbortSignal) => Promise<void>;
  /** How long until the budget allows a step worth planning, in milliseconds. */
  readonly nextStepMs: () => number;
  /** Every list and every detail once, however long the budget makes that take. */
  readonly once: (signal: AbortSignal) => Promise<PollOutcome>;
  /** Tunnels that are due and that the budget does not allow to be observed, by the last plan. */
  readonly waiting: () => number;
  /** Requests of any kind that are due and were not sent, by the last plan. */
  readonly unsent: () => number;
}

/** Between polls the budget is let to grow by this part of the bucket before the next plan. Planning a large fleet costs. */
const STEP_SHARE = 1 / 16;
/** A small bucket overflows before it holds so many. */
const MOST_OF_BUCKET = 0.5;
const SHORTEST_PAUSE_MS = 1_000;
/** Planned ahead of those in flight. What becomes urgent waits for these at most. */
const QUEUE_FACTOR = 4;
/** After so much of a poll interval, a tunnel may be observed again: polls come a little early and late. */
const MIN_AGE_SHARE = 0.75;
/** An interval that changes by less is not news. */
const INTERVAL_TOLERANCE = 0.05;
/** Accounts are examined at in slices of so many tunnels, between which other work runs. */
const SLICE_TUNNELS = 2_000;

const NOTHING: PollOutcome = { observations: [], waiting: 0 };

interface StepOptions {
  readonly signal: AbortSignal;
  /** The most requests to plan. Default: as many as the queue has room for. */
  readonly most?: number;
  /** Details that have been asked for and are not asked for again; grows. */
  readonly once?: Set<string>;
}

interface Sent {
  readonly request: PlannedRequest;
  /** Resolves when the answer has been applied. */
  readonly answered: Promise<void>;
}

interface Step {
  readonly sent: readonly Sent[];
  /** Requests of any kind that are due and not sent. */
  readonly left: number;
}

export function createRequestLoop(
  { tokens }: Pick<BudgetGroup, 'tokens'>,
  options: RequestLoopOptions,
): RequestLoop {
  const { store, clock, tunnels, concurrency, pollIntervalMs, staleAfterMs } = options;
  const { pause = timerPause, onError = () => undefined } = options;
  const [first] = tokens;
  if (first === undefined) throw new Error('Cannot make requests: current value of tokens is an empty list');
  const { budget } = first.client;
  const accountIds = tokens.flatMap(({ accounts }) => accounts.map(({ id }) => id));
  const clients = new Map(
    tokens.flatMap(({ accounts, client }) => accounts.map(({ id }) => [id, client] as const)),
  );
  const states = (): readonly AccountState[] =>
    accountIds.flatMap((id) => store.current().accounts.get(id) ?? []);

  const listShare = createListShare(budget.requests);
  const routeShare = createRouteShare(budget.requests);
  const configurationShare = createConfigurationShare(
    () => budget.requests - WINDOW_MS * listRate(states(), pollIntervalMs),
  );
  const renewals = createRenewals(tokens, clock);
  /** Accounts that were listed since the schedule last allowed a list. */
  const listed = new Set<string>();
  let waiting = 0;
  let unsent = 0;
  /** Of the poll that is going on; between polls nobody asks for them. */
  let observed: Observation[] | undefined;

  const sender = createSender({
    clientOf: (accountId) => {
      const client = clients.get(accountId);
      if (client === undefined)
        throw new Error(`Cannot send a request: no token serves account ${accountId}`);
      return client;
    },
    store,
    clock,
    tunnels,
    concurrency,
    onApplied: (observations) => {
      observed?.push(...observations);
      options.onApplied?.(observations);
    },
    onError,
  });

  const due = () => ({
    now: clock(),
    minAgeMs: pollIntervalMs * MIN_AGE_SHARE,
    configurations: tunnels.configurations,
    renewedAt: renewals.at,
  });

  const isBeingListed = (accountId: string): boolean => sender.isInFlight(listOf(accountId));

  const sendHeld = (request: PlannedRequest, signal: AbortSignal): Promise<void> => {
    if (request.kind === 'list') listed.add(request.accountId);
    const hold = budget.hold(costOf([{ request }]));
    return sender.send(request, { signal, hold });
  };

  /** Plans the next requests and sends them. */
  const sendNext = async ({ signal, most = Infinity, once }: StepOptions): Promise<Step> => {
    await yieldToEventLoop();
    const room = Math.min(most, QUEUE_FACTOR * concurrency - sender.unanswered());
    if (signal.aborted || room < 1) return { sent: [], left: Infinity };
    renewals.update();
    const {
      requests,
      waiting: unobserved,
      unafforded,
      sharedLists,
      sharedRoutes,
      configurationsAhead,
    } = plan(states(), {
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
      isBeingListed,
      routes: readsRoutes(tunnels),
      isReadingRoutes: (request) => sender.isInFlight(request),
      isInFlight: (request) => sender.isInFlight(request) || once?.has(keyOf(request)) === true,
    });
    const now = requests.slice(0, room);
    const later = requests.slice(room);
    for (const request of now) if (request.kind !== 'list') once?.add(keyOf(request));
    listShare.take(clock(), listCostOf(now.slice(0, sharedLists)));
    listShare.takeSpare(clock(), listCostOf(now.slice(sharedLists)));
    routeShare.take(
      clock(),
      costOf(now.slice(sharedLists, sharedLists + sharedRoutes).map((request) => ({ request }))),
    );
    configurationShare.take(clock(), later.length > 0 ? 0 : configurationsAhead);
    waiting = unobserved + later.filter(({ kind }) => kind === 'connections').length;
    unsent = unafforded + later.length;
    return {
      sent: now.map((request) => ({ request, answered: sendHeld(request, signal) })),
      left: unsent,
    };
  };

  /** Lists may be made again, and what was refused may be asked for again. */
  const tick = (): void => {
    listed.clear();
    sender.retryRefused();
    const now = clock();
    const intervals = listIntervals(states(), {
      now,
      pollIntervalMs,
      requestBudget: budget.requests,
    });
    const changed = states().flatMap(({ id, list }): Observation[] => {
      const intervalMs = intervals.get(id) ?? pollIntervalMs;
      const before = list.intervalMs;
      const isNews = before === undefined || Math.abs(intervalMs - before) > INTERVAL_TOLERANCE * before;
      return !isNews ? [] : [{ kind: 'list_interval', accountId: id, intervalMs, at: now }];
    });
    if (changed.length > 0) store.apply(changed);
  };

  /** While Cloudflare refuses the token, the client fails every list at once and says until when. */
  const listsWhileBlocked = (signal: AbortSignal): readonly Promise<void>[] =>
    accountIds
      .filter((accountId) => !isBeingListed(accountId))
      .map((accountId) => sender.send(listOf(accountId), { signal, hold: undefined }));

  /** Collectors with nothing to do have succeeded. */
  const observeIdle = async (signal: AbortSignal): Promise<void> => {
    const polled = polledCollectors(tunnels);
    const idle: Observation[] = [];
    let examined = 0;
    for (const id of accountIds) {
      const account = store.current().accounts.get(id);
      if (account?.up !== true) continue;
      if (examined === 0) await yieldToEventLoop();
      examined = (examined + account.tunnels.size) % SLICE_TUNNELS;
      const at = clock();
      for (const collector of idleCollectors(account, due()))
        if (polled.has(collector)) idle.push({ kind: 'idle', accountId: id, collector, at });
    }
    if (signal.aborted || idle.length === 0) return;
    store.apply(idle);
    observed?.push(...idle);
    options.onApplied?.(idle);
  };

  const step = async (signal: AbortSignal): Promise<void> => {
    const { sent } = await sendNext({ signal });
    await Promise.all(sent.map(({ answered }) => answered));
  };

  const finish = async (signal: AbortSignal): Promise<PollOutcome> => {
    await observeIdle(signal);
    const observations = observed ?? [];
    observed = undefined;
    return signal.aborted ? NOTHING : { observations, waiting };
  };

  return {
    waiting: () => waiting,
    unsent: () => unsent,
    poll: async (signal) => {
      observed = [];
      tick();
      if (budget.blockedUntil() !== undefined) {
        await Promise.all(listsWhileBlocked(signal));
        return finish(signal);
      }
      /** No more than there was at the beginning: a poll does not wait for the budget. */
      let left = Math.floor(budget.available());
      const own = new Set<Promise<void>>();
      for (;;) {
        const { sent } = left < 1 ? { sent: [] } : await sendNext({ signal, most: left });
        left -= costOf(sent);
        for (const { answered } of sent) {
          own.add(answered);
          void answered.then(() => own.delete(answered));
        }
        if (own.size === 0 || signal.aborted) break;
        await Promise.race([sender.applied(), Promise.all(own)]);
      }
      return finish(signal);
    },
    nextStepMs,
    step,
    drain: async (signal) => {
      for (;;) {
        if (!(await pause(nextStepMs(), signal))) return;
        try {
          await step(signal);
          if (unsent === 0) return;
        } catch (error) {
          onError(error);
        }
      }
    },
    once: async (signal) => {
      observed = [];
      tick();
      const asked = new Set<string>();
      for (;;) {
        for (const account of states()) if (mustListAgain(account)) listed.delete(account.id);
        const { left } = await sendNext({ signal, once: asked });
        if (signal.aborted) return NOTHING;
        if (sender.inFlight() > 0) await sender.applied();
        else if (left === 0 || budget.blockedUntil() !== undefined) return finish(signal);
        else if (!(await pause(nextStepMs(), signal))) return NOTHING;
      }
    },
  };

  function nextStepMs(): number {
    const wanted = Math.max(concurrency, budget.capacity * STEP_SHARE);
    const requests = Math.min(wanted, budget.capacity * MOST_OF_BUCKET);
    return Math.max(SHORTEST_PAUSE_MS, Math.ceil((requests * WINDOW_MS) / budget.requests));
  }

  function mustListAgain({ list }: AccountState): boolean {
    if (list.answeredAt === undefined) return false;
    return clock() - list.answeredAt >= Math.max(staleAfterMs / 2, list.intervalMs ?? 0);
  }
}

const listOf = (accountId: string): PlannedRequest => ({ kind: 'list', accountId, requests: 1 });

function listCostOf(requests: readonly PlannedRequest[]): number {
  return costOf(requests.filter(({ kind }) => kind === 'list').map((request) => ({ request })));
}

/** Calls of the API that these requests are expected to take. */
function costOf(sent: readonly Pick<Sent, 'request'>[]): number {
  return sent.reduce((sum, { request }) => sum + ('requests' in request ? request.requests : 1), 0);
}

/** The lists hold the routes of all tunnels: too many requests for an exporter that watches single ones. */
function readsRoutes({ routes, ids }: Config['tunnels']): boolean {
  return routes && ids.length === 0;
}

function polledCollectors(tunnels: Config['tunnels']): ReadonlySet<Collector> {
  const { types, configurations } = tunnels;
  const polled = new Set<Collector>();
  if (types.includes('cfd_tunnel')) polled.add('connections');
  if (types.includes('warp_connector')) polled.add('warp_connections');
  if (configurations && polled.size > 0) polled.add('configurations');
  if (readsRoutes(tunnels)) polled.add('routes');
  return polled;
}

/** When the token of each account was last replaced while we run. */
function createRenewals(tokens: BudgetGroup['tokens'], clock: () => number) {
  const known = tokens.map(({ token }) => token.current());
  const renewedAt = new Map<string, number>();
  return {
    at: (accountId: string): number | undefined => renewedAt.get(accountId),
    update: (): void => {
      for (const [index, { token, accounts }] of tokens.entries()) {
        if (token.current() === known[index]) continue;
        known[index] = token.current();
        for (const { id } of accounts) renewedAt.set(id, clock());
      }
    },
  };
}

async function timerPause(milliseconds: number, signal: AbortSignal): Promise<boolean> {
  await sleep(milliseconds, undefined, { signal }).catch(() => undefined);
  return !signal.aborted;
}
