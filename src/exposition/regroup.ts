import type { Snapshot, TunnelState } from '../core/snapshot.ts';
import type { Block, Member } from './block.ts';

/**
 * So many tunnels at most make a block: few enough that one of them is put together within some milliseconds and that a
 * changed tunnel takes few others along, many enough that a large page is not sent in crumbs.
 */
export const TUNNELS_PER_BLOCK = 128;

/** A block that stays as it is, or the tunnels of one that has to be put together. */
export type Group =
  | { readonly kind: 'same'; readonly block: Block }
  | { readonly kind: 'changed'; readonly members: readonly Member[] };

/**
 * The fleet in blocks. Tunnels stay where they are, so that those that come and go move no others: what is gone leaves
 * its block, what is new follows at the end, and neighbours that have become small are joined.
 */
export function regroup(blocks: readonly Block[], snapshot: Snapshot): readonly Group[] {
  const kept = blocks.map((block) => survivors(block, snapshot)).filter((group) => sizeOf(group) > 0);
  return joinSmall([...kept, ...newcomers(kept, snapshot)]);
}

function survivors(block: Block, { accounts }: Snapshot): Group {
  const find = ({ tunnel }: TunnelState): TunnelState | undefined =>
    accounts.get(tunnel.accountId)?.tunnels.get(tunnel.id);
  if (block.states.every((state) => find(state) === state)) return { kind: 'same', block };
  return { kind: 'changed', members: membersOf(block, find) };
}

function membersOf(
  block: Block,
  find: (state: TunnelState) => TunnelState | undefined = (state) => state,
): readonly Member[] {
  return block.states.flatMap((before, index) => {
    const state = find(before);
    return state === undefined ? [] : [{ state, before: { block, index } }];
  });
}

function newcomers(kept: readonly Group[], { accounts }: Snapshot): readonly Group[] {
  const total = accounts.values().reduce((sum, { tunnels }) => sum + tunnels.size, 0);
  if (kept.reduce((sum, group) => sum + sizeOf(group), 0) === total) return [];
  const known = new Set(kept.flatMap(statesOf));
  const groups: Group[] = [];
  for (const { tunnels } of accounts.values()) {
    for (const state of tunnels.values()) {
      if (!known.has(state)) groups.push({ kind: 'changed', members: [{ state, before: undefined }] });
    }
  }
  return groups;
}

function joinSmall(groups: readonly Group[]): readonly Group[] {
  const joined: Group[] = [];
  let open: Member[] = [];
  for (const group of groups) {
    const last = joined.at(-1);
    if (last === undefined || sizeOf(last) + sizeOf(group) > TUNNELS_PER_BLOCK) {
      joined.push(group);
      continue;
    }
    const members = last.kind === 'same' ? membersOf(last.block) : last.members;
    // Newcomers come one by one: the list that takes them in is copied once, not for each.
    if (members !== open) open = [...members];
    open.push(...(group.kind === 'same' ? membersOf(group.block) : group.members));
    joined[joined.length - 1] = { kind: 'changed', members: open };
  }
  return joined;
}

function sizeOf(group: Group): number {
  return group.kind === 'same' ? group.block.states.length : group.members.length;
}

function statesOf(group: Group): readonly TunnelState[] {
  return group.kind === 'same' ? group.block.states : group.members.map(({ state }) => state);
}
