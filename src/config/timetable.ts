import { parse, type ParsedFields } from 'node-cron';
import { parseDuration } from './duration.ts';

const DAY_MS = 86_400_000;

/** The times at which a schedule runs, in UTC. They do not depend on the start of the process. */
export interface Timetable {
  /** The first run after a time, both in milliseconds since the epoch; `undefined` if none. */
  readonly next: (after: number) => number | undefined;
  /** The median time between two runs, in milliseconds. Pauses at night do not change it. */
  readonly typicalGapMs: number;
  /** The longest time between two runs, in milliseconds; `Infinity` if a second run never comes. */
  readonly longestGapMs: number;
}

/** Returns the timetable of a valid schedule: a cron expression, or a duration such as `30s`. */
export function timetableOf(schedule: string): Timetable {
  const everyMs = parseDuration(schedule);
  return everyMs === undefined ? cronTimetable(parse(schedule)) : durationTimetable(everyMs);
}

/**
 * Runs at whole multiples of the duration since the epoch: `30s` runs when `*\/30 * * * * *` does.
 */
function durationTimetable(everyMs: number): Timetable {
  return {
    next: (after) => (Math.floor(after / everyMs) + 1) * everyMs,
    typicalGapMs: everyMs,
    longestGapMs: everyMs,
  };
}

/** Long enough for every possible combination of date and weekday to occur twice. */
const REFERENCE_DAYS = 56 * 365 + 14;
/** 2000-01-01. A fixed period gives the same result at any time. */
const REFERENCE_START = 10_957;

function cronTimetable(fields: ParsedFields): Timetable {
  const isRunDay = createDayMatcher(fields);
  const times = timesOfDay(fields);
  const first = times[0] ?? 0;
  const last = times.at(-1) ?? 0;
  const gaps = times.slice(1).map((time, index) => time - (times[index] ?? 0));
  const days = dayGaps(fields, isRunDay);
  const overnight = {
    typical: days.typical * DAY_MS - (last - first),
    longest: days.longest * DAY_MS - (last - first),
  };
  return {
    next: (after) => {
      const today = Math.floor(after / DAY_MS);
      for (let day = today; day <= today + REFERENCE_DAYS; day += 1) {
        if (!isRunDay(day)) continue;
        const time = day === today ? times.find((candidate) => today * DAY_MS + candidate > after) : first;
        if (time !== undefined) return day * DAY_MS + time;
      }
      return undefined;
    },
    typicalGapMs: lowerMedian([...gaps, overnight.typical]),
    longestGapMs: gaps.reduce((longest, gap) => Math.max(longest, gap), overnight.longest),
  };
}

/** Returns the times of the runs of a day, in milliseconds since midnight, ascending. */
function timesOfDay({ hour, minute, second }: ParsedFields): readonly number[] {
  const minutes = ascending(minute);
  const seconds = ascending(second);
  return ascending(hour).flatMap((h) =>
    minutes.flatMap((m) => seconds.map((s) => ((h * 60 + m) * 60 + s) * 1000)),
  );
}

/** Returns the times from one day with runs to the next, in days. */
function dayGaps(
  { dayOfMonth, month, dayOfWeek }: ParsedFields,
  isRunDay: (day: number) => boolean,
): { readonly typical: number; readonly longest: number } {
  const everyDay = dayOfMonth.length >= 31 && month.length >= 12 && dayOfWeek.length >= 7;
  if (everyDay) return { typical: 1, longest: 1 };
  const gaps: number[] = [];
  let before: number | undefined;
  for (let day = REFERENCE_START; day < REFERENCE_START + REFERENCE_DAYS; day += 1) {
    if (!isRunDay(day)) continue;
    if (before !== undefined) gaps.push(day - before);
    before = day;
  }
  if (gaps.length === 0) return { typical: Infinity, longest: Infinity };
  return { typical: lowerMedian(gaps), longest: gaps.reduce((longest, gap) => Math.max(longest, gap)) };
}

function lowerMedian(values: readonly number[]): number {
  return ascending(values)[Math.floor((values.length - 1) / 2)] ?? Infinity;
}

const ascending = (values: readonly number[]): readonly number[] => values.toSorted((a, b) => a - b);

type DayFields = Pick<ParsedFields, 'dayOfMonth' | 'month' | 'dayOfWeek'>;

/**
 * Returns a function that reports whether a cron expression runs on a day, counted from 1970-01-01
 * (UTC). A day has to match day of month, month and day of week, as in node-cron. A call takes less
 * than a microsecond; node-cron's match() takes 13, because it uses Intl.
 */
function createDayMatcher({ dayOfMonth, month, dayOfWeek }: DayFields): (dayNumber: number) => boolean {
  return (dayNumber) => {
    const date = new Date(dayNumber * DAY_MS);
    if (!month.includes(date.getUTCMonth() + 1)) return false;
    const day = dayOf(date);
    return (
      dayOfMonth.some((field) => isDayOfMonth(field, day)) &&
      dayOfWeek.some((field) => isDayOfWeek(field, day))
    );
  };
}

interface Day {
  readonly day: number;
  /** 0 is Sunday. */
  readonly weekday: number;
  /** The month's last day. */
  readonly last: number;
}

function dayOf(date: Date): Day {
  const last = new Date(Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1, 0)).getUTCDate();
  return { day: date.getUTCDate(), weekday: date.getUTCDay(), last };
}

/**
 * A number; `L`, `L-3`: counted from the end of the month; `15W`, `LW`: the nearest working day of
 * the month.
 */
function isDayOfMonth(field: number | string, { day, weekday, last }: Day): boolean {
  if (typeof field === 'number') return field === day;
  const fromEnd = /^L(?:-(\d{1,2}))?$/.exec(field);
  if (fromEnd) return last - Number(fromEnd[1] ?? 0) === day;
  const nearest = /^(\d{1,2}|L)W$/.exec(field)?.[1];
  if (nearest === undefined) return false;
  const target = nearest === 'L' ? last : Number(nearest);
  if (target > last) return false;
  const targetWeekday = (weekday + target - day + 35) % 7;
  if (targetWeekday === 6) return day === (target === 1 ? 3 : target - 1);
  if (targetWeekday === 0) return day === (target === last ? target - 2 : target + 1);
  return day === target;
}

/** A number; `5L`: the last Friday of the month; `5#2`: its second Friday. */
function isDayOfWeek(field: number | string, { day, weekday, last }: Day): boolean {
  if (typeof field === 'number') return field === weekday;
  const [, wanted, which] = /^([0-7])(L|#[1-5])$/i.exec(field) ?? [];
  if (which === undefined || Number(wanted) % 7 !== weekday) return false;
  return which.startsWith('#') ? Math.ceil(day / 7) === Number(which.slice(1)) : day + 7 > last;
}
