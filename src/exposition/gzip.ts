import { promisify } from 'node:util';
import { constants, crc32, deflateRaw } from 'node:zlib';

const deflate = promisify(deflateRaw);

/** A piece of a page, compressed such that pieces can be joined: deflate blocks that end on a byte, not the stream. */
export interface DeflatedPiece {
  readonly plain: Uint8Array;
  readonly deflated: Uint8Array;
}

/** Off the event loop. */
export async function deflatePiece(plain: Uint8Array): Promise<DeflatedPiece> {
  return { plain, deflated: await deflate(plain, { level: 3, finishFlush: constants.Z_FULL_FLUSH }) };
}

/** The most that a stored block holds: its length has 16 bits. */
const STORED_BYTES = 0xffff;

/**
 * A piece as it is, in stored blocks: for what is small and different every time, where a compressor would cost more
 * than it saves.
 */
export function storePiece(plain: Uint8Array): DeflatedPiece {
  const blocks: Uint8Array[] = [];
  for (let at = 0; at < plain.length; at += STORED_BYTES) {
    const content = plain.subarray(at, at + STORED_BYTES);
    const head = Buffer.alloc(5);
    head.writeUInt16LE(content.length, 1);
    head.writeUInt16LE(0xffff - content.length, 3);
    blocks.push(head, content);
  }
  return { plain, deflated: Buffer.concat(blocks) };
}

/** What a run of pieces adds to the trailer of a gzip member. */
export interface Checksum {
  readonly crc: number;
  readonly length: number;
}

export const NOTHING: Checksum = { crc: 0, length: 0 };

/** The checksum of what `before` stands for, followed by the piece. */
export function checksumAfter(before: Checksum, { plain }: DeflatedPiece): Checksum {
  return { crc: crc32(plain, before.crc), length: before.length + plain.length };
}

/**
 * One gzip member of all the pieces (RFC 1952). A second member would be as valid, but not every HTTP client reads on
 * after the first: curl does not.
 */
export function joinGzip(pieces: readonly DeflatedPiece[], { crc, length }: Checksum): readonly Uint8Array[] {
  const trailer = Buffer.alloc(8);
  trailer.writeUInt32LE(crc, 0);
  trailer.writeUInt32LE(length % 2 ** 32, 4);
  return [HEADER, ...pieces.map(({ deflated }) => deflated), LAST_BLOCK, trailer];
}

/** Deflate, no name, no time, unknown system. */
const HEADER = Buffer.from([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff]);
/** An empty last block. */
const LAST_BLOCK = Buffer.from([3, 0]);
