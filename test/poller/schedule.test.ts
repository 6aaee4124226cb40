import { afterEach, expect, test, vi } from 'vitest';
import { createSchedule, intervalOf, offsetOf, type ScheduleOptions } from '../../src/poller/schedule.ts';

const NEVER_IN_A_TEST = '0 0 0 1 1 *';
const EVERY_SECOND = '*/1 * * * * *';

afterEach(() => {
  vi.useRealTimers();
});

/** A schedule whose runs go on until the test ends them. */
function aSchedule(options: Partial<ScheduleOptions> = {}) {
  const ends: (() => void)[] = [];
  const jumps: number[] = [];
  let skips = 0;
  const schedule = createSchedule({
    expression: NEVER_IN_A_TEST,
    offsetMs: 0,
    startsAtOnce: true,
    onClockJump: (seconds) => void jumps.push(seconds),
    run: () => new Promise<void>((resolve) => ends.push(resolve)),
    onSkip: () => void (skips += 1),
    ...options,
  });
  return { ...schedule, runs: () => ends.length, skips: () => skips, jumps, endRun: () => ends.at(-1)?.() };
}

test('the first run starts at once', async () => {
  const schedule = aSchedule();
  schedule.start();
  expect(schedule.runs()).toBe(1);
  schedule.endRun();
  await schedule.stop();
});

test('a schedule of every second runs every second, without overlap', async () => {
  const schedule = aSchedule({ expression: EVERY_SECOND });
  schedule.start();
  await vi.waitUntil(() => schedule.skips() > 0, 10_000);
  expect(schedule.runs()).toBe(1);
  schedule.endRun();
  await vi.waitUntil(() => schedule.runs() === 2, 10_000);
  schedule.endRun();
  await schedule.stop();
});

test('stop waits for the current run, and none follows', async () => {
  vi.useFakeTimers({ now: Date.UTC(2026, 0, 1) });
  const schedule = aSchedule({ expression: EVERY_SECOND });
  schedule.start();
  let stopped = false;
  const stop = schedule.stop().then(() => (stopped = true));
  await vi.advanceTimersByTimeAsync(5_000);
  expect(stopped).toBe(false);
  schedule.endRun();
  await stop;
  await vi.advanceTimersByTimeAsync(5_000);
  expect([schedule.runs(), schedule.skips()]).toEqual([1, 0]);
});

test('runs come the offset after the times of the schedule', async () => {
  vi.useFakeTimers({ now: Date.UTC(2026, 0, 1, 12, 0, 1) });
  const at: number[] = [];
  const schedule = createSchedule({
    expression: '*/30 * * * * *',
    offsetMs: 4_321,
    startsAtOnce: true,
    onClockJump: () => undefined,
    run: () => {
      at.push(Date.now() - Date.UTC(2026, 0, 1, 12));
      return Promise.resolve();
    },
    onSkip: () => undefined,
  });
  schedule.start();
  await vi.advanceTimersByTimeAsync(70_000);
  expect(at).toEqual([1_000, 34_321, 64_321]);
  await schedule.stop();
});

test('an offset longer than the interval accumulates no runs, and none follows the stop', async () => {
  vi.useFakeTimers({ now: Date.UTC(2026, 0, 1) });
  let runs = 0;
  let skips = 0;
  const schedule = createSchedule({
    expression: EVERY_SECOND,
    offsetMs: 4_500,
    startsAtOnce: true,
    onClockJump: () => undefined,
    run: () => {
      runs += 1;
      return Promise.resolve();
    },
    onSkip: () => void (skips += 1),
  });
  schedule.start();
  await vi.advanceTimersByTimeAsync(10_600);
  expect([runs, skips]).toEqual([11, 0]);
  await vi.advanceTimersByTimeAsync(500);
  await schedule.stop();
  await vi.advanceTimersByTimeAsync(10_000);
  expect(runs).toBe(11);
});

test('after many missed runs during sleep, one or two start at once, and no skip is counted', async () => {
  vi.useFakeTimers({ now: Date.UTC(2026, 0, 1, 12, 0, 1) });
  const schedule = aSchedule({ expression: '*/30 * * * * *' });
  schedule.start();
  schedule.endRun();
  await vi.advanceTimersByTimeAsync(1_000);
  vi.setSystemTime(Date.UTC(2026, 0, 2, 12, 0, 10));
  for (let second = 0; second < 15; second += 1) {
    await vi.advanceTimersByTimeAsync(1_000);
    schedule.endRun();
  }
  expect(schedule.jumps).toEqual([expect.closeTo(24 * 3600 + 8, -1)]);
  expect(schedule.runs()).toBeGreaterThanOrEqual(2);
  expect(schedule.runs()).toBeLessThanOrEqual(3);
  expect(schedule.skips()).toBe(0);
  await schedule.stop();
});

test.each([-1, 1])(
  'a clock that jumps by %d h is told, leads to a run at once, and to the usual ones after it',
  async (hours) => {
    vi.useFakeTimers({ now: Date.UTC(2026, 0, 1, 12, 0, 1) });
    const runs: number[] = [];
    const jumps: number[] = [];
    const schedule = createSchedule({
      expression: '*/30 * * * * *',
      offsetMs: 0,
      startsAtOnce: true,
      run: () => {
        runs.push(performance.now());
        return Promise.resolve();
      },
      onSkip: () => undefined,
      onClockJump: (seconds) => void jumps.push(Math.round(seconds)),
    });
    schedule.start();
    await vi.advanceTimersByTimeAsync(1_000);
    const jumpedAt = performance.now();
    vi.setSystemTime(Date.now() + hours * 3_600_000);
    await vi.advanceTimersByTimeAsync(120_000);
    await schedule.stop();
    expect(jumps).toEqual([hours * 3600]);
    const after = runs.map((at) => at - jumpedAt).filter((elapsed) => elapsed > 0);
    expect(after[0]).toBeLessThanOrEqual(5_000);
    // No gap longer than an interval: the schedule goes by the new clock.
    const gaps = after.slice(1).map((at, index) => at - (after[index] ?? 0));
    expect(Math.max(...gaps)).toBeLessThanOrEqual(30_000);
    expect(after.length).toBeGreaterThanOrEqual(4);
  },
);

test.each([
  ['a clock that jumps forward by ten years just before a run', 10 * 365],
  ['a clock that jumps back by ten years just before a run', -10 * 365],
])('%s', async (_, days) => {
  vi.useFakeTimers({ now: Date.UTC(2026, 0, 1, 12, 0, 28) });
  let readings = 0;
  const schedule = aSchedule({
    expression: '*/1 * * * * *',
    startsAtOnce: false,
    offsetMs: 500,
    wallClock: () => {
      readings += 1;
      return Date.now();
    },
  });
  schedule.start();
  await vi.advanceTimersByTimeAsync(500);
  schedule.endRun();
  vi.setSystemTime(Date.now() + days * 86_400_000);
  for (let second = 0; second < 10; second += 1) {
    await vi.advanceTimersByTimeAsync(1_000);
    schedule.endRun();
  }
  // The run that waited, the one after the jump, and at most one a second; no slot in between is visited.
  expect(schedule.jumps).toEqual([days * 86_400]);
  expect(schedule.runs()).toBeGreaterThanOrEqual(6);
  expect(schedule.runs()).toBeLessThanOrEqual(13);
  expect(readings).toBeLessThan(100);
  await schedule.stop();
});

test.each([
  ['on Friday evening', Date.UTC(2026, 0, 2, 18, 52)],
  ['on Monday morning', Date.UTC(2026, 0, 5, 9)],
  ['on Sunday', Date.UTC(2026, 0, 4, 3)],
])('the interval is the same for a process that starts %s', (_, now) => {
  vi.useFakeTimers({ now });
  expect(intervalOf('0 */5 8-18 * * 1-5')).toBe(300_000);
  expect(intervalOf('*/7 * * * * *')).toBe(7_000);
});

test('small corrections by NTP are no jump', async () => {
  vi.useFakeTimers({ now: Date.UTC(2026, 0, 1, 12, 0, 1) });
  const schedule = aSchedule();
  schedule.start();
  schedule.endRun();
  for (const correction of [2_900, -2_900, 1_000]) {
    vi.setSystemTime(Date.now() + correction);
    await vi.advanceTimersByTimeAsync(6_000);
  }
  expect(schedule.jumps).toEqual([]);
  expect(schedule.runs()).toBe(1);
  await schedule.stop();
});

test('a schedule that does not start at once starts after its offset', async () => {
  vi.useFakeTimers({ now: Date.UTC(2026, 0, 1, 12, 0, 1) });
  const schedule = aSchedule({ startsAtOnce: false, expression: '*/30 * * * * *', offsetMs: 4_321 });
  schedule.start();
  await vi.advanceTimersByTimeAsync(4_320);
  expect(schedule.runs()).toBe(0);
  await vi.advanceTimersByTimeAsync(1);
  expect(schedule.runs()).toBe(1);
  schedule.endRun();
  await schedule.stop();
});

test('runSoon runs once, now or right after the current run', async () => {
  const schedule = aSchedule();
  schedule.start();
  schedule.runSoon();
  schedule.runSoon();
  expect(schedule.runs()).toBe(1);
  schedule.endRun();
  await vi.waitUntil(() => schedule.runs() === 2);
  schedule.endRun();
  await vi.waitUntil(() => {
    schedule.runSoon();
    return schedule.runs() === 3;
  });
  expect(schedule.skips()).toBe(0);
  schedule.endRun();
  await schedule.stop();
});

test('a scheduled time right after the start of the first run is no skip', async () => {
  vi.useFakeTimers({ now: Date.UTC(2026, 0, 1, 12, 0, 29, 900) });
  const schedule = aSchedule({ expression: '*/30 * * * * *' });
  schedule.start();
  await vi.advanceTimersByTimeAsync(1_000);
  expect([schedule.runs(), schedule.skips()]).toEqual([1, 0]);
  await vi.advanceTimersByTimeAsync(30_000);
  expect([schedule.runs(), schedule.skips()]).toEqual([1, 1]);
  schedule.endRun();
  await schedule.stop();
});

test('the offset is fixed per host name and below the jitter', () => {
  const names = Array.from({ length: 200 }, (_, index) => `exporter-${index}`);
  const offsets = names.map((name) => offsetOf(name, 5_000));
  expect(names.map((name) => offsetOf(name, 5_000))).toEqual(offsets);
  expect(offsets.every((offset) => Number.isInteger(offset) && offset >= 0 && offset < 5_000)).toBe(true);
  // Spread, not clustered: every fifth of the jitter has its share.
  const fifths = Map.groupBy(offsets, (offset) => Math.floor(offset / 1_000));
  expect([...fifths.values()].every(({ length }) => length > 20)).toBe(true);
  expect(offsetOf('exporter-0', 0)).toBe(0);
});

test.each([
  ['*/30 * * * * *', 30_000],
  ['*/1 * * * * *', 1_000],
  ['0 */5 * * * *', 300_000],
  ['*/5 * * * *', 300_000],
  ['30s', 30_000],
])('the interval of %s is %d ms', (expression, interval) => {
  expect(intervalOf(expression)).toBe(interval);
});
