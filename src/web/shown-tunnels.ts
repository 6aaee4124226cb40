import type { TunnelStatus } from '../core/model.ts';
import type { Snapshot, TunnelState } from '../core/snapshot.ts';
import { selectsAccount, selectsTunnel, type TunnelFilter } from './tunnel-filter.ts';

/** The order of tunnels on the status page. */
export const STATUSES_WORST_FIRST: readonly TunnelStatus[] = [
  'down',
  'degraded',
  'unknown',
  'healthy',
  'inactive',
];

const PROBLEM_STATUSES: ReadonlySet<TunnelStatus> = new Set(['down', 'degraded', 'unknown']);

/** The tunnels of one account that a filter selects. */
export interface ShownTunnels {
  /** Worst first. */
  readonly rows: readonly TunnelState[];
  /** Number of the other tunnels, by status. */
  readonly folded: ReadonlyMap<TunnelStatus, number>;
}

/** Larger selections are folded. */
const MAX_UNFOLDED = 100;
/** Keeps a folded page below 300 kB. */
const MAX_FOLDED_ROWS = 150;

/**
 * By account id. A large selection is folded: only tunnels with a problem have a row. A filter by status
 * or name is never folded.
 */
export function shownTunnels(snapshot: Snapshot, filter: TunnelFilter): ReadonlyMap<string, ShownTunnels> {
  const selected = [...snapshot.accounts.values()]
    .filter(({ id }) => selectsAccount(filter, id))
    .map(({ id, tunnels }) => ({
      id,
      tunnels: [...tunnels.values()].filter(({ tunnel }) => selectsTunnel(filter, tunnel)),
    }));
  const all = selected.flatMap(({ tunnels }) => tunnels);
  const isFolding = all.length > MAX_UNFOLDED && filter.statuses.length === 0 && filter.names.length === 0;
  const rows = new Set(isFolding ? troubledTunnels(all).slice(0, MAX_FOLDED_ROWS) : all);
  return new Map(
    selected.map(({ id, tunnels }) => [
      id,
      {
        rows: worstFirst(tunnels.filter((state) => rows.has(state))),
        folded: countByStatus(tunnels.filter((state) => !rows.has(state))),
      },
    ]),
  );
}

/** Tunnels with a problem, worst first. */
export function troubledTunnels(tunnels: readonly TunnelState[]): readonly TunnelState[] {
  return worstFirst(tunnels.filter(({ tunnel }) => PROBLEM_STATUSES.has(tunnel.status)));
}

/** Holds no status without tunnels. */
export function countByStatus(tunnels: readonly TunnelState[]): ReadonlyMap<TunnelStatus, number> {
  const counts = new Map<TunnelStatus, number>();
  for (const { tunnel } of tunnels) counts.set(tunnel.status, (counts.get(tunnel.status) ?? 0) + 1);
  return counts;
}

/** By status, then by name. Names ignore case and accents, and compare numbers: `web-9` before `web-10`. */
function worstFirst(tunnels: readonly TunnelState[]): readonly TunnelState[] {
  // A collator takes too long for thousands of tunnels, so each key is made once.
  return tunnels
    .map((state) => ({ state, rank: rankOf(state), key: sortKey(state.tunnel.name) }))
    .toSorted(
      (a, b) => a.rank - b.rank || compare(a.key, b.key) || compare(a.state.tunnel.id, b.state.tunnel.id),
    )
    .map(({ state }) => state);
}

function rankOf({ tunnel }: TunnelState): number {
  return STATUSES_WORST_FIRST.indexOf(tunnel.status);
}

function compare(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}

/** Puts the count of its digits before each number, so that longer numbers come later. */
function sortKey(name: string): string {
  return withoutAccents(name)
    .toLowerCase()
    .replaceAll(/0*(\d+)/g, (_, digits: string) => `${String.fromCharCode(digits.length)}${digits}`);
}

function withoutAccents(name: string): string {
  return /^[ -~]*$/.test(name) ? name : name.normalize('NFKD').replaceAll(/\p{M}/gu, '');
}
