import { promisify } from 'node:util';
import { constants, crc32, deflateRawSync, inflateRaw } from 'node:zlib';

const inflate = promisify(inflateRaw);

/** Deflate blocks that end on a byte and do not end the stream, so that they can be joined. */
export interface Deflated extends Checksum {
  readonly bytes: Uint8Array;
}

/** CRC-32 and length in bytes of the plain data: the trailer of a gzip member. */
export interface Checksum {
  readonly crc: number;
  readonly length: number;
}

/** The window and the tables are large enough for a block of lines and take a fraction of the default's memory. */
const DEFLATE = { level: 3, windowBits: 14, memLevel: 7, finishFlush: constants.Z_FULL_FLUSH };

/**
 * Compresses some kilobytes on the event loop. A thread of zlib would take longer to answer: at least one turn of the
 * event loop for each piece.
 */
export function deflatePiece(plain: Uint8Array): Deflated {
  const deflated = deflateRawSync(plain, DEFLATE);
  // zlib returns a part of a larger buffer, which would be kept as well.
  const bytes = Buffer.allocUnsafeSlow(deflated.length);
  deflated.copy(bytes);
  return { bytes, crc: crc32(plain), length: plain.length };
}

/** Returns the plain data of adjacent pieces. Works on a thread of zlib. */
export async function inflatePieces(pieces: readonly Deflated[]): Promise<Buffer> {
  const length = pieces.reduce((sum, piece) => sum + piece.length, 0);
  // With room for everything, zlib makes one buffer and no copy.
  return inflate(Buffer.concat([...pieces.map(({ bytes }) => bytes), LAST_BLOCK]), {
    chunkSize: length + 64,
  });
}

/** The most that a stored block holds, because its length has 16 bits. */
const STORED_BYTES = 0xffff;

/**
 * Wraps bytes in stored blocks, uncompressed. For data that is small and different at every scrape, because compressing
 * it would cost more than it saves.
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
 * Returns one gzip member of deflate blocks (RFC 1952), which `checksum` is about. A second member would be valid, too,
 * but some HTTP clients stop reading after the first, among them curl.
 */
export function gzipMember(blocks: readonly Uint8Array[], { crc, length }: Checksum): readonly Uint8Array[] {
  const trailer = Buffer.alloc(8);
  trailer.writeUInt32LE(crc, 0);
  trailer.writeUInt32LE(length % 2 ** 32, 4);
  return [HEADER, ...blocks, LAST_BLOCK, trailer];
}

/** Deflate, no name, no time, unknown system. */
const HEADER = Buffer.from([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff]);
/** An empty last block. */
const LAST_BLOCK = Buffer.from([3, 0]);

/** The checksum polynomial of gzip, lowest bit last (RFC 1952). */
const POLYNOMIAL = 0xedb88320;
const ONE = 0x80000000;

/**
 * Returns the CRC-32 of two byte sequences joined, from the CRC-32 of each. The first is shifted by the length of the
 * second, which is a multiplication by x^(8·length) modulo the polynomial. The bytes are not read again.
 */
export function joinCrc(first: number, second: number, { secondLength }: { secondLength: number }): number {
  return (multiply(shiftBy(secondLength), first) ^ second) >>> 0;
}

/** Returns x^(8·bytes) modulo the polynomial, multiplying the powers of two in the exponent. */
function shiftBy(bytes: number): number {
  let shift = ONE;
  // A byte is x^8, and 8 is 2^3.
  for (let power = 3, rest = bytes; rest > 0; power += 1, rest = Math.floor(rest / 2)) {
    if (rest % 2 === 1) shift = multiply(POWERS[power % 32] ?? 0, shift);
  }
  return shift;
}

/** Multiplies polynomials over GF(2), whose highest power is in the lowest bit. */
function multiply(a: number, b: number): number {
  let product = 0;
  let factor = b;
  for (let bit = ONE; bit !== 0; bit >>>= 1) {
    if ((a & bit) !== 0) product ^= factor;
    factor = factor & 1 ? (factor >>> 1) ^ POLYNOMIAL : factor >>> 1;
  }
  return product;
}

/** x^(2^n) modulo the polynomial. They repeat after 32. */
const POWERS: readonly number[] = powersOfTwo();

function powersOfTwo(): readonly number[] {
  const powers = [ONE >>> 1];
  while (powers.length < 32) {
    const last = powers.at(-1) ?? 0;
    powers.push(multiply(last, last));
  }
  return powers;
}
