import { encodeForeign, type ForeignMetric } from './foreign.ts';
import type { PageFormat, PageRequest } from './page.ts';

export interface OwnPartOptions {
  /** The exporter's own metrics, as they are now. */
  readonly own: () => Promise<readonly ForeignMetric[]>;
  readonly allows: (name: string) => boolean;
}

interface Collected {
  readonly at: number;
  readonly metrics: Promise<readonly ForeignMetric[]>;
  /** The whole part in each format that was asked for. */
  readonly encoded: Map<PageFormat, Uint8Array>;
}

/** At most this old when scrapes share them. */
const FRESH_MS = 1000;

/**
 * The end of the page: the exporter's own metrics, collected at every scrape. Only scrapes that overlap share them: in a
 * flood of scrapes collecting would take longer than the rest.
 */
export function createOwnPart({
  own,
  allows,
}: OwnPartOptions): (request: PageRequest) => Promise<Uint8Array> {
  let newest: Collected | undefined;
  const collect = (overlaps: boolean): Collected => {
    const now = performance.now();
    if (newest === undefined || !overlaps || now - newest.at > FRESH_MS)
      newest = { at: now, metrics: own(), encoded: new Map() };
    return newest;
  };
  return async ({ format, names, overlaps = false }) => {
    const { metrics, encoded } = collect(overlaps);
    const known = names === undefined ? encoded.get(format) : undefined;
    if (known !== undefined) return known;
    const shown = (await metrics).filter(({ name }) => allows(name) && (names?.has(name) ?? true));
    const part = Buffer.from(encodeForeign(shown, format) + (format === 'text' ? '' : '# EOF\n'));
    if (names === undefined) encoded.set(format, part);
    return part;
  };
}
