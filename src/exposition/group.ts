import type { TunnelState } from '../core/snapshot.ts';
import { type Block, createBlock } from './block.ts';
import { createScratch } from './scratch.ts';
import { type EncodeTunnel, encodeTunnelLabels } from './tunnel-encoder.ts';

/** Tunnels that are encoded together. */
export interface Group {
  readonly states: readonly TunnelState[];
  /** One for each tunnel family, in the order of the table; without bytes if no tunnel has a sample. */
  readonly blocks: readonly Block[];
}

/** The tunnels of a group that is to be encoded. */
export interface Members {
  readonly states: readonly TunnelState[];
  /** The group before, if it had the same tunnels in the same order. */
  readonly before: Group | undefined;
}

/**
 * Encodes groups. A block stays the same object unless a tunnel's lines in its family have changed, which is found by
 * encoding the tunnel as it was and as it is. If they have, the lines of all tunnels of the group are written again:
 * the old ones are compressed, and reading them would cost as much.
 */
export function createGroupEncoder(encoders: readonly EncodeTunnel[]): (members: Members) => Group {
  const scratch = createScratch();

  const encodeBlock = (encode: EncodeTunnel, tunnels: readonly LabelledTunnel[]): Block => {
    scratch.clear();
    let series = 0;
    for (const tunnel of tunnels) {
      const lines = encode(tunnel.state, labelsOf(tunnel));
      scratch.append(lines.text);
      series += lines.series;
    }
    return createBlock(scratch.bytes(), series);
  };

  return ({ states, before }) => {
    const tunnels = states.map(labelled);
    const changes = before === undefined ? [] : changesBetween(before.states, tunnels);
    const blocks = encoders.map((encode, family) => {
      const known = before?.blocks[family];
      const isSame = changes.every(
        ([was, is]) => encode(was.state, labelsOf(was)).text === encode(is.state, labelsOf(is)).text,
      );
      return known !== undefined && isSame ? known : encodeBlock(encode, tunnels);
    });
    return { states, blocks };
  };
}

/** How many tunnels a group has to encode at least: what its work goes by. */
export function countChanged({ states, before }: Members): number {
  return states.filter((state, index) => state !== before?.states[index]).length;
}

interface LabelledTunnel {
  readonly state: TunnelState;
  /** Encoded when first needed: most tunnels of a group are not looked at. */
  labels: string | undefined;
}

function labelled(state: TunnelState): LabelledTunnel {
  return { state, labels: undefined };
}

function labelsOf(tunnel: LabelledTunnel): string {
  return (tunnel.labels ??= encodeTunnelLabels(tunnel.state.tunnel));
}

function changesBetween(
  before: readonly TunnelState[],
  tunnels: readonly LabelledTunnel[],
): readonly (readonly [LabelledTunnel, LabelledTunnel])[] {
  return tunnels.flatMap((tunnel, index) => {
    const was = before[index];
    return was === undefined || was === tunnel.state ? [] : [[labelled(was), tunnel] as const];
  });
}
