import { type Deflated, deflatePiece } from './gzip.ts';

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
