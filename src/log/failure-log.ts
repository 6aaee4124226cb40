import {
  type Collector,
  COLLECTORS,
  type Failure,
  failureOf,
  type FailureReason,
  type Observation,
} from '../core/model.ts';
import type { Logger } from './logger.ts';

/** Logs a failure when it starts or changes reason, every ten minutes, and when it ends. */
export interface FailureLog {
  readonly observed: (observations: readonly Observation[]) => void;
}

const REMIND_MS = 10 * 60_000;

/** A token without permission for routes is a choice, so this failure is logged once. */
function remindAfter(source: string, reason: FailureReason): number {
  return source === 'routes' && reason === 'permission' ? Infinity : REMIND_MS;
}

interface Ongoing {
  readonly since: number;
  /** When each reason was last logged. Reasons can alternate; only a new one is logged at once. */
  readonly loggedAt: Map<string, number>;
}

export interface FailureLogOptions {
  readonly log: Pick<Logger, 'warn' | 'info'>;
  readonly clock: () => number;
  /** Whether a request of the collector still has to succeed. Not every poll repeats it. */
  readonly isFailing: (accountId: string, collector: Collector) => boolean;
}

export function createFailureLog({ log, clock, isFailing }: FailureLogOptions): FailureLog {
  const ongoing = new Map<string, Ongoing>();

  const failed = (source: string, account: string, failures: readonly Failure[]): void => {
    const now = clock();
    const known = ongoing.get(`${account} ${source}`) ?? { since: now, loggedAt: new Map<string, number>() };
    ongoing.set(`${account} ${source}`, known);
    for (const [reason, [first, ...others]] of Map.groupBy(failures, (each) => each.reason)) {
      const loggedAt = known.loggedAt.get(reason) ?? -Infinity;
      if (first === undefined || now - loggedAt < remindAfter(source, reason)) continue;
      known.loggedAt.set(reason, now);
      log.warn({ account_id: account, collector: source, reason, failed: others.length + 1 }, first.message);
    }
  };

  const recovered = (source: string, account: string): void => {
    const known = ongoing.get(`${account} ${source}`);
    if (known === undefined) return;
    ongoing.delete(`${account} ${source}`);
    const seconds = Math.round((clock() - known.since) / 1000);
    log.info({ account_id: account, collector: source, after_seconds: seconds }, 'recovered');
  };

  return {
    observed: (observations) => {
      for (const [key, group] of Map.groupBy(observations, (each) => `${each.accountId} ${sourceOf(each)}`)) {
        const [account = '', source = ''] = key.split(' ');
        const failures = group.flatMap((each) => failureOf(each) ?? []);
        const blamed = failures.filter(({ reason }) => source === 'tunnels' || reason !== 'not_found');
        if (blamed.length > 0) failed(source, account, blamed);
        else if (!collectorsOf(source).some((collector) => isFailing(account, collector)))
          recovered(source, account);
      }
    },
  };
}

function sourceOf(observation: Observation): string {
  if (observation.kind === 'idle') return observation.collector;
  return observation.kind === 'configuration' ? 'configurations' : observation.kind;
}

/** Observations of connections have no tunnel type, so either collector is possible. */
function collectorsOf(source: string): readonly Collector[] {
  if (source === 'connections') return ['connections', 'warp_connections'];
  return COLLECTORS.filter((collector) => collector === source);
}
