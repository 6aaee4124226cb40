import type { ListedTunnel } from './model.ts';
import type { AccountState, TunnelState } from './snapshot.ts';

const UNITS = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['m', 60_000],
  ['s', 1000],
] as const;

/** The two greatest units: `14d 3h`, `5m`, `12s`. Less than a second counts as none. */
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

/** The first few of a list, and how many more: `a, b and 3 more`. */
export function firstFew(texts: readonly string[], most: number): string {
  // "and 1 more" takes as much room as naming it.
  const shown = texts.length <= most + 1 ? texts : texts.slice(0, most);
  const more = texts.length - shown.length;
  return more === 0 ? shown.join(', ') : `${shown.join(', ')} and ${more} more`;
}

export function nameOfTunnel({ name, id }: ListedTunnel): string {
  return name === '' ? id : name;
}

export function nameOfAccount({ name, id }: Pick<AccountState, 'name' | 'id'>): string {
  return name === '' ? id : name;
}

/** Since when the tunnel has been as it is listed, as far as that is known. */
export function sinceOf({ tunnel, changedAt }: TunnelState): number | undefined {
  if (tunnel.status === 'inactive') return tunnel.createdAt;
  const bySide = tunnel.status === 'down' ? tunnel.inactiveAt : tunnel.activeAt;
  // A tunnel can be degraded for less long than it has had connections; its list entry does not say so.
  if (bySide === undefined || changedAt === undefined) return bySide ?? changedAt;
  return tunnel.status === 'down' ? bySide : Math.max(bySide, changedAt);
}

/** The first group of a UUID. */
export function shortId(id: string): string {
  return id === '' ? '(no id)' : id.slice(0, 8);
}
