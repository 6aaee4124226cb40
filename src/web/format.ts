const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** `12 s`, `5 min`, `2 h 13 min`, `3 d 4 h`. A negative duration is `0 s`. */
export function formatDuration(ms: number): string {
  if (ms >= DAY) return twoUnits(`${Math.floor(ms / DAY)} d`, Math.floor((ms % DAY) / HOUR), 'h');
  if (ms >= HOUR) return twoUnits(`${Math.floor(ms / HOUR)} h`, Math.floor((ms % HOUR) / MINUTE), 'min');
  if (ms >= MINUTE) return `${Math.floor(ms / MINUTE)} min`;
  return `${Math.max(0, Math.floor(ms / SECOND))} s`;
}

function twoUnits(first: string, second: number, unit: string): string {
  return second === 0 ? first : `${first} ${second} ${unit}`;
}

/** `0 tunnels`, `1 tunnel`, `2 tunnels`. */
export function formatCount(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}

/** `2026-03-01 09:47 UTC`. */
export function formatTime(at: number): string {
  const date = new Date(at);
  return Number.isNaN(date.getTime())
    ? 'an unknown time'
    : `${date.toISOString().slice(0, 16).replace('T', ' ')} UTC`;
}
