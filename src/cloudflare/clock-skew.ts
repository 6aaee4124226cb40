import { formatDuration } from '../config/duration.ts';

/** More than an answer takes, and less than what alerts and Prometheus' own clock notice. */
const TOLERATED_MS = 120_000;

/**
 * How far this machine's clock is ahead of that of the API, in milliseconds; negative if it is behind. `date` is the header
 * of an answer that came at `now`; undefined if that is none.
 */
export function clockSkew(date: string | undefined, now: number): number | undefined {
  const theirs = Date.parse(date ?? '');
  return Number.isNaN(theirs) ? undefined : now - theirs;
}

/** What is wrong with the clock, as a line that a person can act on; undefined if nothing is. */
export function clockProblem(skewMs: number): string | undefined {
  if (Math.abs(skewMs) <= TOLERATED_MS) return undefined;
  const amount = formatDuration(Math.floor(Math.abs(skewMs) / 60_000) * 60_000);
  return `this machine's clock is ${amount} ${skewMs > 0 ? 'ahead of' : 'behind'} Cloudflare's; set it, best by NTP, as ages and alerts go by it`;
}
