import type { Random } from './random.ts';

/**
 * Data centers by airport, named like Cloudflare's: the airport's IATA code and two digits.
 * Neighbours in the list are near each other on the map.
 */
export const COLOS_BY_AIRPORT: Readonly<Record<string, readonly string[]>> = {
  fra: ['fra03', 'fra08', 'fra13'],
  ams: ['ams01', 'ams06', 'ams10'],
  cdg: ['cdg04', 'cdg07', 'cdg09'],
  lhr: ['lhr03', 'lhr16', 'lhr18'],
  iad: ['iad02', 'iad07', 'iad11'],
  ord: ['ord02', 'ord06', 'ord09'],
  sjc: ['sjc05', 'sjc08', 'sjc11'],
  nrt: ['nrt04', 'nrt08', 'nrt12'],
  khh: ['khh01', 'khh02', 'khh03'],
  sin: ['sin02', 'sin05', 'sin21'],
};

const AIRPORTS: readonly string[] = Object.keys(COLOS_BY_AIRPORT);

export function airportOf(colo: string): string {
  return colo.slice(0, 3).toLowerCase();
}

/** Data centers that can take over, those of the same airport first. */
export function neighboursOf(colo: string): readonly string[] {
  const airport = airportOf(colo);
  const near = (COLOS_BY_AIRPORT[airport] ?? []).filter((other) => other !== colo);
  const next = AIRPORTS[(AIRPORTS.indexOf(airport) + 1) % AIRPORTS.length] ?? '';
  return [...near, ...(COLOS_BY_AIRPORT[next] ?? [])];
}

/** Two data centers for a connector, of one airport or of two near each other. */
export function homeColos(random: Random): readonly [string, string] {
  const index = random.integer(0, AIRPORTS.length - 1);
  const here = COLOS_BY_AIRPORT[AIRPORTS[index] ?? ''] ?? [];
  const first = random.pick(here);
  const there =
    random.next() < 0.7 ? (COLOS_BY_AIRPORT[AIRPORTS[(index + 1) % AIRPORTS.length] ?? ''] ?? []) : here;
  return [first, random.pick(there.filter((colo) => colo !== first))];
}
