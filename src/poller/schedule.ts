import { createHash } from 'node:crypto';
import { createTask, type ScheduledTask } from 'node-cron';

export interface ScheduleOptions {
  /** Cron expression with seconds, UTC. */
  readonly expression: string;
  /** How long after each time that the expression names. */
  readonly offsetMs: number;
  /** Whether the first run comes at once; else after the offset. */
  readonly startsAtOnce: boolean;
  /** Never runs twice at once. Must not reject. */
  readonly run: () => Promise<void>;
  /** A run was due while the one before was still going. */
  readonly onSkip: () => void;
  /** The wall clock has jumped by so many seconds. */
  readonly onClockJump: (seconds: number) => void;
  /** Default: Date.now. */
  readonly wallClock?: () => number;
}

export interface Schedule {
  /** The first run, and from then on as scheduled. */
  readonly start: () => void;
  /** One more run, now or right after the current one. */
  readonly runSoon: () => void;
  /** No further runs; resolves when the current one is over. */
  readonly stop: () => Promise<void>;
}

const CLOCK_CHECK_MS = 5_000;
/** Corrections smaller than this are the daily work of NTP. */
const JUMP_MS = 3_000;

export function createSchedule(options: ScheduleOptions): Schedule {
  const { expression, offsetMs, run, onSkip } = options;
  // Longer than an interval, it would let runs pile up; what is left of it spreads hosts as well.
  const delayMs = offsetMs % intervalOf(expression);
  let running: Promise<void> | undefined;
  let again = false;
  let stopped = false;
  let due: NodeJS.Timeout | undefined;
  let clockCheck: NodeJS.Timeout | undefined;

  const begin = (): void => {
    running = run().finally(() => {
      running = undefined;
      if (again && !stopped) begin();
    });
    again = false;
  };
  const runSoon = (): void => {
    again = running !== undefined;
    if (!again) begin();
  };
  const tick = (): void => {
    if (running === undefined) begin();
    else onSkip();
  };
  const tickSoon = (): void => {
    due ??= setTimeout(() => {
      due = undefined;
      tick();
    }, delayMs);
  };
  const arm = (): ScheduledTask => {
    const armed = createTask(expression, tickSoon, { timezone: 'UTC', suppressMissedWarning: true });
    // The event loop was blocked, or the machine slept: told once per time that has passed, which is one run.
    armed.on('execution:missed', tickSoon);
    return armed;
  };
  let task = arm();

  const watchClock = createJumpDetector(options.wallClock ?? Date.now);
  const checkClock = (): void => {
    const jump = watchClock();
    if (Math.abs(jump) < JUMP_MS) return;
    options.onClockJump(jump / 1000);
    // Its next time is by a clock that no longer is: set back by an hour, it would wait for an hour.
    void task.destroy();
    task = arm();
    void task.start();
    runSoon();
  };

  return {
    start: () => {
      if (options.startsAtOnce) tick();
      else tickSoon();
      void task.start();
      clockCheck = setInterval(checkClock, CLOCK_CHECK_MS);
    },
    runSoon,
    stop: async () => {
      stopped = true;
      clearInterval(clockCheck);
      await task.destroy();
      clearTimeout(due);
      await running;
    },
  };
}

/** By how many milliseconds the wall clock has moved against the monotonic one since the last call. */
function createJumpDetector(wallClock: () => number): () => number {
  let reference = wallClock() - performance.now();
  return () => {
    const before = reference;
    reference = wallClock() - performance.now();
    return reference - before;
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
