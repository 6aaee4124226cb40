import type { IncomingHttpHeaders, ServerResponse } from 'node:http';

/** What a route is told of a request. */
export interface WebRequest {
  readonly headers: IncomingHttpHeaders;
  readonly query: URLSearchParams;
  /** Aborted once the response is finished or its connection has closed. */
  readonly over: AbortSignal;
}

/** What a route answers. The same for GET and HEAD: whether the body is sent is not its concern. */
export interface Reply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly chunks: readonly Uint8Array[];
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
  response.writeHead(reply.status, {
    ...COMMON_HEADERS,
    ...reply.headers,
    'Content-Length': reply.chunks.reduce((sum, { byteLength }) => sum + byteLength, 0),
    ...(options.lastOnConnection ? { Connection: 'close' } : {}),
  });
  if (!options.head) await writeChunks(response, reply.chunks, options.over);
  response.end();
}

/**
 * Never more than one chunk ahead of the reader, so that a reader that stops holds the shared chunks and no copy of them.
 * Waits for the last chunk too: node's `server.close()` takes a response that has been ended for idle and cuts it off,
 * flushed or not.
 */
async function writeChunks(
  response: ServerResponse,
  chunks: readonly Uint8Array[],
  over: AbortSignal,
): Promise<void> {
  const filled = chunks.filter(({ byteLength }) => byteLength > 0);
  for (const [index, chunk] of filled.entries()) {
    if (over.aborted) return;
    const isLast = index === filled.length - 1;
    await unlessOver(over, (written) => {
      if (isLast) response.write(chunk, written);
      else if (response.write(chunk)) written();
      else response.once('drain', written);
    });
  }
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
