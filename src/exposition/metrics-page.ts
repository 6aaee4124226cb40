import type { FamilyOptions, FleetContext } from '../core/families/family.ts';
import { enabledFamilies } from '../core/families/table.ts';
import type { Snapshot } from '../core/snapshot.ts';
import {
  type CompressedPage,
  createPageCompressor,
  type PageHeader,
  type PagePart,
} from './compressed-page.ts';
import { deflatePiece, gzipMember, joinChecksums, storePiece } from './gzip.ts';
import type { MetricsPage, PageFormat } from './page.ts';
import { createPlainPages } from './plain-page.ts';
import { createRenderer, type Section } from './renderer.ts';
import { createSelfMetricsEncoder, type SelfMetricsOptions } from './prom-client-metrics.ts';
import { encodeHeader } from './text-format.ts';

export interface MetricsPageOptions {
  readonly families: FamilyOptions;
  readonly context: FleetContext;
  /** Whether a metric of this name is on the page. */
  readonly allows: (name: string) => boolean;
  /** Collects the self-metrics. */
  readonly selfMetrics: SelfMetricsOptions['collect'];
}

export interface RenderReport {
  /** Seconds from the snapshot to its finished page. */
  readonly seconds: number;
  /** Number of series on the page, without the self-metrics. */
  readonly series: number;
}

export interface SnapshotPage extends MetricsPage {
  /** Renders a snapshot and then serves it instead of the previous one. */
  readonly publish: (snapshot: Snapshot) => Promise<RenderReport>;
}

/** A snapshot's page in one format, made at the first scrape and shared by all. */
interface FormattedPage {
  readonly parts: readonly PagePart[];
  /** Number of bytes of the plain page. */
  readonly length: number;
  readonly compressed: () => CompressedPage;
}

const CONTENT_TYPES: Readonly<Record<PageFormat, string>> = {
  text: 'text/plain; version=0.0.4; charset=utf-8',
  openmetrics: 'application/openmetrics-text; version=1.0.0; charset=utf-8',
};

export function createMetricsPage({
  families,
  context,
  allows,
  selfMetrics,
}: MetricsPageOptions): SnapshotPage {
  const table = enabledFamilies(families).filter(({ name }) => allows(name));
  const render = createRenderer({ table, families, context });
  const headers = createHeaders();
  const compress = createPageCompressor();
  const plainChunks = createPlainPages();
  const format = (sections: readonly Section[]): Record<PageFormat, () => FormattedPage> => {
    const make = (pageFormat: PageFormat) => (): FormattedPage => {
      const parts = sections.map((section) => ({ header: headers(section, pageFormat), section }));
      const length = parts.reduce(
        (sum, { header, section }) => sum + header.plain.length + section.length,
        0,
      );
      return { parts, length, compressed: lazy(() => compress(parts)) };
    };
    return { text: lazy(make('text')), openmetrics: lazy(make('openmetrics')) };
  };
  const encodeSelfMetrics = createSelfMetricsEncoder({ collect: selfMetrics, allows });
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
      // Snapshots that arrive during a rendering share the next one.
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
      const tail = await encodeSelfMetrics(request);
      const page = pages[request.format]();
      const contentType = CONTENT_TYPES[request.format];
      if (!request.gzip)
        return { contentType, length: page.length + tail.length, chunks: plainChunks(page.parts, tail) };
      const compressed = page.compressed();
      const stored = storePiece(tail);
      const chunks = gzipMember([...compressed.buffers, stored.bytes], joinChecksums([compressed, stored]));
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
