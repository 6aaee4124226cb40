import type { FamilyOptions, FleetContext } from '../core/families/family.ts';
import { enabledFamilies } from '../core/families/table.ts';
import type { Snapshot } from '../core/snapshot.ts';
import { encodeForeign, type ForeignMetric } from './foreign.ts';
import {
  type Checksum,
  checksumAfter,
  type DeflatedPiece,
  deflatePiece,
  joinGzip,
  NOTHING,
  storePiece,
} from './gzip.ts';
import { encodeHeader } from './header.ts';
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
  /** Made when first asked for. */
  readonly deflated: () => Promise<{
    readonly pieces: readonly DeflatedPiece[];
    readonly checksum: Checksum;
  }>;
}

const CONTENT_TYPES: Readonly<Record<PageFormat, string>> = {
  text: 'text/plain; version=0.0.4; charset=utf-8',
  openmetrics: 'application/openmetrics-text; version=1.0.0; charset=utf-8',
};

export function createMetricsPage({ families, context, allows, own }: MetricsPageOptions): SnapshotPage {
  const table = enabledFamilies(families).filter(({ name }) => allows(name));
  const render = createRenderer({ table, families, context });
  const headers = createHeaders();
  const deflate = createDeflater();
  const format = (sections: readonly Section[]): Record<PageFormat, () => FormattedPage> => {
    const make = (pageFormat: PageFormat) => (): FormattedPage => {
      const chunks = sections.flatMap((section) => [headers(section, pageFormat), section.lines]);
      return { chunks, deflated: lazy(() => deflateAll(chunks, deflate)) };
    };
    return { text: lazy(make('text')), openmetrics: lazy(make('openmetrics')) };
  };
  let sections: readonly Section[] = [];
  let current = format(sections);
  let newest: Snapshot;
  let rendering: Promise<unknown> = Promise.resolve();

  const renderNewest = async (): Promise<RenderReport> => {
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
      const done = rendering.then(renderNewest);
      rendering = done.catch(() => undefined);
      return done;
    },
    body: async (request) => {
      const { names } = request;
      const page =
        names === undefined ? current : format(sections.filter(({ family }) => names.has(family.name)));
      const metrics = (await own()).filter(({ name }) => allows(name) && (names?.has(name) ?? true));
      const end = request.format === 'text' ? '' : '# EOF\n';
      const tail = Buffer.from(encodeForeign(metrics, request.format) + end);
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
  if (!gzip) return [...chunks, tail];
  const { pieces, checksum } = await deflated();
  const last = storePiece(tail);
  return joinGzip([...pieces, last], checksumAfter(checksum, last));
}

async function deflateAll(
  chunks: readonly Uint8Array[],
  deflate: (chunk: Uint8Array) => Promise<DeflatedPiece>,
): Promise<{ readonly pieces: readonly DeflatedPiece[]; readonly checksum: Checksum }> {
  const pieces = await Promise.all(chunks.map(deflate));
  return { pieces, checksum: pieces.reduce(checksumAfter, NOTHING) };
}

/** Chunks that stay the same from page to page are compressed once. */
function createDeflater(): (chunk: Uint8Array) => Promise<DeflatedPiece> {
  const known = new WeakMap<Uint8Array, Promise<DeflatedPiece>>();
  return (chunk) => {
    const piece = known.get(chunk) ?? deflatePiece(chunk);
    known.set(chunk, piece);
    return piece;
  };
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
