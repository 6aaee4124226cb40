import { createHash } from 'node:crypto';
import { timetableOf } from '../config/timetable.ts';

export interface ScheduleOptions {
  /** Cron expression or duration, UTC. */
  readonly expression: string;
  /** Delay of each run after the time of the expression. */
  readonly offsetMs: number;
  /** Whether the first run starts at once. Otherwise it starts after the offset. */
  readonly startsAtOnce: boolean;
  /** Must not reject. Runs do not overlap. */
  readonly run: () => Promise<void>;
  /** Called if a run is due while the previous one is running. */
  readonly onSkip: () => void;
  /** Called if the wall clock has jumped by this many seconds. */
  readonly onClockJump: (seconds: number) => void;
  /** Default: Date.now. */
  readonly wallClock?: () => number;
}

export interface Schedule {
  /** Starts the first run, and then runs on schedule. */
  readonly start: () => void;
  /** Runs once more, now or right after the current run. */
  readonly runSoon: () => void;
  /** Prevents further runs. Resolves when the current one has ended. */
  readonly stop: () => Promise<void>;
}

const CLOCK_CHECK_MS = 5_000;
/** Smaller corrections are normal for NTP. */
const JUMP_MS = 3_000;
/** The wall clock is read at least this often, so that small corrections do not add up. */
const MAX_WAIT_MS = 60_000;

/**
 * Waits with a timer for the next run. The time of the next run is computed from the wall clock
 * after each run and after each jump of the clock. Runs whose time has passed are skipped.
 */
export function createSchedule(options: ScheduleOptions): Schedule {
  const { expression, offsetMs, run, onSkip, wallClock = Date.now } = options;
  const timetable = timetableOf(expression);
  // A longer offset would delay the first scheduled run. The remainder spreads hosts equally well.
  const delayMs = offsetMs % timetable.typicalGapMs;
  let running: Promise<void> | undefined;
  /** Monotonic. An earlier tick is no skip, because the current run was unscheduled. */
  let skipsFrom = 0;
  let again = false;
  let stopped = false;
  let wait: NodeJS.Timeout | undefined;
  let firstRun: NodeJS.Timeout | undefined;
  let clockCheck: NodeJS.Timeout | undefined;

  const begin = (unscheduled: boolean): void => {
    skipsFrom = unscheduled ? performance.now() + timetable.typicalGapMs : 0;
    running = run().finally(() => {
      running = undefined;
      if (again && !stopped) begin(true);
    });
    again = false;
  };
  const runSoon = (): void => {
    again = running !== undefined;
    if (!again) begin(true);
  };
  const tick = (): void => {
    if (running === undefined) begin(false);
    else if (performance.now() >= skipsFrom) onSkip();
  };
  /** Waits for the first time of the schedule after `after`, plus `delayMs`. */
  const waitForNext = (after: number): void => {
    clearTimeout(wait);
    const time = timetable.next(after);
    if (time !== undefined) waitUntil(time);
  };
  const waitUntil = (time: number): void => {
    const left = time + delayMs - wallClock();
    const wake = (): void => {
      const now = wallClock() - delayMs;
      if (now < time) return waitUntil(time);
      // Not the first time after `time`, because the event loop may have been blocked, or the clock
      // may have jumped.
      waitForNext(now);
      tick();
    };
    wait = setTimeout(wake, Math.min(Math.max(left, 1), MAX_WAIT_MS));
  };

  const watchClock = createJumpDetector(wallClock);
  const checkClock = (): void => {
    const jump = watchClock();
    if (Math.abs(jump) < JUMP_MS) return;
    options.onClockJump(jump / 1000);
    // The timer was set by the old clock. If the clock was set back by an hour, the next run would
    // be an hour late.
    waitForNext(wallClock());
    runSoon();
  };

  return {
    start: () => {
      if (options.startsAtOnce) begin(true);
      else firstRun = setTimeout(tick, delayMs);
      waitForNext(wallClock());
      clockCheck = setInterval(checkClock, CLOCK_CHECK_MS);
    },
    runSoon,
    stop: async () => {
      stopped = true;
      clearInterval(clockCheck);
      clearTimeout(wait);
      clearTimeout(firstRun);
      await running;
    },
  };
}

/** Returns a function that reports the wall clock's jump since its last call, in ms. */
function createJumpDetector(wallClock: () => number): () => number {
  let reference = wallClock() - performance.now();
  return () => {
    const before = reference;
    reference = wallClock() - performance.now();
    return reference - before;
  };
}

/** The offset of a host's polls, fixed by its name, so that many hosts spread evenly. */
export function offsetOf(hostName: string, jitterMs: number): number {
  const fraction = createHash('sha256').update(hostName).digest().readUInt32BE() / 2 ** 32;
  return Math.floor(fraction * jitterMs);
}

/** The typical time between two scheduled runs, in milliseconds. */
export function intervalOf(expression: string): number {
  return timetableOf(expression).typicalGapMs;
}
