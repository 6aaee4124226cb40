/**
 * The airport of a data center: the first three letters of its name, upper-cased (`khh01` → `KHH`); '' where the name
 * does not begin with three letters. Colo names begin with an IATA code (Cloudflare's documentation).
 */
export function airportOf(colo: string): string {
  const code = /^[a-z]{3}(?![a-z])/i.exec(colo)?.[0];
  return code === undefined ? '' : code.toUpperCase();
}

/** What a connection without a data center is counted under. */
export const UNKNOWN_COLO = 'unknown';
