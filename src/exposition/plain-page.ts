import { type Deflated, inflatePieces } from './gzip.ts';
import type { PagePart } from './compressed-page.ts';
import type { Section } from './renderer.ts';

/** How much plain text is inflated or sent at once. */
const BATCH_BYTES = 1024 * 1024;
/** Plain scrapes with less time between them are a flood. */
const FLOOD_GAP_MS = 2_000;
/** How long the plain text is kept after the last scrape of a flood. */
const KEEP_MS = 10_000;

/**
 * Makes plain pages of compressed sections. Scrapes without gzip are rare, so their text is inflated batch by batch while
 * it is sent, and not kept. Only a flood of such scrapes shares the text of the whole page.
 */
export function createPlainPages(): (
  parts: readonly PagePart[],
  tail: Uint8Array,
) => AsyncIterable<readonly Uint8Array[]> {
  const flood = createFlood();
  return (parts, tail) => batches(parts, { tail, kept: flood() });
}

type Kept = WeakMap<Section, Promise<Buffer>>;

/** Returns the text kept during a flood of plain scrapes, or `undefined` outside one. Call it at each scrape. */
function createFlood(): () => Kept | undefined {
  let lastAt = -Infinity;
  let kept: Kept | undefined;
  let end: NodeJS.Timeout | undefined;
  return () => {
    const now = performance.now();
    if (now - lastAt < FLOOD_GAP_MS) {
      kept ??= new WeakMap();
      clearTimeout(end);
      end = setTimeout(() => {
        kept = undefined;
      }, KEEP_MS).unref();
    }
    lastAt = now;
    return kept;
  };
}

interface BatchOptions {
  readonly tail: Uint8Array;
  readonly kept: Kept | undefined;
}

async function* batches(
  parts: readonly PagePart[],
  { tail, kept }: BatchOptions,
): AsyncGenerator<readonly Uint8Array[]> {
  yield* kept === undefined ? inflated(parts) : shared(parts, kept);
  yield [tail];
}

async function* inflated(parts: readonly PagePart[]): AsyncGenerator<readonly Uint8Array[]> {
  let batch: Deflated[] = [];
  let bytes = 0;
  for (const { header, section } of parts) {
    for (const { deflated } of [header, ...section.blocks]) {
      batch.push(deflated);
      bytes += deflated.length;
      if (bytes < BATCH_BYTES) continue;
      yield [await inflatePieces(batch)];
      batch = [];
      bytes = 0;
    }
  }
  if (batch.length > 0) yield [await inflatePieces(batch)];
}

async function* shared(parts: readonly PagePart[], kept: Kept): AsyncGenerator<readonly Uint8Array[]> {
  for (const { header, section } of parts) {
    const known = kept.get(section) ?? inflatePieces(section.blocks.map(({ deflated }) => deflated));
    kept.set(section, known);
    const lines = await known;
    yield [header.plain, lines.subarray(0, BATCH_BYTES)];
    for (let at = BATCH_BYTES; at < lines.length; at += BATCH_BYTES)
      yield [lines.subarray(at, at + BATCH_BYTES)];
  }
}
