import { parse } from 'node-cron';

const DAY_SECONDS = 86_400;

/**
 * The longest time between two runs of a valid cron expression, in milliseconds. A schedule that leaves out days has
 * at least one whole day more than its times of day say; that is all that is counted of it.
 */
export function longestPause(schedule: string): number {
  const { second, minute, hour, dayOfMonth, month, dayOfWeek } = parse(schedule);
  const times = hour.flatMap((h) => minute.flatMap((m) => second.map((s) => (h * 60 + m) * 60 + s)));
  const ordered = times.toSorted((a, b) => a - b);
  let longest = 0;
  let before = (ordered.at(-1) ?? 0) - DAY_SECONDS;
  for (const time of ordered) {
    longest = Math.max(longest, time - before);
    before = time;
  }
  const everyDay = dayOfMonth.length >= 31 && month.length >= 12 && dayOfWeek.length >= 7;
  return (longest + (everyDay ? 0 : DAY_SECONDS)) * 1000;
}
