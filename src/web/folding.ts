import type { TunnelStatus } from '../core/model.ts';
import type { Snapshot, TunnelState } from '../core/snapshot.ts';
import { PROBLEM_STATUSES, worstFirst } from './fleet.ts';
import { isAccountAsked, isTunnelAsked, type TunnelFilter } from './tunnel-filter.ts';

/** What the status page shows of an account's tunnels that a filter asks for. */
export interface ShownTunnels {
  /** Worst first. */
  readonly rows: readonly TunnelState[];
  /** How many of each status are not among the rows. */
  readonly folded: ReadonlyMap<TunnelStatus, number>;
}

/** Fleets of at most so many tunnels are shown in full. */
const UNFOLDED = 100;
/** Of larger ones, the worst so many, which keeps the page below 300 kB. */
const MOST_ROWS = 150;

/**
 * By account id, for the accounts that are asked for. Of a large fleet, only tunnels in trouble have a row; whoever asks
 * for a status or a name sees every tunnel that has it.
 */
export function shownTunnels(snapshot: Snapshot, filter: TunnelFilter): ReadonlyMap<string, ShownTunnels> {
  const asked = [...snapshot.accounts.values()]
    .filter(({ id }) => isAccountAsked(filter, id))
    .map(({ id, tunnels }) => ({
      id,
      tunnels: [...tunnels.values()].filter(({ tunnel }) => isTunnelAsked(filter, tunnel)),
    }));
  const all = asked.flatMap(({ tunnels }) => tunnels);
  const isFolding = all.length > UNFOLDED && filter.statuses.length === 0 && filter.names.length === 0;
  const rows = isFolding ? new Set(worstOf(all)) : undefined;
  return new Map(
    asked.map(({ id, tunnels }) => [
      id,
      {
        rows: worstFirst(rows === undefined ? tunnels : tunnels.filter((state) => rows.has(state))),
        folded: rows === undefined ? NOTHING_FOLDED : countFolded(tunnels, rows),
      },
    ]),
  );
}

const NOTHING_FOLDED: ReadonlyMap<TunnelStatus, number> = new Map();

function worstOf(tunnels: readonly TunnelState[]): readonly TunnelState[] {
  return worstFirst(tunnels.filter(({ tunnel }) => PROBLEM_STATUSES.has(tunnel.status))).slice(0, MOST_ROWS);
}

function countFolded(
  tunnels: readonly TunnelState[],
  rows: ReadonlySet<TunnelState>,
): ReadonlyMap<TunnelStatus, number> {
  const counts = new Map<TunnelStatus, number>();
  for (const state of tunnels) {
    if (rows.has(state)) continue;
    counts.set(state.tunnel.status, (counts.get(state.tunnel.status) ?? 0) + 1);
  }
  return counts;
}
