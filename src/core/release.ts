/**
 * The first day of the month that a cloudflared version `YYYY.M.P` names, in milliseconds since the epoch;
 * `undefined` for anything else (WARP and third-party connectors send other forms).
 */
export function releaseTime(version: string): number | undefined {
  const [, year, month] = /^(20\d\d)\.(\d{1,2})\.\d+$/.exec(version) ?? [];
  if (year === undefined || month === undefined) return undefined;
  const index = Number(month) - 1;
  return index >= 0 && index < 12 ? Date.UTC(Number(year), index) : undefined;
}
