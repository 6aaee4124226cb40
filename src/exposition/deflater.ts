import type { Piece } from './block.ts';
import { type Deflated, deflatePiece, inOneChunk, joinDeflated } from './gzip.ts';

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
  const piece = once(({ bytes }: Piece) => deflatePiece(bytes));
  return {
    header,
    pieces: once(async (pieces: readonly Piece[]) => {
      const queue = pieces.values();
      const work = async (): Promise<void> => {
        for (const next of queue) await piece(next);
      };
      await Promise.all(Array.from({ length: AT_ONCE }, work));
      return inOneChunk(joinDeflated(await Promise.all(pieces.map(piece))));
    }),
  };
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
