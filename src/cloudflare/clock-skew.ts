import { formatDuration } from '../config/duration.ts';

/** More than an answer takes, and less than what alerts and Prometheus' own clock notice. */
const TOLERATED_MS = 120_000;
const REMIND_MS = 3_600_000;

/**
 * How far this machine's clock is ahead of the API's, in milliseconds; negative if it is behind.
 * `date` is the Date header of an answer that arrived at `now`. Undefined without a valid date.
 */
export function clockSkew(date: string | undefined, now: number): number | undefined {
  const theirs = Date.parse(date ?? '');
  return Number.isNaN(theirs) ? undefined : now - theirs;
}

/** Describes a wrong clock as one actionable line; undefined if the clock is right. */
export function clockProblem(skewMs: number): string | undefined {
  if (Math.abs(skewMs) <= TOLERATED_MS) return undefined;
  const amount = formatDuration(Math.floor(Math.abs(skewMs) / 60_000) * 60_000);
  return `this machine's clock is ${amount} ${skewMs > 0 ? 'ahead of' : 'behind'} Cloudflare's; set it, for example by NTP, because ages and alerts depend on it`;
}

export interface ClockWatchOptions {
  readonly log: Readonly<Record<'warn' | 'info', (message: string) => void>>;
  /** Monotonic clock in milliseconds. */
  readonly monotonic: () => number;
}

/** Logs a wrong clock when it is first seen, every hour while it lasts, and when the clock is right again. */
export function createClockWatch({ log, monotonic }: ClockWatchOptions): (skewMs: number) => void {
  let reportedAt: number | undefined;
  return (skewMs) => {
    const problem = clockProblem(skewMs);
    if (problem === undefined) {
      if (reportedAt !== undefined) log.info("this machine's clock agrees with Cloudflare's again");
      reportedAt = undefined;
    } else if (reportedAt === undefined || monotonic() - reportedAt >= REMIND_MS) {
      reportedAt = monotonic();
      log.warn(problem);
    }
  };
}
