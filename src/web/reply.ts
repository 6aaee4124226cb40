import type { IncomingHttpHeaders, ServerResponse } from 'node:http';
import { setImmediate } from 'node:timers/promises';

/** The parts of a request that routes read. */
export interface WebRequest {
  readonly headers: IncomingHttpHeaders;
  /** As sent, percent-encoding included. */
  readonly path: string;
  readonly query: URLSearchParams;
  /** Aborts when the response is finished or its connection has closed. */
  readonly ended: AbortSignal;
}

/** The part of pino's Logger that the web server calls. */
export interface WebLog {
  readonly warn: (details: object, message: string) => void;
  readonly error: (details: object, message: string) => void;
}

/** The answer of a route, the same for GET and HEAD. */
export interface Reply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /** The whole body, or batches of it that are made as fast as the client reads them. */
  readonly chunks: readonly Uint8Array[] | AsyncIterable<readonly Uint8Array[]>;
  /** Bytes of the body, if known in advance. */
  readonly length?: number;
}

export function textReply(status: number, text: string, headers: Reply['headers'] = {}): Reply {
  return {
    status,
    headers: { 'Content-Type': 'text/plain; charset=utf-8', ...headers },
    chunks: [Buffer.from(`${text}\n`)],
  };
}

/** Sent with every response. Bodies describe the present, so nothing may cache them. */
const COMMON_HEADERS = { 'X-Content-Type-Options': 'nosniff', 'Cache-Control': 'no-store' };

export interface SendOptions {
  readonly ended: AbortSignal;
  /** Leaves the body out. */
  readonly head: boolean;
  /** Tells the client that the connection closes after this response. */
  readonly lastOnConnection: boolean;
}

/** Resolves when the operating system has taken the whole reply, or when the connection has closed. */
export async function sendReply(response: ServerResponse, reply: Reply, options: SendOptions): Promise<void> {
  const { chunks } = reply;
  const length = reply.length ?? (isWhole(chunks) ? lengthOf(chunks) : undefined);
  response.writeHead(reply.status, {
    ...COMMON_HEADERS,
    ...reply.headers,
    ...(length === undefined ? {} : { 'Content-Length': length }),
    ...(options.lastOnConnection ? { Connection: 'close' } : {}),
  });
  if (!options.head) {
    const batches = isWhole(chunks) ? batchesOf(chunks) : chunks;
    for await (const batch of batches) {
      if (options.ended.aborted) return;
      await writeBatch(response, batch, options.ended);
      // A fast reader would otherwise keep the event loop busy until the end of the reply.
      await setImmediate();
    }
  }
  response.end();
}

function isWhole(chunks: Reply['chunks']): chunks is readonly Uint8Array[] {
  return Array.isArray(chunks);
}

function lengthOf(chunks: readonly Uint8Array[]): number {
  return chunks.reduce((sum, { byteLength }) => sum + byteLength, 0);
}

/** Smaller chunks are written together, up to about this size. */
const BATCH_BYTES = 2 * 1024 * 1024;
/** A rest of at most this size joins the last batch, to save a write. */
const SMALL_REST_BYTES = 64 * 1024;

function* batchesOf(chunks: readonly Uint8Array[]): Generator<readonly Uint8Array[]> {
  let rest = lengthOf(chunks);
  let batch: Uint8Array[] = [];
  let bytes = 0;
  for (const chunk of chunks) {
    if (chunk.byteLength === 0) continue;
    batch.push(chunk);
    bytes += chunk.byteLength;
    rest -= chunk.byteLength;
    if (bytes < BATCH_BYTES || rest <= SMALL_REST_BYTES) continue;
    yield batch;
    batch = [];
    bytes = 0;
  }
  if (batch.length > 0) yield batch;
}

/**
 * Resolves when the batch is written, so a slow reader holds at most one batch in the send buffer. The
 * last batch is awaited too: `server.close()` of node treats a response as idle once it has been ended,
 * and cuts it off even if it is not flushed.
 */
function writeBatch(
  response: ServerResponse,
  batch: readonly Uint8Array[],
  ended: AbortSignal,
): Promise<void> {
  return untilDoneOrEnded(ended, (written) => {
    response.cork();
    for (const [index, chunk] of batch.entries()) {
      if (index === batch.length - 1) response.write(chunk, written);
      else response.write(chunk);
    }
    response.uncork();
  });
}

function untilDoneOrEnded(ended: AbortSignal, start: (done: () => void) => void): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      ended.removeEventListener('abort', done);
      resolve();
    };
    ended.addEventListener('abort', done);
    start(done);
  });
}
