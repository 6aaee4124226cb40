import type { ListedTunnel } from './model.ts';
import type { AccountState, TunnelState } from './snapshot.ts';

const UNITS = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['m', 60_000],
  ['s', 1000],
] as const;

/** The two largest units of a duration: `14d 3h`, `5m`, `12s`; `0s` for less than a second. */
export function formatSpan(ms: number): string {
  for (const [index, [unit, size]] of UNITS.entries()) {
    if (ms < size) continue;
    const [smaller, smallerSize] = UNITS[index + 1] ?? ['', Infinity];
    const rest = Math.floor((ms % size) / smallerSize);
    const first = `${Math.floor(ms / size)}${unit}`;
    return rest === 0 ? first : `${first} ${rest}${smaller}`;
  }
  return '0s';
}

/** The first items of a list, and how many more there are: `a, b and 3 more`. */
export function firstFew(texts: readonly string[], max: number): string {
  // "and 1 more" takes as much room as naming it.
  const shown = texts.length <= max + 1 ? texts : texts.slice(0, max);
  const more = texts.length - shown.length;
  return more === 0 ? shown.join(', ') : `${shown.join(', ')} and ${more} more`;
}

export function nameOfTunnel({ name, id }: ListedTunnel): string {
  return name === '' ? id : name;
}

export function nameOfAccount({ name, id }: Pick<AccountState, 'name' | 'id'>): string {
  return name === '' ? id : name;
}

/** Since when the tunnel has had its status; undefined if not known. */
export function sinceOf({ tunnel, changedAt }: TunnelState): number | undefined {
  if (tunnel.status === 'inactive') return tunnel.createdAt;
  const listed = tunnel.status === 'down' ? tunnel.inactiveAt : tunnel.activeAt;
  // A degraded tunnel may have become so after `activeAt`, which only a change of the list shows.
  if (listed === undefined || changedAt === undefined) return listed ?? changedAt;
  return tunnel.status === 'down' ? listed : Math.max(listed, changedAt);
}

/** The first group of a UUID. */
export function shortId(id: string): string {
  return id === '' ? '(no id)' : id.slice(0, 8);
}
