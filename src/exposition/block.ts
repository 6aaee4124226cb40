import { type Deflated, deflatePiece } from './gzip.ts';

/**
 * The lines of one family about a group of tunnels, the same in both formats. Only compressed, which takes about a sixth
 * of the memory: Prometheus asks for gzip.
 */
export interface Block {
  readonly series: number;
  /** The bytes may move to another buffer; what they are never changes. */
  deflated: Deflated;
}

/** Copies what it is given. */
export function createBlock(plain: Uint8Array, series: number): Block {
  return { series, deflated: deflatePiece(plain) };
}

/** Bytes of the plain lines. */
export function plainLength(blocks: readonly Block[]): number {
  return blocks.reduce((sum, { deflated }) => sum + deflated.length, 0);
}
