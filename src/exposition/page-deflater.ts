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

/**
 * Joins compressed pages, each in one buffer. The blocks of the page become parts of that buffer, so that nothing is held
 * twice. The checksum of a section is not worked out again for the next page.
 */
export function createPageDeflater(): (parts: readonly PagePart[]) => Deflated {
  const known = new WeakMap<Section, Checksum>();
  const checksumOf = (section: Section): Checksum => {
    const checksum = known.get(section) ?? joinChecksums(section.blocks.map(({ deflated }) => deflated));
    known.set(section, checksum);
    return checksum;
  };

  return (parts) => {
    const checksums: Checksum[] = [];
    let size = 0;
    for (const { header, section } of parts) {
      size += header.deflated.bytes.length;
      for (const { deflated } of section.blocks) size += deflated.bytes.length;
      checksums.push(header.deflated, checksumOf(section));
    }
    const bytes = Buffer.allocUnsafeSlow(size);
    let at = 0;
    const append = (piece: Uint8Array): Buffer => {
      bytes.set(piece, at);
      at += piece.length;
      return bytes.subarray(at - piece.length, at);
    };
    for (const { header, section } of parts) {
      append(header.deflated.bytes);
      for (const block of section.blocks)
        block.deflated = { ...block.deflated, bytes: append(block.deflated.bytes) };
    }
    return { bytes, ...joinChecksums(checksums) };
  };
}
