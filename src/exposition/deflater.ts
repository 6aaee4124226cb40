import type { Piece } from './block.ts';
import { type Deflated, deflatePiece, joinDeflated } from './gzip.ts';

/** Compresses what a page is made of, each object once: what stays the same from page to page costs nothing again. */
export interface Deflater {
  readonly header: (bytes: Uint8Array) => Promise<Deflated>;
  /** Pieces that follow upon each other. */
  readonly pieces: (pieces: readonly Piece[]) => Promise<Deflated>;
}

/** Each compressor needs some 300 kB, and a core of the machine. */
const AT_ONCE = 2;

export function createDeflater(): Deflater {
  const header = once(deflatePiece);
  const known = new WeakMap<Piece, Deflated>();
  const deflate = async (piece: Piece): Promise<Deflated> => known.get(piece) ?? deflatePiece(piece.bytes);

  const deflateAll = async (pieces: readonly Piece[]): Promise<readonly Deflated[]> => {
    const all: Deflated[] = [];
    const queue = pieces.entries();
    const work = async (): Promise<void> => {
      for (const [index, piece] of queue) all[index] = await deflate(piece);
    };
    await Promise.all(Array.from({ length: AT_ONCE }, work));
    return all;
  };

  return {
    header,
    pieces: once(async (pieces: readonly Piece[]) => {
      const all = await deflateAll(pieces);
      const joined = joinDeflated(all);
      const bytes = Buffer.concat(joined.chunks);
      let at = 0;
      for (const [index, piece] of pieces.entries()) {
        const deflated = all[index];
        if (deflated === undefined) continue;
        const end = at + lengthOf(deflated);
        // What is kept of a piece is its part of the whole, not a copy.
        known.set(piece, { ...deflated, chunks: [bytes.subarray(at, end)] });
        at = end;
      }
      return { ...joined, chunks: [bytes] };
    }),
  };
}

function lengthOf({ chunks }: Deflated): number {
  return chunks.reduce((sum, { length }) => sum + length, 0);
}

/** What was made of an object is kept as long as the object is; a failure is not. */
export function once<From extends object, To>(
  make: (from: From) => Promise<To>,
): (from: From) => Promise<To> {
  const known = new WeakMap<From, Promise<To>>();
  return (from) => {
    const before = known.get(from);
    if (before !== undefined) return before;
    const made = make(from);
    known.set(from, made);
    made.catch(() => known.delete(from));
    return made;
  };
}
