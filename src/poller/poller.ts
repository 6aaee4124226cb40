import { setMaxListeners } from 'node:events';
import type { Config } from '../config/config.ts';
import type { AccountState } from '../core/snapshot.ts';
import type { Logger } from '../log.ts';
import { createFailureLog } from './failure-log.ts';
import { type PassOutcome, runPass, type TokenGroup } from './pass.ts';
import { createSchedule } from './schedule.ts';
import type { SnapshotStore } from './store.ts';

export interface PollerOptions {
  readonly config: Pick<Config, 'cloudflare' | 'poll' | 'tunnels'>;
  readonly groups: readonly TokenGroup[];
  readonly store: SnapshotStore;
  readonly clock: () => number;
  readonly offsetMs: number;
  readonly log: Pick<Logger, 'warn' | 'info' | 'error' | 'debug'>;
  /** Told of every token that a file gives, before it is used. */
  readonly secrets: { readonly add: (value: string) => void };
  readonly telemetry: {
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
  /** Polls at once, and from then on as scheduled. */
  readonly start: () => void;
  /** Abandons the poll that is going on; resolves when that is done. */
  readonly stop: () => Promise<void>;
  /** One poll of every account, every tunnel observed; resolves to whether all of them answered. */
  readonly pollOnce: () => Promise<boolean>;
}

export function createPoller({
  config,
  groups,
  store,
  clock,
  offsetMs,
  log,
  secrets,
  telemetry,
}: PollerOptions): Poller {
  const stopping = new AbortController();
  // Every request in flight listens.
  setMaxListeners(0, stopping.signal);
  const failures = createFailureLog(log, clock);
  /** Told once each, not at every poll. */
  const tokenProblems = new Map<TokenGroup, string | undefined>();

  const pollGroup = async (group: TokenGroup, exhaustive: boolean): Promise<PassOutcome> => {
    const { changed, problem } = await group.token.refresh();
    const token = group.token.current();
    if (changed && token !== undefined) secrets.add(token);
    if (problem !== undefined && problem !== tokenProblems.get(group))
      log.warn(`${problem}; the token read before stays in use`);
    tokenProblems.set(group, problem);
    if (changed) log.info('API token replaced from its file');
    return runPass(group, {
      tunnels: config.tunnels,
      concurrency: config.cloudflare.concurrency,
      store,
      clock,
      signal: stopping.signal,
      exhaustive,
    });
  };

  const poll = async (exhaustive: boolean): Promise<boolean> => {
    const started = performance.now();
    const results = await Promise.allSettled(groups.map((group) => pollGroup(group, exhaustive)));
    if (stopping.signal.aborted) return false;
    let waiting = 0;
    let whole = true;
    for (const result of results) {
      if (result.status === 'rejected') {
        log.error({ err: result.reason }, 'A poll failed in a way that it should not; please report this');
        whole = false;
        continue;
      }
      failures.passed(result.value.observations);
      waiting += result.value.waiting;
    }
    whole &&= [...store.current().accounts.values()].every(isWhole);
    const elapsed = (performance.now() - started) / 1000;
    telemetry.waiting(waiting);
    telemetry.pollFinished({ at: clock(), seconds: elapsed, failed: !whole });
    log.debug({ seconds: elapsed, waiting, whole }, 'poll finished');
    return whole;
  };

  const schedule = createSchedule({
    expression: config.poll.schedule,
    offsetMs,
    run: async () => {
      await poll(false);
    },
    onSkip: () => {
      telemetry.pollSkipped();
      log.warn(
        'poll skipped: the one before is still going; Cloudflare is slow or the schedule is too dense',
      );
    },
  });

  return {
    start: schedule.start,
    stop: async () => {
      stopping.abort();
      await schedule.stop();
    },
    pollOnce: () => poll(true),
  };
}

/** The list is complete, and no collector that was asked has failed. */
function isWhole({ up, collectors }: AccountState): boolean {
  return up === true && Object.values(collectors).every(({ success }) => success !== false);
}
