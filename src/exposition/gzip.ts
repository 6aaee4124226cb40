import { promisify } from 'node:util';
import { constants, crc32, deflateRaw } from 'node:zlib';
import { joinCrc } from './crc.ts';

const deflate = promisify(deflateRaw);

/** Bytes, compressed such that they can be joined: deflate blocks that end on a byte, not the stream. */
export interface Deflated {
  readonly chunks: readonly Uint8Array[];
  /** Checksum and length of what was compressed: what a gzip member ends with. */
  readonly crc: number;
  readonly length: number;
}

/** Off the event loop. */
export async function deflatePiece(plain: Uint8Array): Promise<Deflated> {
  const deflated = await deflate(plain, { level: 3, finishFlush: constants.Z_FULL_FLUSH });
  return { chunks: [deflated], crc: crc32(plain), length: plain.length };
}

/** The most that a stored block holds: its length has 16 bits. */
const STORED_BYTES = 0xffff;

/**
 * Bytes as they are, in stored blocks: for what is small and different every time, where a compressor would cost more
 * than it saves.
 */
export function storePiece(plain: Uint8Array): Deflated {
  const blocks: Uint8Array[] = [];
  for (let at = 0; at < plain.length; at += STORED_BYTES) {
    const content = plain.subarray(at, at + STORED_BYTES);
    const head = Buffer.alloc(5);
    head.writeUInt16LE(content.length, 1);
    head.writeUInt16LE(0xffff - content.length, 3);
    blocks.push(head, content);
  }
  return { chunks: [Buffer.concat(blocks)], crc: crc32(plain), length: plain.length };
}

export function joinDeflated(pieces: readonly Deflated[]): Deflated {
  let crc = 0;
  let length = 0;
  for (const piece of pieces) {
    crc = joinCrc(crc, piece.crc, { secondLength: piece.length });
    length += piece.length;
  }
  return { chunks: pieces.flatMap(({ chunks }) => chunks), crc, length };
}

/**
 * The one member that the pieces make (RFC 1952). A second member would be as valid, but not every HTTP client reads on
 * after the first: curl does not.
 */
export function gzipMember(pieces: readonly Deflated[]): readonly Uint8Array[] {
  const { chunks, crc, length } = joinDeflated(pieces);
  const trailer = Buffer.alloc(8);
  trailer.writeUInt32LE(crc, 0);
  trailer.writeUInt32LE(length % 2 ** 32, 4);
  return [HEADER, ...chunks, LAST_BLOCK, trailer];
}

/** Deflate, no name, no time, unknown system. */
const HEADER = Buffer.from([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff]);
/** An empty last block. */
const LAST_BLOCK = Buffer.from([3, 0]);
