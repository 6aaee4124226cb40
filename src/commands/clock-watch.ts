import { clockProblem } from '../cloudflare/clock-skew.ts';
import type { Logger } from '../log/logger.ts';

const REMIND_MS = 3_600_000;

export interface ClockWatchOptions {
  readonly log: Pick<Logger, 'warn' | 'info'>;
  /** Milliseconds that do not jump. */
  readonly monotonic: () => number;
}

/** Logs that the clock is wrong when that is first seen, every hour while it lasts, and when it is right again. */
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
