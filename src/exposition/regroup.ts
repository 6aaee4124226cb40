import type { Snapshot, TunnelState } from '../core/snapshot.ts';
import type { Group, Members } from './group.ts';

/**
 * At most this many tunnels make a group. Few, so that a group is encoded within some milliseconds and a changed tunnel
 * takes few others along. Many, so that compression finds what repeats.
 */
export const TUNNELS_PER_GROUP = 64;

/** A group that stays as it is, or the tunnels of one that has to be encoded. */
export type Regrouped =
  { readonly kind: 'same'; readonly group: Group } | ({ readonly kind: 'changed' } & Members);

/**
 * Divides the fleet into groups. Tunnels stay where they are, so that those that come and go move no others: a tunnel
 * that is gone leaves its group, a new one follows at the end, and adjacent groups that have become small are joined.
 */
export function regroup(groups: readonly Group[], snapshot: Snapshot): readonly Regrouped[] {
  const kept = groups.map((group) => survivors(group, snapshot)).filter((group) => sizeOf(group) > 0);
  return joinSmall([...kept, ...newcomers(kept, snapshot)]);
}

function survivors(group: Group, { accounts }: Snapshot): Regrouped {
  const states = group.states.flatMap(
    ({ tunnel }) => accounts.get(tunnel.accountId)?.tunnels.get(tunnel.id) ?? [],
  );
  if (states.length < group.states.length) return { kind: 'changed', states, before: undefined };
  if (states.every((state, index) => state === group.states[index])) return { kind: 'same', group };
  return { kind: 'changed', states, before: group };
}

function newcomers(kept: readonly Regrouped[], { accounts }: Snapshot): readonly Regrouped[] {
  const total = accounts.values().reduce((sum, { tunnels }) => sum + tunnels.size, 0);
  if (kept.reduce((sum, group) => sum + sizeOf(group), 0) === total) return [];
  const known = new Set(kept.flatMap(statesOf));
  const groups: Regrouped[] = [];
  for (const { tunnels } of accounts.values()) {
    for (const state of tunnels.values()) {
      if (!known.has(state)) groups.push({ kind: 'changed', states: [state], before: undefined });
    }
  }
  return groups;
}

function joinSmall(groups: readonly Regrouped[]): readonly Regrouped[] {
  const joined: Regrouped[] = [];
  let open: TunnelState[] = [];
  for (const group of groups) {
    const last = joined.at(-1);
    if (last === undefined || sizeOf(last) + sizeOf(group) > TUNNELS_PER_GROUP) {
      joined.push(group);
      continue;
    }
    // Newcomers come one by one: the list that takes them in is copied once, not for each.
    if (statesOf(last) !== open) open = [...statesOf(last)];
    open.push(...statesOf(group));
    joined[joined.length - 1] = { kind: 'changed', states: open, before: undefined };
  }
  return joined;
}

function sizeOf(group: Regrouped): number {
  return statesOf(group).length;
}

function statesOf(group: Regrouped): readonly TunnelState[] {
  return group.kind === 'same' ? group.group.states : group.states;
}
