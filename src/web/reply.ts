import type { IncomingHttpHeaders, ServerResponse } from 'node:http';
import { setImmediate } from 'node:timers/promises';

/** What a route is told of a request. */
export interface WebRequest {
  readonly headers: IncomingHttpHeaders;
  /** Not decoded. */
  readonly path: string;
  readonly query: URLSearchParams;
  /** Aborted once the response is finished or its connection has closed. */
  readonly over: AbortSignal;
}

/** What a route answers. The same for GET and HEAD: whether the body is sent is not its concern. */
export interface Reply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /** The whole body, or batches of it that are made as fast as the client takes them. */
  readonly chunks: readonly Uint8Array[] | AsyncIterable<readonly Uint8Array[]>;
  /** Bytes of the body, if they are known before it is made. */
  readonly length?: number;
}

export function textReply(status: number, text: string, headers: Reply['headers'] = {}): Reply {
  return {
    status,
    headers: { 'Content-Type': 'text/plain; charset=utf-8', ...headers },
    chunks: [Buffer.from(`${text}\n`)],
  };
}

/** On every response: what we serve is true for a moment only, and is what we say it is. */
const COMMON_HEADERS = { 'X-Content-Type-Options': 'nosniff', 'Cache-Control': 'no-store' };

export interface SendOptions {
  readonly over: AbortSignal;
  readonly head: boolean;
  /** Tells the client that this connection ends with this response. */
  readonly lastOnConnection: boolean;
}

/** Resolves when the reply was handed to the operating system or its connection has closed. */
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
      if (options.over.aborted) return;
      await writeBatch(response, batch, options.over);
      // A reader that takes all that it is given must not keep the event loop to itself.
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

/** Chunks that are smaller are given to the operating system together, up to about this much. */
const BATCH_BYTES = 2 * 1024 * 1024;
/** An end of this size goes with the batch before it: a write of its own would cost more than it takes. */
const SMALL_END_BYTES = 64 * 1024;

function* batchesOf(chunks: readonly Uint8Array[]): Generator<readonly Uint8Array[]> {
  let rest = lengthOf(chunks);
  let batch: Uint8Array[] = [];
  let bytes = 0;
  for (const chunk of chunks) {
    if (chunk.byteLength === 0) continue;
    batch.push(chunk);
    bytes += chunk.byteLength;
    rest -= chunk.byteLength;
    if (bytes < BATCH_BYTES || rest <= SMALL_END_BYTES) continue;
    yield batch;
    batch = [];
    bytes = 0;
  }
  if (batch.length > 0) yield batch;
}

/**
 * Never more than one batch ahead of the reader, so that a reader that stops holds the shared chunks and no copy of them.
 * Waits until the batch is written, the last one too: node's `server.close()` takes a response that has been ended for
 * idle and cuts it off, flushed or not.
 */
function writeBatch(
  response: ServerResponse,
  batch: readonly Uint8Array[],
  over: AbortSignal,
): Promise<void> {
  return unlessOver(over, (written) => {
    response.cork();
    for (const [index, chunk] of batch.entries()) {
      if (index === batch.length - 1) response.write(chunk, written);
      else response.write(chunk);
    }
    response.uncork();
  });
}

function unlessOver(over: AbortSignal, start: (done: () => void) => void): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      over.removeEventListener('abort', done);
      resolve();
    };
    over.addEventListener('abort', done);
    start(done);
  });
}
