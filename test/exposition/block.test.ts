import { inflateRawSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { createBlock, plainLength } from '../../src/exposition/group.ts';
import { inflatePieces } from '../../src/exposition/gzip.ts';

const aBlock = (text: string) => createBlock(Buffer.from(text), text.split('\n').length - 1);

test('a block holds its lines compressed, in a buffer of their size', () => {
  const lines = 'cloudflare_tunnel_info{tunnel_name="shop"} 1\n'.repeat(50);
  const { series, deflated } = aBlock(lines);
  const { bytes } = deflated;
  expect(bytes.length).toBeLessThan(lines.length / 4);
  expect(bytes.buffer.byteLength).toBe(bytes.length);
  // The end of the stream, which belongs to the page.
  expect(inflateRawSync(Buffer.concat([bytes, Buffer.of(3, 0)])).toString()).toBe(lines);
  expect(series).toBe(50);
});

test.each([
  ['none', []],
  ['an empty one', ['']],
  ['one', ['a 1\n']],
  ['many of all sizes', ['a 1\n', '', 'b 2\n'.repeat(1000), 'ü 3\n'.repeat(70_000), 'c 4\n']],
])('the plain lines of adjacent blocks: %s', async (_, texts) => {
  const blocks = texts.map(aBlock);
  const plain = await inflatePieces(blocks.map(({ deflated }) => deflated));
  expect(plain.toString()).toBe(texts.join(''));
  expect(plainLength(blocks)).toBe(plain.length);
});
