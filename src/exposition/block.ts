import type { TunnelState } from '../core/snapshot.ts';
import { createScratch, type Range, runsOf, sameBytes } from './bytes.ts';
import { type EncodeTunnel, encodeTunnelLabels } from './tunnel-encoder.ts';

/** Lines of one family, the same in both formats. The same object as before while they do not change. */
export interface Piece {
  readonly bytes: Buffer;
  readonly series: number;
}

/** The lines of one family about the tunnels of a block, in their order. */
export interface BlockPiece extends Piece {
  /** Where the lines of each tunnel end. */
  readonly ends: Uint32Array;
  /** How many series there are up to there. */
  readonly seriesEnds: Uint32Array;
}

/** Tunnels whose lines are put together in one go. */
export interface Block {
  readonly states: readonly TunnelState[];
  /** One for each tunnel family, in the order of the table; without bytes where no tunnel has a sample. */
  readonly pieces: readonly BlockPiece[];
}

/** A tunnel of a block that is to be, and where it was before, if it was. */
export interface Member {
  readonly state: TunnelState;
  readonly before: Place | undefined;
}

interface Place {
  readonly block: Block;
  readonly index: number;
}

/** Neighbours in a block from before, from one up to another: what of them has not changed. */
interface Kept {
  readonly kind: 'kept';
  readonly block: Block;
  readonly from: number;
  to: number;
}

interface Changed {
  readonly kind: 'changed';
  readonly state: TunnelState;
  readonly labels: string;
  readonly before: Kept | undefined;
}

interface Encoded {
  readonly kind: 'encoded';
  readonly range: Range;
  readonly series: number;
}

/**
 * Puts blocks together. A tunnel is encoded when its state is another object than before, else its bytes are copied. A
 * piece none of whose bytes have changed stays the same object.
 */
export function createBlockEncoder(encoders: readonly EncodeTunnel[]): (members: readonly Member[]) => Block {
  const scratch = createScratch();

  const linesOf = (
    { state, labels, before }: Changed,
    family: number,
    encode: EncodeTunnel,
  ): Kept | Encoded => {
    const { text, series } = encode(state, labels);
    const range = scratch.append(text);
    const known = before?.block.pieces[family];
    return before !== undefined && known !== undefined && sameBytes(rangeOf(known, before), range)
      ? before
      : { kind: 'encoded', range, series };
  };

  return (members) => {
    const spans = spansOf(members);
    const unmoved = unmovedBlock(members);
    const pieces = encoders.map((encode, family) => {
      scratch.clear();
      const lines = spans.map((span) => (span.kind === 'kept' ? span : linesOf(span, family, encode)));
      const known = unmoved?.pieces[family];
      return known !== undefined && lines.every(({ kind }) => kind === 'kept')
        ? known
        : join(lines, family, { tunnels: members.length });
    });
    return { states: members.map(({ state }) => state), pieces };
  };
}

export function isChanged({ state, before }: Member): boolean {
  return before?.block.states[before.index] !== state;
}

/** Where neighbours have stayed neighbours and are unchanged, they are one span: the work goes by what has changed. */
function spansOf(members: readonly Member[]): readonly (Kept | Changed)[] {
  const spans: (Kept | Changed)[] = [];
  for (const member of members) {
    const { state, before } = member;
    const last = spans.at(-1);
    if (before === undefined || isChanged(member)) {
      const known = before && keptAt(before);
      spans.push({ kind: 'changed', state, labels: encodeTunnelLabels(state.tunnel), before: known });
    } else if (last?.kind === 'kept' && last.block === before.block && last.to === before.index) {
      last.to += 1;
    } else {
      spans.push(keptAt(before));
    }
  }
  return spans;
}

function keptAt({ block, index }: Place): Kept {
  return { kind: 'kept', block, from: index, to: index + 1 };
}

/** The block whose tunnels these are, all of them and in the same order. */
function unmovedBlock(members: readonly Member[]): Block | undefined {
  const block = members[0]?.before?.block;
  const unmoved =
    block?.states.length === members.length &&
    members.every(({ before }, index) => before?.block === block && before.index === index);
  return unmoved ? block : undefined;
}

function rangeOf({ bytes, ends }: BlockPiece, { from, to }: Kept): Range {
  return { source: bytes, from: ends[from - 1] ?? 0, to: ends[to - 1] ?? 0 };
}

function join(
  lines: readonly (Kept | Encoded)[],
  family: number,
  { tunnels }: { readonly tunnels: number },
): BlockPiece {
  const ranges: Range[] = [];
  const ends = new Uint32Array(tunnels);
  const seriesEnds = new Uint32Array(tunnels);
  let tunnel = 0;
  let length = 0;
  let series = 0;
  for (const span of lines) {
    if (span.kind === 'encoded') {
      ranges.push(span.range);
      ends[tunnel] = length += span.range.to - span.range.from;
      seriesEnds[tunnel] = series += span.series;
      tunnel += 1;
      continue;
    }
    const piece = span.block.pieces[family];
    if (piece === undefined) continue;
    const range = rangeOf(piece, span);
    ranges.push(range);
    const seriesBefore = piece.seriesEnds[span.from - 1] ?? 0;
    for (let index = span.from; index < span.to; index += 1, tunnel += 1) {
      ends[tunnel] = length + (piece.ends[index] ?? 0) - range.from;
      seriesEnds[tunnel] = series + (piece.seriesEnds[index] ?? 0) - seriesBefore;
    }
    length = ends[tunnel - 1] ?? 0;
    series = seriesEnds[tunnel - 1] ?? 0;
  }
  const bytes = Buffer.allocUnsafeSlow(length);
  let at = 0;
  for (const { source, from, to } of runsOf(ranges)) at += source.copy(bytes, at, from, to);
  return { bytes, series, ends, seriesEnds };
}
