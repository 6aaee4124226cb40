import type { FamilyOptions, FleetContext } from '../core/families/family.ts';
import { enabledFamilies } from '../core/families/table.ts';
import type { Snapshot } from '../core/snapshot.ts';
import type { ForeignMetric } from './foreign.ts';
import { type Deflated, deflatePiece, gzipMember, storePiece } from './gzip.ts';
import { encodeHeader } from './header.ts';
import { createOwnPart } from './own-part.ts';
import { createPageDeflater, type PageHeader, type PagePart } from './page-deflater.ts';
import type { MetricsPage, PageFormat } from './page.ts';
import { createPlainPages } from './plain-page.ts';
import { createRenderer, type Section } from './renderer.ts';

export interface MetricsPageOptions {
  readonly families: FamilyOptions;
  readonly context: FleetContext;
  /** Whether a metric of this name is to be on the page. */
  readonly allows: (name: string) => boolean;
  /** The exporter's own metrics, asked for at every scrape. */
  readonly own: () => Promise<readonly ForeignMetric[]>;
}

export interface RenderReport {
  /** Time from the snapshot to its finished page, in seconds. */
  readonly seconds: number;
  /** Series about tunnels on the page. */
  readonly series: number;
}

export interface SnapshotPage extends MetricsPage {
  /** Renders a snapshot and, when that is done, serves it instead of the one before. */
  readonly publish: (snapshot: Snapshot) => Promise<RenderReport>;
}

/** A snapshot's page in one format: made when first asked for, shared by every scrape. */
interface FormattedPage {
  readonly parts: readonly PagePart[];
  /** Bytes of the plain page. */
  readonly length: number;
  readonly deflated: () => Deflated;
}

const CONTENT_TYPES: Readonly<Record<PageFormat, string>> = {
  text: 'text/plain; version=0.0.4; charset=utf-8',
  openmetrics: 'application/openmetrics-text; version=1.0.0; charset=utf-8',
};

export function createMetricsPage({ families, context, allows, own }: MetricsPageOptions): SnapshotPage {
  const table = enabledFamilies(families).filter(({ name }) => allows(name));
  const render = createRenderer({ table, families, context });
  const headers = createHeaders();
  const deflate = createPageDeflater();
  const plainChunks = createPlainPages();
  const format = (sections: readonly Section[]): Record<PageFormat, () => FormattedPage> => {
    const make = (pageFormat: PageFormat) => (): FormattedPage => {
      const parts = sections.map((section) => ({ header: headers(section, pageFormat), section }));
      const length = parts.reduce(
        (sum, { header, section }) => sum + header.plain.length + section.length,
        0,
      );
      return { parts, length, deflated: lazy(() => deflate(parts)) };
    };
    return { text: lazy(make('text')), openmetrics: lazy(make('openmetrics')) };
  };
  const ownPart = createOwnPart({ own, allows });
  let sections: readonly Section[] = [];
  let current = format(sections);
  let newest: Snapshot;
  let going: Promise<unknown> = Promise.resolve();
  let waiting: Promise<RenderReport> | undefined;

  const renderNewest = async (): Promise<RenderReport> => {
    waiting = undefined;
    const started = performance.now();
    sections = await render(newest);
    current = format(sections);
    return {
      seconds: (performance.now() - started) / 1000,
      series: sections.reduce((sum, { series }) => sum + series, 0),
    };
  };

  return {
    publish: (snapshot) => {
      newest = snapshot;
      // Snapshots that come while one renders share the next rendering.
      if (waiting === undefined) {
        waiting = going.then(renderNewest);
        going = waiting.catch(() => undefined);
      }
      return waiting;
    },
    body: async (request) => {
      const { names } = request;
      const pages =
        names === undefined ? current : format(sections.filter(({ family }) => names.has(family.name)));
      const tail = await ownPart(request);
      const page = pages[request.format]();
      const contentType = CONTENT_TYPES[request.format];
      if (!request.gzip)
        return { contentType, length: page.length + tail.length, chunks: plainChunks(page.parts, tail) };
      const chunks = gzipMember([page.deflated(), storePiece(tail)]);
      return { contentType, length: chunks.reduce((sum, chunk) => sum + chunk.length, 0), chunks };
    },
  };
}

function createHeaders(): (section: Section, format: PageFormat) => PageHeader {
  const known = new Map<string, PageHeader>();
  return ({ family }, format) => {
    const key = `${format} ${family.name}`;
    const before = known.get(key);
    if (before !== undefined) return before;
    const plain = Buffer.from(encodeHeader(family, format));
    const header = { plain, deflated: deflatePiece(plain) };
    known.set(key, header);
    return header;
  };
}

function lazy<T>(make: () => T): () => T {
  let made: { readonly value: T } | undefined;
  return () => (made ??= { value: make() }).value;
}
