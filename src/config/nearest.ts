/**
 * Returns the known name that is nearest to a mistyped one; `undefined` if none is near. `.`, `_`,
 * `-` and case make no difference. The first or last part of a name is near to it: `stale-after`
 * finds `poll.stale-after`.
 */
export function nearest(name: string, known: readonly string[]): string | undefined {
  const wanted = plain(name);
  const furthest = Math.max(2, Math.floor(wanted.length / 4));
  const ranked = known
    .map((candidate) => ({ candidate, distance: distance(wanted, plain(candidate)) }))
    .filter(({ distance: far }) => far <= furthest)
    .toSorted((a, b) => a.distance - b.distance);
  return ranked[0]?.candidate;
}

/** `; did you mean …?`, or '' if no name is near. */
export function suggestion(name: string, known: readonly string[], dashes = ''): string {
  const near = nearest(name, known);
  return near === undefined ? '' : `; did you mean ${dashes}${near}?`;
}

function plain(name: string): string {
  return name.toLowerCase().replaceAll(/[._-]+/g, '-');
}

function distance(wanted: string, candidate: string): number {
  if (candidate.endsWith(`-${wanted}`) || candidate.startsWith(`${wanted}-`)) return 1;
  return editDistance(wanted, candidate);
}

/** The Levenshtein distance. */
function editDistance(from: string, to: string): number {
  let row = Array.from({ length: to.length + 1 }, (_, index) => index);
  for (const [i, char] of Array.from(from).entries()) {
    const next = [i + 1];
    for (let j = 0; j < to.length; j++) {
      const replaced = (row[j] ?? 0) + (char === to[j] ? 0 : 1);
      next.push(Math.min(replaced, (row[j + 1] ?? 0) + 1, (next[j] ?? 0) + 1));
    }
    row = next;
  }
  return row[to.length] ?? 0;
}
