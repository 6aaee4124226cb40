import type { TunnelState } from '../core/snapshot.ts';
import { type Deflated, deflatePiece } from './gzip.ts';
import { type EncodeTunnel, encodeTunnelLabels } from './tunnel-encoder.ts';

/**
 * The lines of one family about a group of tunnels, the same in both formats. They are kept compressed only, which takes
 * about a sixth of the memory, because Prometheus asks for gzip.
 */
export interface Block {
  readonly series: number;
  /** The bytes may move to another buffer. They never change. */
  deflated: Deflated;
}

/** Does not keep `plain`. */
export function createBlock(plain: Uint8Array, series: number): Block {
  return { series, deflated: deflatePiece(plain) };
}

/** Returns the number of bytes of the plain lines. */
export function plainLength(blocks: readonly Block[]): number {
  return blocks.reduce((sum, { deflated }) => sum + deflated.length, 0);
}

/** Tunnels that are encoded together. */
export interface Group {
  readonly states: readonly TunnelState[];
  /** One for each tunnel family, in the order of the table. Empty if no tunnel has a sample. */
  readonly blocks: readonly Block[];
}

/** The tunnels of a group that has to be encoded. */
export interface Members {
  readonly states: readonly TunnelState[];
  /** The previous group, if it had the same tunnels in the same order. */
  readonly before: Group | undefined;
}

/**
 * Encodes groups. A block stays the same object unless a tunnel's lines in its family have changed. To detect that, the
 * previous and the current state of the tunnel are both encoded. If a line has changed, the lines of all tunnels of the
 * group are encoded again, because the old ones are compressed and inflating them would cost as much.
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

/** Returns how many tunnels of a group have changed, which is about the work of encoding it. */
export function countChanged({ states, before }: Members): number {
  return states.filter((state, index) => state !== before?.states[index]).length;
}

interface LabelledTunnel {
  readonly state: TunnelState;
  /** Encoded when first needed, because most tunnels of a group are not encoded. */
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

/** A buffer that grows for text whose length in bytes is not known in advance. */
interface Scratch {
  readonly clear: () => void;
  /** Appends a text in UTF-8. */
  readonly append: (text: string) => void;
  /** Everything appended since `clear`. Valid until the next call. */
  readonly bytes: () => Buffer;
}

const FIRST_BYTES = 2 ** 16;
/** A UTF-16 code unit takes at most this many bytes in UTF-8. */
const BYTES_PER_UNIT = 3;

function createScratch(): Scratch {
  let buffer = Buffer.allocUnsafeSlow(FIRST_BYTES);
  let length = 0;
  return {
    clear: () => {
      length = 0;
    },
    append: (text) => {
      const most = BYTES_PER_UNIT * text.length;
      if (buffer.length - length < most) {
        const larger = Buffer.allocUnsafeSlow(Math.max(2 * buffer.length, length + most));
        buffer.copy(larger, 0, 0, length);
        buffer = larger;
      }
      length += buffer.write(text, length);
    },
    bytes: () => buffer.subarray(0, length),
  };
}
