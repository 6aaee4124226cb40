import { promisify } from 'node:util';
import { constants, crc32, deflateRawSync, inflateRaw } from 'node:zlib';
import { joinCrc } from './crc.ts';

const inflate = promisify(inflateRaw);

/** Bytes, compressed such that they can be joined: deflate blocks that end on a byte, not the stream. */
export interface Deflated extends Checksum {
  readonly bytes: Uint8Array;
}

/** Checksum and length of what was compressed: what a gzip member ends with. */
export interface Checksum {
  readonly crc: number;
  readonly length: number;
}

/** A window and tables that are large enough for a block of lines and take a fraction of the default's memory. */
const DEFLATE = { level: 3, windowBits: 14, memLevel: 7, finishFlush: constants.Z_FULL_FLUSH };

/**
 * On the event loop, for pieces of some kilobytes: a thread would take longer to answer than this takes, a turn of the
 * event loop for each piece.
 */
export function deflatePiece(plain: Uint8Array): Deflated {
  const deflated = deflateRawSync(plain, DEFLATE);
  // zlib answers with a part of a larger buffer, which would stay with it.
  const bytes = Buffer.allocUnsafeSlow(deflated.length);
  deflated.copy(bytes);
  return { bytes, crc: crc32(plain), length: plain.length };
}

/** What was compressed, of adjacent pieces at once. Off the event loop. */
export async function inflatePieces(pieces: readonly Deflated[]): Promise<Buffer> {
  const length = pieces.reduce((sum, piece) => sum + piece.length, 0);
  // With room for all of it, zlib makes one buffer and no copy.
  return inflate(Buffer.concat([...pieces.map(({ bytes }) => bytes), LAST_BLOCK]), {
    chunkSize: length + 64,
  });
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
  return { bytes: Buffer.concat(blocks), crc: crc32(plain), length: plain.length };
}

export function joinChecksums(parts: readonly Checksum[]): Checksum {
  let crc = 0;
  let length = 0;
  for (const part of parts) {
    crc = joinCrc(crc, part.crc, { secondLength: part.length });
    length += part.length;
  }
  return { crc, length };
}

/**
 * The one member that the pieces make (RFC 1952). A second member would be as valid, but not every HTTP client reads on
 * after the first: curl does not.
 */
export function gzipMember(pieces: readonly Deflated[]): readonly Uint8Array[] {
  const { crc, length } = joinChecksums(pieces);
  const trailer = Buffer.alloc(8);
  trailer.writeUInt32LE(crc, 0);
  trailer.writeUInt32LE(length % 2 ** 32, 4);
  return [HEADER, ...pieces.map(({ bytes }) => bytes), LAST_BLOCK, trailer];
}

/** Deflate, no name, no time, unknown system. */
const HEADER = Buffer.from([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff]);
/** An empty last block. */
const LAST_BLOCK = Buffer.from([3, 0]);
