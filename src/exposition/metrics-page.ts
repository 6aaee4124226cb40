import type { FamilyOptions, FleetContext } from '../core/families/family.ts';
import { enabledFamilies } from '../core/families/table.ts';
import type { Snapshot } from '../core/snapshot.ts';
import { createDeflater, once } from './deflater.ts';
import type { ForeignMetric } from './foreign.ts';
import { type Deflated, gzipMember, joinDeflated, storePiece } from './gzip.ts';
import { encodeHeader } from './header.ts';
import { createOwnPart } from './own-part.ts';
import type { MetricsPage, PageFormat, PageRequest } from './page.ts';
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
  readonly chunks: readonly Uint8Array[];
  readonly deflated: () => Promise<Deflated>;
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
  const format = (sections: readonly Section[]): Record<PageFormat, () => FormattedPage> => {
    const make = (pageFormat: PageFormat) => (): FormattedPage => {
      const parts = sections.map((section) => ({ header: headers(section, pageFormat), section }));
      return {
        chunks: parts.flatMap(({ header, section }) => [header, ...section.pieces.map(({ bytes }) => bytes)]),
        deflated: () => deflate(parts),
      };
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
      const page =
        names === undefined ? current : format(sections.filter(({ family }) => names.has(family.name)));
      const tail = await ownPart(request);
      return {
        contentType: CONTENT_TYPES[request.format],
        chunks: await withTail(page[request.format](), tail, request),
      };
    },
  };
}

async function withTail(
  { chunks, deflated }: FormattedPage,
  tail: Uint8Array,
  { gzip }: PageRequest,
): Promise<readonly Uint8Array[]> {
  return gzip ? gzipMember([await deflated(), storePiece(tail)]) : [...chunks, tail];
}

type PageParts = readonly { readonly header: Uint8Array; readonly section: Section }[];

function createPageDeflater(): (parts: PageParts) => Promise<Deflated> {
  const deflater = createDeflater();
  return once(async (parts: PageParts) => {
    const deflated: Deflated[] = [];
    for (const { header, section } of parts) {
      deflated.push(await deflater.header(header), await deflater.pieces(section.pieces));
    }
    return joinDeflated(deflated);
  });
}

function createHeaders(): (section: Section, format: PageFormat) => Buffer {
  const known = new Map<string, Buffer>();
  return ({ family }, format) => {
    const key = `${format} ${family.name}`;
    const header = known.get(key) ?? Buffer.from(encodeHeader(family, format));
    known.set(key, header);
    return header;
  };
}

function lazy<T>(make: () => T): () => T {
  let made: { readonly value: T } | undefined;
  return () => (made ??= { value: make() }).value;
}
