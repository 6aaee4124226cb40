import { Readable, pipeline } from 'node:stream';
import { setImmediate } from 'node:timers/promises';
import { createGzip } from 'node:zlib';
import { createGate } from './gate.ts';
import { negotiateGzip } from './negotiate.ts';
import { textReply } from './reply.ts';
import type { Reply, WebRequest } from './reply.ts';

/** A document in parts, each made when it is asked for; or in one line what is wrong with the request. */
export type Rendered =
  { readonly ok: true; readonly parts: Iterable<string> } | { readonly ok: false; readonly problem: string };

export interface DocumentRouteOptions {
  readonly contentType: string;
  readonly headers: Reply['headers'];
  /** How many may be answered at once. */
  readonly limit: number;
  readonly render: (request: WebRequest) => Rendered;
}

/** What is made before the event loop has its turn, and is in memory for each client: some milliseconds of work. */
const SLICE_CHARACTERS = 2 ** 16;

/**
 * Answers with a document made for the request. One that is longer than a slice is made no faster than the client takes
 * it, and its length is not told.
 */
export function createDocumentRoute({
  contentType,
  headers,
  limit,
  render,
}: DocumentRouteOptions): (request: WebRequest) => Promise<Reply> {
  const gate = createGate(limit);
  return async (request) => {
    if (!gate.enter(request.over))
      return textReply(503, 'Too many requests in flight; try again in a second.', { 'Retry-After': '1' });
    const zipped = negotiateGzip(request.headers['accept-encoding']?.toString());
    const rendered = render(request);
    if (!rendered.ok) return textReply(400, rendered.problem);
    return {
      status: 200,
      headers: {
        'Content-Type': contentType,
        Vary: 'Accept-Encoding',
        ...headers,
        ...(zipped ? { 'Content-Encoding': 'gzip' } : {}),
      },
      chunks: await chunksOf(rendered.parts, zipped),
    };
  };
}

async function chunksOf(parts: Iterable<string>, zipped: boolean): Promise<Reply['chunks']> {
  const slices = slicesOf(parts);
  const ahead = [slices.next(), slices.next()].flatMap(({ value }) => value ?? []);
  const all = inTurns(ahead, slices);
  const chunks = zipped ? gzipped(all) : all;
  if (ahead.length > 1) return chunks;
  const whole: Uint8Array[] = [];
  for await (const chunk of chunks) whole.push(chunk);
  return whole;
}

function* slicesOf(parts: Iterable<string>): Generator<Buffer, undefined> {
  let slice = '';
  for (const part of parts) {
    slice += part;
    if (slice.length < SLICE_CHARACTERS) continue;
    yield Buffer.from(slice);
    slice = '';
  }
  if (slice !== '') yield Buffer.from(slice);
  return undefined;
}

/** The event loop has its turn before each slice that is still to be made. */
async function* inTurns(made: readonly Buffer[], toMake: Iterable<Buffer>): AsyncGenerator<Buffer> {
  yield* made;
  await setImmediate();
  for (const slice of toMake) {
    yield slice;
    await setImmediate();
  }
}

/** Begins when it is first read from, and ends early with its reader. */
async function* gzipped(chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  // What goes wrong is told to the reader of the last stream.
  const zipped: AsyncIterable<Buffer> = pipeline(Readable.from(chunks), createGzip(), () => undefined);
  yield* zipped;
}
