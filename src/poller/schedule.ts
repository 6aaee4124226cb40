import { createHash } from 'node:crypto';
import { createTask } from 'node-cron';

export interface ScheduleOptions {
  /** Cron expression with seconds, UTC. */
  readonly expression: string;
  /** How long after each time that the expression names. */
  readonly offsetMs: number;
  /** Never runs twice at once. Must not reject. */
  readonly run: () => Promise<void>;
  /** A run was due while the one before was still going. */
  readonly onSkip: () => void;
}

export interface Schedule {
  /** Runs at once, and from then on as scheduled. */
  readonly start: () => void;
  /** No further runs; resolves when the current one is over. */
  readonly stop: () => Promise<void>;
}

export function createSchedule({ expression, offsetMs, run, onSkip }: ScheduleOptions): Schedule {
  // Longer than an interval, it would let runs pile up; what is left of it spreads hosts as well.
  const delayMs = offsetMs % intervalOf(expression);
  let running: Promise<void> | undefined;
  let due: NodeJS.Timeout | undefined;

  const tick = (): void => {
    if (running !== undefined) {
      onSkip();
      return;
    }
    running = run().finally(() => {
      running = undefined;
    });
  };
  const tickSoon = (): void => {
    due ??= setTimeout(() => {
      due = undefined;
      tick();
    }, delayMs);
  };
  const task = createTask(expression, tickSoon, { timezone: 'UTC', suppressMissedWarning: true });
  // The event loop was blocked, or the machine slept: told once per time that has passed, which is one run.
  task.on('execution:missed', tickSoon);

  return {
    start: () => {
      tick();
      void task.start();
    },
    stop: async () => {
      await task.destroy();
      clearTimeout(due);
      await running;
    },
  };
}

/** Where in the jitter this host's polls lie: always the same, so that many hosts spread out evenly. */
export function offsetOf(hostName: string, jitterMs: number): number {
  const fraction = createHash('sha256').update(hostName).digest().readUInt32BE() / 2 ** 32;
  return Math.floor(fraction * jitterMs);
}

/** The time from one scheduled run to the next, in milliseconds. */
export function intervalOf(expression: string): number {
  const task = createTask(expression, () => undefined, { timezone: 'UTC' });
  const [first, second] = task.getNextRuns(2);
  void task.destroy();
  return first === undefined || second === undefined ? Infinity : second.getTime() - first.getTime();
}
