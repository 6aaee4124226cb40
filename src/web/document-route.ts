import { Readable, pipeline } from 'node:stream';
import { setImmediate } from 'node:timers/promises';
import { constants, createGzip } from 'node:zlib';
import type { ConcurrencyLimit } from './concurrency-limit.ts';
import { negotiateGzip } from './negotiate.ts';
import { textReply, type Reply, type WebRequest } from './reply.ts';

/** A document in parts, each made when the iterator reaches it; or one line about a bad request. */
export type Rendered =
  | { readonly ok: true; readonly parts: Iterable<string> }
  | {
      readonly ok: false;
      readonly problem: string;
      /** Default: 400. */
      readonly status?: 404;
    };

export interface DocumentRouteOptions {
  readonly contentType: string;
  readonly headers: Reply['headers'];
  /** Shared by all document routes. */
  readonly limit: ConcurrencyLimit;
  /** What the document is made from, such as the snapshot. The document is made again if it changes. */
  readonly version: () => unknown;
  /** Maximum age of a shared document, for one that shows ages. Default: until the version changes. */
  readonly maxAgeMs?: number;
  readonly render: (request: Pick<WebRequest, 'path' | 'query'>) => Rendered;
}

type Chunks = Promise<readonly Uint8Array[]>;

interface CachedDocument {
  readonly version: unknown;
  /** From `performance.now()`. */
  readonly startedAt: number;
  readonly chunks: Chunks;
}

/** Characters made before the event loop runs other work; a few milliseconds. */
const SLICE_CHARACTERS = 2 ** 16;
/** One entry for each path, query and encoding. */
const MAX_CACHED = 4;
/** The cache is cleared when no document was requested for this long. */
const CLEARED_AFTER_MS = 5_000;

/** Renders a document once for each version, path, query and encoding, and shares it between requests. */
export function createDocumentRoute(options: DocumentRouteOptions): (request: WebRequest) => Promise<Reply> {
  const { contentType, headers, limit, render } = options;
  const documents = createDocumentCache(options);
  return async (request) => {
    const gzip = negotiateGzip(request.headers['accept-encoding']?.toString());
    const { path, query } = request;
    // Checked before the limit, so that a bad request is answered at once.
    const rendered = render({ path, query });
    if (!rendered.ok) return textReply(rendered.status ?? 400, rendered.problem);
    if (!(await limit.acquire(request.ended)))
      return textReply(503, 'Too many requests in flight; try again in a second.', { 'Retry-After': '1' });
    const key = `${gzip ? 'gzip' : 'identity'} ${path}?${query.toString()}`;
    return {
      status: 200,
      headers: {
        'Content-Type': contentType,
        Vary: 'Accept-Encoding',
        ...headers,
        ...(gzip ? { 'Content-Encoding': 'gzip' } : {}),
      },
      chunks: await documents.get(key, () => {
        const current = render({ path, query });
        return collect(current.ok ? current.parts : [], gzip);
      }),
    };
  };
}

function createDocumentCache({
  version,
  maxAgeMs = Infinity,
}: Pick<DocumentRouteOptions, 'version' | 'maxAgeMs'>) {
  /** Ordered by last use. */
  const cached = new Map<string, CachedDocument>();
  /** Documents are made one after another, so that the memory for making one is needed once. */
  let making: Promise<unknown> = Promise.resolve();
  let clearing: NodeJS.Timeout | undefined;

  const isCurrent = (document: CachedDocument): boolean =>
    document.version === version() && performance.now() - document.startedAt <= maxAgeMs;

  const make = (key: string, collected: () => Chunks): CachedDocument => {
    const chunks = making.then(collected);
    making = chunks.catch(() => undefined);
    const document = { version: version(), startedAt: performance.now(), chunks };
    // Everyone who waits gets the error. The next request tries again.
    chunks.catch(() => {
      if (cached.get(key) === document) cached.delete(key);
    });
    return document;
  };

  return {
    get: (key: string, collected: () => Chunks): Chunks => {
      const known = cached.get(key);
      const document = known !== undefined && isCurrent(known) ? known : make(key, collected);
      cached.delete(key);
      cached.set(key, document);
      const [leastRecent] = cached.keys();
      if (cached.size > MAX_CACHED && leastRecent !== undefined) cached.delete(leastRecent);
      clearTimeout(clearing);
      clearing = setTimeout(() => cached.clear(), CLEARED_AFTER_MS).unref();
      return document.chunks;
    },
  };
}

async function collect(parts: Iterable<string>, gzip: boolean): Chunks {
  const slices = slicesOf(parts);
  const chunks: Uint8Array[] = [];
  for await (const chunk of gzip ? gzipped(slices) : slices) chunks.push(chunk);
  return chunks;
}

/** Lets the event loop run other work after each slice. */
async function* slicesOf(parts: Iterable<string>): AsyncGenerator<Buffer> {
  let slice = '';
  for (const part of parts) {
    slice += part;
    if (slice.length < SLICE_CHARACTERS) continue;
    yield Buffer.from(slice);
    slice = '';
    await setImmediate();
  }
  if (slice !== '') yield Buffer.from(slice);
}

async function* gzipped(chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  // Fast rather than small, because a document is made again for each snapshot.
  const gzip = createGzip({ level: constants.Z_BEST_SPEED });
  // Errors reach the reader of the last stream, so the callback ignores them.
  const zipped: AsyncIterable<Buffer> = pipeline(Readable.from(chunks), gzip, () => undefined);
  yield* zipped;
}
