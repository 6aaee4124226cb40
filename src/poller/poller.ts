import { setMaxListeners } from 'node:events';
import type { Config } from '../config/config.ts';
import { COLLECTORS, ROUTE_KINDS } from '../core/model.ts';
import type { AccountState } from '../core/snapshot.ts';
import type { Logger } from '../log/logger.ts';
import { createFailureLog } from '../log/failure-log.ts';
import { type BudgetGroup, createRequestLoop, type RequestLoop } from './loop.ts';
import { createSchedule, intervalOf } from './schedule.ts';
import type { SnapshotStore } from './store.ts';
import { createTokenRefresh } from '../cloudflare/live-token.ts';

/** How often token files are read again. A replaced token retries refused requests at once. */
const TOKEN_CHECK_MS = 5_000;

export interface PollerOptions {
  readonly config: Pick<Config, 'cloudflare' | 'poll' | 'tunnels'>;
  readonly groups: readonly Pick<BudgetGroup, 'tokens'>[];
  readonly store: SnapshotStore;
  readonly clock: () => number;
  readonly offsetMs: number;
  readonly log: Pick<Logger, 'warn' | 'info' | 'error' | 'debug'>;
  /** Receives every new token before it is used, so that the log can redact it. */
  readonly secrets: { readonly add: (value: string) => void };
  readonly selfMetrics: {
    readonly pollFinished: (poll: {
      readonly at: number;
      readonly seconds: number;
      readonly failed: boolean;
    }) => void;
    readonly pollSkipped: () => void;
    readonly waiting: (tunnels: number) => void;
  };
}

export interface Poller {
  /** Polls now and then on schedule. */
  readonly start: () => void;
  /** Aborts the running poll, and resolves when it has ended. */
  readonly stop: () => Promise<void>;
  /** Polls every account and tunnel once. Resolves to whether all requests succeeded. */
  readonly pollOnce: () => Promise<boolean>;
}

export function createPoller(options: PollerOptions): Poller {
  const { config, groups, store, clock, offsetMs, log, secrets, selfMetrics } = options;
  const stopping = new AbortController();
  // Every request in flight adds a listener.
  setMaxListeners(0, stopping.signal);
  const failures = createFailureLog({
    log,
    clock,
    isFailing: (accountId, collector) =>
      store.current().accounts.get(accountId)?.collectors[collector].success === false,
  });
  const pollIntervalMs = intervalOf(config.poll.schedule);
  const reportError = (error: unknown): void => {
    log.error({ err: error }, 'Unexpected error during a poll; please report this');
  };
  const loops = groups.map((group) =>
    createRequestLoop(group, {
      ...config,
      concurrency: config.cloudflare.concurrency,
      pollIntervalMs,
      staleAfterMs: config.poll.staleAfterMs,
      store,
      clock,
      onApplied: failures.observed,
      onError: reportError,
    }),
  );
  const refreshTokens = createTokenRefresh(
    groups.flatMap((group) => group.tokens.map(({ token }) => token)),
    { log, secrets },
  );
  let tokenTimer: NodeJS.Timeout | undefined;
  const polling = new Set<RequestLoop>();
  const draining = new Map<RequestLoop, Promise<void>>();

  /** Between polls, sends the requests that the budget did not allow at once. */
  const drainSoon = (loop: RequestLoop): void => {
    if (stopping.signal.aborted || draining.has(loop)) return;
    const drained = loop.drain(stopping.signal).catch(reportError);
    const removed = drained.finally(() => draining.delete(loop));
    draining.set(loop, removed);
  };

  const pollLoop = async (loop: RequestLoop): Promise<void> => {
    polling.add(loop);
    drainSoon(loop);
    try {
      await loop.poll(stopping.signal);
    } finally {
      polling.delete(loop);
      if (loop.unsent() > 0) drainSoon(loop);
    }
  };

  const poll = async (pollOne: (loop: RequestLoop) => Promise<unknown>): Promise<boolean> => {
    const started = performance.now();
    await refreshTokens();
    const results = await Promise.allSettled(loops.map(pollOne));
    if (stopping.signal.aborted) return false;
    for (const result of results) if (result.status === 'rejected') reportError(result.reason);
    const waiting = loops.reduce((sum, loop) => sum + loop.waiting(), 0);
    const whole =
      results.every(({ status }) => status === 'fulfilled') &&
      store.current().accounts.values().every(isWithoutFailure);
    const elapsed = (performance.now() - started) / 1000;
    selfMetrics.waiting(waiting);
    selfMetrics.pollFinished({ at: clock(), seconds: elapsed, failed: !whole });
    log.debug({ seconds: elapsed, waiting, whole }, 'poll finished');
    return whole;
  };

  const schedule = createSchedule({
    expression: config.poll.schedule,
    offsetMs,
    // Many exporters that watch single tunnels share a token and start together.
    startsAtOnce: config.tunnels.ids.length === 0,
    run: async () => {
      await poll(pollLoop);
    },
    onSkip: () => {
      selfMetrics.pollSkipped();
      // Slow answers of one budget do not delay the lists of another.
      for (const loop of loops) if (!polling.has(loop)) void pollLoop(loop).catch(reportError);
      log.warn(
        'poll skipped: the previous one is still running; Cloudflare is slow, or the schedule is too dense',
      );
    },
    onClockJump: (seconds) => {
      log.warn(`the system clock has jumped by ${Math.round(seconds)} s: polling now and rescheduling`);
    },
  });

  const checkTokens = async (): Promise<void> => {
    const changed = await refreshTokens();
    if (changed && !stopping.signal.aborted) schedule.runSoon();
  };

  return {
    start: () => {
      schedule.start();
      tokenTimer = setInterval(() => void checkTokens(), TOKEN_CHECK_MS);
    },
    stop: async () => {
      stopping.abort();
      clearInterval(tokenTimer);
      await schedule.stop();
      await Promise.all(draining.values());
    },
    pollOnce: async () => {
      const succeeded = await poll((loop) => loop.once(stopping.signal));
      const { accounts } = store.current();
      return succeeded && accounts.values().every(({ up }) => up === true);
    },
  };
}

/** Whether neither the last list nor any collector has failed. */
function isWithoutFailure({ up, collectors, routes }: AccountState): boolean {
  // A missing permission for routes is not a failure of the poll.
  const isRefused = ROUTE_KINDS.every((kind) => [undefined, 'permission'].includes(routes[kind].failedFor));
  return (
    up !== false &&
    COLLECTORS.every(
      (collector) => collectors[collector].success !== false || (collector === 'routes' && isRefused),
    )
  );
}
