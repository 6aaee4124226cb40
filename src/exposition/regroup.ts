import type { Snapshot, TunnelState } from '../core/snapshot.ts';
import type { Group, Members } from './group.ts';

/**
 * Maximum number of tunnels in a group. Fewer are encoded sooner, and fewer are encoded again if one of them changes. More
 * compress better.
 */
export const TUNNELS_PER_GROUP = 64;

/** A group that has not changed, or the tunnels of one that has to be encoded. */
export type Regrouped =
  { readonly kind: 'same'; readonly group: Group } | ({ readonly kind: 'changed' } & Members);

/**
 * Divides the fleet into groups. Tunnels stay in their groups when others appear or disappear: a tunnel that is gone
 * leaves its group, a new one is added at the end, and adjacent small groups are joined.
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
    // New tunnels come one by one. The list that they are added to is copied once, not for each.
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
