import { createTask } from 'node-cron';
import { expect, test } from 'vitest';
import { timetableOf } from '../../src/config/timetable.ts';

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

test.each([
  ['*/30 * * * * *', 30 * SECOND],
  ['*/7 * * * * *', 7 * SECOND],
  ['* * * * *', MINUTE],
  ['0 */10 * * * *', 10 * MINUTE],
  ['0 3 * * *', DAY],
  ['0 8,20 * * *', 12 * HOUR],
  ['0 8-18 * * *', 14 * HOUR],
  ['0 0 * * mon-fri', 3 * DAY],
  ['0 */5 8-18 * * 1-5', 2 * DAY + 13 * HOUR + 5 * MINUTE],
  ['0 0 29 2 *', 1461 * DAY],
  ['0 0 29 2 1', 28 * 365 * DAY + 7 * DAY],
  ['90s', 90 * SECOND],
])('the longest time between two runs of %s is %d ms', (schedule, gap) => {
  expect(timetableOf(schedule).longestGapMs).toBe(gap);
});

test.each([
  ['*/30 * * * * *', 30 * SECOND],
  ['*/1 * * * * *', SECOND],
  ['*/7 * * * * *', 7 * SECOND],
  ['0 */5 * * * *', 5 * MINUTE],
  ['*/5 * * * *', 5 * MINUTE],
  ['0 */5 8-18 * * 1-5', 5 * MINUTE],
  ['0 8-18 * * *', HOUR],
  ['0 0 * * mon-fri', DAY],
  ['0 3 1 * *', 31 * DAY],
  ['1m30s', 90 * SECOND],
])('the median time between two runs of %s is %d ms', (schedule, gap) => {
  expect(timetableOf(schedule).typicalGapMs).toBe(gap);
});

test('a duration runs at whole multiples of it since the epoch', () => {
  const { next } = timetableOf('30s');
  expect(next(Date.UTC(2026, 0, 1, 12, 0, 1))).toBe(Date.UTC(2026, 0, 1, 12, 0, 30));
  expect(next(Date.UTC(2026, 0, 1, 12, 0, 30))).toBe(Date.UTC(2026, 0, 1, 12, 1));
});

test.each([
  ['45s', '2026-01-01T12:00:00Z', ['12:00:45', '12:01:30', '12:02:15', '12:03:00']],
  ['90s', '2026-01-01T12:00:00Z', ['12:01:30', '12:03:00']],
  ['1500ms', '2026-01-01T12:00:00Z', ['12:00:01.500', '12:00:03']],
  ['36h', '2026-01-01T12:00:00Z', ['2026-01-02T12:00:00', '2026-01-04T00:00:00']],
  ['36h', '2026-01-02T12:00:00.001Z', ['2026-01-04T00:00:00']],
])('%s after %s', (schedule, after, times) => {
  const { next } = timetableOf(schedule);
  let time: number | undefined = Date.parse(after);
  for (const expected of times) {
    time = next(time ?? 0);
    const day = expected.includes('T') ? '' : '2026-01-01T';
    expect(time).toBe(Date.parse(`${day}${expected}Z`));
  }
});

test('a schedule for a day that never comes has no next run', () => {
  const { next, longestGapMs } = timetableOf('0 0 1 1 1#2');
  expect([next(0), longestGapMs]).toEqual([undefined, Infinity]);
});

/** Every kind of field that node-cron knows. */
const EXPRESSIONS = [
  '*/7 * * * * *',
  '0 */5 8-18 * * 1-5',
  '30 0 22-2 * * *',
  '0 0 29 2 *',
  '0 0 L * *',
  '0 12 L-3 * *',
  '0 0 15W * *',
  '0 0 1W,31W * *',
  '0 0 LW * *',
  '0 0 * * 5L',
  '0 0 * * 7L',
  '0 0 * * 5#2',
  '0 0 * jan-mar sun#5',
  '0 0 13 * fri',
  '59 59 23 31 12 *',
];

test.each(EXPRESSIONS)('the next runs of %s are those of node-cron', (expression) => {
  const task = createTask(expression, () => undefined, { timezone: 'UTC' });
  const expected = task.getNextRuns(40).map((date) => date.getTime());
  const { next } = timetableOf(expression);
  let time: number | undefined = Date.now();
  const runs = expected.map(() => (time = time === undefined ? undefined : next(time)));
  void task.destroy();
  expect(runs).toEqual(expected);
});
