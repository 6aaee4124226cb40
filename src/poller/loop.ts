import { setTimeout as sleep } from 'node:timers/promises';
import type { Budget } from '../cloudflare/budget.ts';
import type { Client } from '../cloudflare/client.ts';
import type { LiveToken } from '../cloudflare/live-token.ts';
import type { Config } from '../config/config.ts';
import { WINDOW_MS } from '../core/intervals.ts';
import type { Observation } from '../core/model.ts';
import type { AccountState } from '../core/snapshot.ts';
import { yieldToEventLoop } from '../yield-to-event-loop.ts';
import { costOf, createPlanner, listOf } from './planner.ts';
import { createSender } from './sender.ts';
import type { SnapshotStore } from './store.ts';

/** The accounts of one API token. */
export interface TokenGroup {
  readonly accounts: readonly { readonly id: string }[];
  readonly token: LiveToken;
  readonly client: Client;
}

/** Tokens that share one request budget, because Cloudflare counts their requests together. */
export interface BudgetGroup {
  /** For the log and `check`. Never a token. */
  readonly name: string;
  /** The budget that every client of the group spends from. */
  readonly budget: Budget;
  readonly tokens: readonly TokenGroup[];
}

export interface RequestLoopOptions {
  readonly tunnels: Config['tunnels'];
  readonly concurrency: number;
  readonly pollIntervalMs: number;
  /** Lists are renewed before they are stale, however long a poll takes. */
  readonly staleAfterMs: number;
  readonly store: SnapshotStore;
  readonly clock: () => number;
  /** Receives observations after they were applied to the snapshot. */
  readonly onApplied?: (observations: readonly Observation[]) => void;
  /** Receives errors that no answer of the API should cause. The loop continues. */
  readonly onError?: (error: unknown) => void;
  /** Resolves to false if the signal aborts first. Default: a timer. */
  readonly pause?: (milliseconds: number, signal: AbortSignal) => Promise<boolean>;
}

export interface PollOutcome {
  /** What was applied during the poll. */
  readonly observations: readonly Observation[];
  /** Tunnels whose connections are due but not covered by the budget. */
  readonly waiting: number;
}

/**
 * Sends the requests of the accounts that share one budget. Lists and details come from one plan
 * (core/plan.ts), and each planned request is taken out of the budget at once. Every answer is
 * applied when it arrives.
 */
export interface RequestLoop {
  /**
   * Runs one poll, which may list every account again. Sends what the budget allows now and what
   * the answers make due, but does not wait for a refill. Resolves when all are answered.
   */
  readonly poll: (signal: AbortSignal) => Promise<PollOutcome>;
  /** Continues while the budget refills until nothing due waits. Resolves on abort. */
  readonly drain: (signal: AbortSignal) => Promise<void>;
  /** Sends the requests that the budget allows now. Resolves when all are answered. */
  readonly step: (signal: AbortSignal) => Promise<void>;
  /** Milliseconds until the budget allows enough requests to make a plan worthwhile. */
  readonly nextStepMs: () => number;
  /** Requests every list and every detail once, however long the budget makes that take. */
  readonly once: (signal: AbortSignal) => Promise<PollOutcome>;
  /** Tunnels whose connections were due but not covered by the budget in the last plan. */
  readonly waiting: () => number;
  /** Requests of any kind that were due and not sent in the last plan. */
  readonly unsent: () => number;
}

/** Between polls, planning waits until this part of the bucket refills, because it takes time. */
const STEP_SHARE = 1 / 16;
/** Limits a step to this part of the bucket, so that a small bucket does not overflow first. */
const MAX_STEP_SHARE = 0.5;
const MIN_PAUSE_MS = 1_000;
/** Requests planned ahead per request in flight. Urgent requests wait for these at most. */
const QUEUE_FACTOR = 4;
/** The loop yields to other work after examining this many tunnels. */
const SLICE_TUNNELS = 2_000;

const NOTHING: PollOutcome = { observations: [], waiting: 0 };

interface Sent {
  /** API calls that the requests are expected to take. */
  readonly cost: number;
  /** Each resolves when its answer has been applied. */
  readonly answers: readonly Promise<void>[];
}

export function createRequestLoop(
  { tokens }: Pick<BudgetGroup, 'tokens'>,
  options: RequestLoopOptions,
): RequestLoop {
  const { store, clock, tunnels, concurrency } = options;
  const { pause = timerPause, onError = () => undefined } = options;
  const [first] = tokens;
  if (first === undefined) throw new Error('Cannot make requests: current value of tokens is an empty list');
  const { budget } = first.client;
  const accountIds = tokens.flatMap(({ accounts }) => accounts.map(({ id }) => id));
  const clients = new Map(
    tokens.flatMap(({ accounts, client }) => accounts.map(({ id }) => [id, client] as const)),
  );
  const renewals = createRenewals(tokens, clock);
  let waiting = 0;
  let unsent = 0;
  /** Observations of the running poll; undefined between polls. */
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

  const planner = createPlanner({
    ...options,
    budget,
    accounts: (): readonly AccountState[] =>
      accountIds.flatMap((id) => store.current().accounts.get(id) ?? []),
    isInFlight: sender.isInFlight,
    renewedAt: renewals.at,
  });

  /** Plans the next requests, as many as the queue has room for, and sends them. */
  const sendNext = async (
    signal: AbortSignal,
    { most = Infinity, once }: { readonly most?: number; readonly once?: Set<string> } = {},
  ): Promise<Sent> => {
    await yieldToEventLoop();
    const room = Math.min(most, QUEUE_FACTOR * concurrency - sender.unanswered());
    if (signal.aborted || room < 1) return { cost: 0, answers: [] };
    renewals.update();
    const next = planner.next({ most: room, once });
    ({ waiting, unsent } = next);
    const answers = next.requests.map((request) =>
      sender.send(request, { signal, hold: budget.hold(costOf([request])) }),
    );
    return { cost: costOf(next.requests), answers };
  };

  const startPoll = (): void => {
    observed = [];
    sender.retryRefused();
    const intervals = planner.startPoll();
    if (intervals.length > 0) store.apply(intervals);
  };

  /** While Cloudflare blocks the token, the client fails each list at once and reports how long. */
  const listsWhileBlocked = (signal: AbortSignal): readonly Promise<void>[] =>
    accountIds
      .map(listOf)
      .filter((list) => !sender.isInFlight(list))
      .map((list) => sender.send(list, { signal, hold: undefined }));

  /** A collector with nothing to request has succeeded. */
  const observeIdle = async (signal: AbortSignal): Promise<void> => {
    const idle: Observation[] = [];
    let examined = 0;
    for (const id of accountIds) {
      const account = store.current().accounts.get(id);
      if (account?.up !== true) continue;
      if (examined === 0) await yieldToEventLoop();
      examined = (examined + account.tunnels.size) % SLICE_TUNNELS;
      idle.push(...planner.idle(account));
    }
    if (signal.aborted || idle.length === 0) return;
    store.apply(idle);
    observed?.push(...idle);
    options.onApplied?.(idle);
  };

  const finish = async (signal: AbortSignal): Promise<PollOutcome> => {
    await observeIdle(signal);
    const observations = observed ?? [];
    observed = undefined;
    return signal.aborted ? NOTHING : { observations, waiting };
  };

  const step = async (signal: AbortSignal): Promise<void> => {
    const { answers } = await sendNext(signal);
    await Promise.all(answers);
  };

  const nextStepMs = (): number => {
    const wanted = Math.max(concurrency, budget.capacity * STEP_SHARE);
    const requests = Math.min(wanted, budget.capacity * MAX_STEP_SHARE);
    return Math.max(MIN_PAUSE_MS, Math.ceil((requests * WINDOW_MS) / budget.requests));
  };

  return {
    waiting: () => waiting,
    unsent: () => unsent,
    nextStepMs,
    step,
    poll: async (signal) => {
      startPoll();
      if (budget.blockedUntil() !== undefined) {
        await Promise.all(listsWhileBlocked(signal));
        return finish(signal);
      }
      // What the budget held at the start, because a poll does not wait for it to refill.
      let left = Math.floor(budget.available());
      const unanswered = new Set<Promise<void>>();
      for (;;) {
        const { cost, answers } =
          left < 1 ? { cost: 0, answers: [] } : await sendNext(signal, { most: left });
        left -= cost;
        for (const answer of answers) {
          unanswered.add(answer);
          void answer.then(() => unanswered.delete(answer));
        }
        if (unanswered.size === 0 || signal.aborted) break;
        await Promise.race([sender.applied(), Promise.all(unanswered)]);
      }
      return finish(signal);
    },
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
      startPoll();
      const requested = new Set<string>();
      for (;;) {
        planner.relistOld();
        await sendNext(signal, { once: requested });
        if (signal.aborted) return NOTHING;
        if (sender.inFlight() > 0) await sender.applied();
        else if (unsent === 0 || budget.blockedUntil() !== undefined) return finish(signal);
        else if (!(await pause(nextStepMs(), signal))) return NOTHING;
      }
    },
  };
}

/** When the token of each account was last replaced, since this was created. */
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
