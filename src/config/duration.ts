const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

const UNITS = [
  ['y', 365 * DAY],
  ['w', 7 * DAY],
  ['d', DAY],
  ['h', HOUR],
  ['m', MINUTE],
  ['s', SECOND],
  ['ms', 1],
] as const;

const DURATION = new RegExp(`^${UNITS.map(([unit]) => `(?:(\\d+)${unit})?`).join('')}$`);

/**
 * Parses a duration as Prometheus does: whole numbers with units, the largest first, each at most
 * once; or `0`. Returns milliseconds, or `undefined` if the text is no duration.
 */
export function parseDuration(text: string): number | undefined {
  if (text === '0') return 0;
  const amounts = text === '' ? null : DURATION.exec(text);
  if (!amounts) return undefined;
  const ms = UNITS.reduce((sum, [, size], index) => sum + Number(amounts[index + 1] ?? 0) * size, 0);
  return Number.isSafeInteger(ms) ? ms : undefined;
}

/** Formats whole milliseconds, at least 0: `1h30m`, and `1s500ms` for 1500. */
export function formatDuration(ms: number): string {
  let rest = ms;
  let text = '';
  for (const [unit, size] of UNITS) {
    // Years and weeks only if nothing is left over: 8d reads better than 1w1d.
    if ((unit === 'y' || unit === 'w') && rest % size !== 0) continue;
    const amount = Math.floor(rest / size);
    if (amount > 0) text += `${amount}${unit}`;
    rest -= amount * size;
  }
  return text || '0s';
}
