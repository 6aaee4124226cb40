import { createHash } from 'node:crypto';
import { timetableOf } from '../config/timetable.ts';

export interface ScheduleOptions {
  /** Cron expression or duration, UTC. */
  readonly expression: string;
  /** Delay of each run after the time that the expression names. */
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
/** Smaller corrections are the daily work of NTP. */
const JUMP_MS = 3_000;
/** The wall clock is compared again at least so often while waiting, so small corrections do not add up. */
const MAX_WAIT_MS = 60_000;

/**
 * Waits with a timer of its own for the one next run. The time of that run is computed from the wall clock, once after each run
 * and once after each jump of the clock; slots that have passed are not visited.
 */
export function createSchedule(options: ScheduleOptions): Schedule {
  const { expression, offsetMs, run, onSkip, wallClock = Date.now } = options;
  const timetable = timetableOf(expression);
  // A longer offset would delay the first scheduled run; the remainder spreads hosts as well.
  const delayMs = offsetMs % timetable.typicalGapMs;
  let running: Promise<void> | undefined;
  /** By the monotonic clock: a tick before then is no skip, because the run that is going on began out of turn. */
  let skipsFrom = 0;
  let again = false;
  let stopped = false;
  let wait: NodeJS.Timeout | undefined;
  let firstRun: NodeJS.Timeout | undefined;
  let clockCheck: NodeJS.Timeout | undefined;

  const begin = (outOfTurn: boolean): void => {
    skipsFrom = outOfTurn ? performance.now() + timetable.typicalGapMs : 0;
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
  /** Waits for the first time of the schedule after `after`, and ticks `delayMs` later. */
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
      // Not after `time`: the event loop was blocked, or the clock has jumped.
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
    // The next run is due by the old clock: set back by an hour, it would come an hour late.
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

/** Returns by how many milliseconds the wall clock has moved against the monotonic one since the last call. */
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

/** The usual time from one scheduled run to the next, in milliseconds; the same whenever the process started. */
export function intervalOf(expression: string): number {
  return timetableOf(expression).typicalGapMs;
}
