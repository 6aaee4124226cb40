import { randomBytes } from 'node:crypto';
import { crc32 } from 'node:zlib';
import { expect, test } from 'vitest';
import { joinCrc } from '../../src/exposition/gzip.ts';

test.each([
  [0, 0],
  [0, 5],
  [5, 0],
  [1, 1],
  [7, 65_535],
  [100_000, 65_536],
  [3, 1_048_577],
])('the checksums of %d and %d bytes make the checksum of both', (first, second) => {
  const [a, b] = [randomBytes(first), randomBytes(second)];
  expect(joinCrc(crc32(a), crc32(b), { secondLength: b.length })).toBe(crc32(Buffer.concat([a, b])));
});
