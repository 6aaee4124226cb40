import type { Block } from './group.ts';
import { type Checksum, type Deflated, joinChecksums } from './gzip.ts';
import type { Section } from './renderer.ts';

export interface PageHeader {
  readonly plain: Buffer;
  readonly deflated: Deflated;
}

/** A section with its HELP and TYPE lines. */
export interface PagePart {
  readonly header: PageHeader;
  readonly section: Section;
}

/** A page in deflate blocks, without the end of the stream. */
export interface CompressedPage extends Checksum {
  readonly buffers: readonly Uint8Array[];
}

/** Adjacent blocks of a section, in one buffer. */
interface Run extends Deflated {
  readonly blocks: readonly Block[];
}

/** More make fewer writes for each scrape. Fewer make less to copy when a block has changed. */
const BLOCKS_PER_RUN = 32;

/**
 * Joins compressed pages. Adjacent blocks share a buffer, and become parts of it, so nothing is held twice. Buffers of
 * blocks that have not changed are those of the page before.
 */
export function createPageCompressor(): (parts: readonly PagePart[]) => CompressedPage {
  const runsBySection = new WeakMap<Section, readonly Deflated[]>();
  const runsByFirstBlock = new WeakMap<Block, Run>();

  const runOf = (blocks: readonly Block[]): Run => {
    const [first] = blocks;
    const known = first && runsByFirstBlock.get(first);
    if (
      known?.blocks.length === blocks.length &&
      blocks.every((block, index) => block === known.blocks[index])
    )
      return known;
    const run = joinBlocks(blocks);
    if (first) runsByFirstBlock.set(first, run);
    return run;
  };

  const runsOf = (section: Section): readonly Deflated[] => {
    const known = runsBySection.get(section);
    if (known !== undefined) return known;
    const runs: Run[] = [];
    for (let at = 0; at < section.blocks.length; at += BLOCKS_PER_RUN)
      runs.push(runOf(section.blocks.slice(at, at + BLOCKS_PER_RUN)));
    runsBySection.set(section, runs);
    return runs;
  };

  return (parts) => {
    const pieces = parts.flatMap(({ header, section }) => [header.deflated, ...runsOf(section)]);
    return { buffers: pieces.map(({ bytes }) => bytes), ...joinChecksums(pieces) };
  };
}

function joinBlocks(blocks: readonly Block[]): Run {
  const bytes = Buffer.allocUnsafeSlow(blocks.reduce((sum, { deflated }) => sum + deflated.bytes.length, 0));
  let at = 0;
  for (const block of blocks) {
    bytes.set(block.deflated.bytes, at);
    const end = at + block.deflated.bytes.length;
    block.deflated = { ...block.deflated, bytes: bytes.subarray(at, end) };
    at = end;
  }
  return { blocks, bytes, ...joinChecksums(blocks.map(({ deflated }) => deflated)) };
}
