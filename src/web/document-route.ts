import { Readable, pipeline } from 'node:stream';
import { setImmediate } from 'node:timers/promises';
import { constants, createGzip } from 'node:zlib';
import type { Limiter } from './limiter.ts';
import { negotiateGzip } from './negotiate.ts';
import { textReply } from './reply.ts';
import type { Reply, WebRequest } from './reply.ts';

/** A document in parts, each made when it is asked for; or in one line what is wrong with the request. */
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
  /** Shared by all documents. */
  readonly limiter: Limiter;
  /** What the document is made from, such as the snapshot: another one makes another document. */
  readonly version: () => unknown;
  /** How long a document may be shared; for one that shows ages. Default: until the version changes. */
  readonly maxAgeMs?: number;
  readonly render: (request: Pick<WebRequest, 'path' | 'query'>) => Rendered;
}

/** A document that is made, or being made. */
interface Made {
  readonly version: unknown;
  readonly at: number;
  readonly chunks: Promise<readonly Uint8Array[]>;
}

/** What is made before the event loop goes on: some milliseconds of work. */
const SLICE_CHARACTERS = 2 ** 16;
/** Each query and encoding is a document of its own; the least recently asked for gives way. */
const MOST_KEPT = 4;
/** A document that nobody has asked for since is not kept. */
const KEPT_FOR_MS = 5_000;

/** Answers with a document that is rendered once for each version, path, query and encoding, and shared by all who ask for it. */
export function createDocumentRoute(options: DocumentRouteOptions): (request: WebRequest) => Promise<Reply> {
  const { contentType, headers, limiter, render } = options;
  const documents = createDocumentCache(options);
  return async (request) => {
    const gzip = negotiateGzip(request.headers['accept-encoding']?.toString());
    const { path, query } = request;
    // Before it waits: what is wrong with a request is told at once.
    const rendered = render({ path, query });
    if (!rendered.ok) return textReply(rendered.status ?? 400, rendered.problem);
    if (!(await limiter.enter(request.over)))
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
  const kept = new Map<string, Made>();
  /** One document is made at a time: what making takes in memory is taken once. */
  let making: Promise<unknown> = Promise.resolve();
  let forget: NodeJS.Timeout | undefined;

  const isCurrent = (made: Made): boolean =>
    made.version === version() && performance.now() - made.at <= maxAgeMs;

  const make = (key: string, collected: () => Promise<readonly Uint8Array[]>): Made => {
    const chunks = making.then(collected);
    making = chunks.catch(() => undefined);
    const made = { version: version(), at: performance.now(), chunks };
    // An error is told to everyone who waits, and not kept.
    chunks.catch(() => {
      if (kept.get(key) === made) kept.delete(key);
    });
    return made;
  };

  return {
    get: (key: string, collected: () => Promise<readonly Uint8Array[]>): Made['chunks'] => {
      const known = kept.get(key);
      const made = known !== undefined && isCurrent(known) ? known : make(key, collected);
      kept.delete(key);
      kept.set(key, made);
      const [oldest] = kept.keys();
      if (kept.size > MOST_KEPT && oldest !== undefined) kept.delete(oldest);
      clearTimeout(forget);
      forget = setTimeout(() => kept.clear(), KEPT_FOR_MS).unref();
      return made.chunks;
    },
  };
}

async function collect(parts: Iterable<string>, gzip: boolean): Promise<readonly Uint8Array[]> {
  const slices = inSlices(parts);
  const chunks: Uint8Array[] = [];
  for await (const chunk of gzip ? gzipped(slices) : slices) chunks.push(chunk);
  return chunks;
}

/** The event loop goes on before each slice. */
async function* inSlices(parts: Iterable<string>): AsyncGenerator<Buffer> {
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

/** Fast rather than small: a document is made anew with each snapshot. */
const LEVEL = constants.Z_BEST_SPEED;

async function* gzipped(chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  // What goes wrong is told to the reader of the last stream.
  const zipped: AsyncIterable<Buffer> = pipeline(
    Readable.from(chunks),
    createGzip({ level: LEVEL }),
    () => undefined,
  );
  yield* zipped;
}
