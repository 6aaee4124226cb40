import { pipeline, type Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { type ConnectionSettings, createDispatcher } from './dispatcher.ts';

/** After decompression. A page of 1,000 tunnels with 100 embedded connections each has about 26 MB. */
export const MAX_BODY_BYTES = 32 * 1024 * 1024;

export interface Answer {
  readonly status: number;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  readonly body: Body;
}

export type Body =
  | { readonly kind: 'text'; readonly text: string }
  /** Not read, or not to the end: why, to follow "a body that". */
  | { readonly kind: 'unread'; readonly why: string };

export interface Transport {
  /** One GET, headers and body. Rejects where the connection fails or the signal aborts. */
  readonly get: (path: string, request: GetRequest) => Promise<Answer>;
  readonly close: () => Promise<void>;
}

export interface GetRequest {
  /** A secret. */
  readonly token: string;
  readonly signal: AbortSignal;
}

export interface TransportOptions {
  readonly config: ConnectionSettings;
  /** Ours, for the User-Agent. */
  readonly version: string;
}

/**
 * A pool of kept-alive connections to one origin, which is the only one that ever sees a token. Follows no redirect. Every
 * token of that origin can use it: the token is a header of each request.
 *
 * A request takes a connection for itself until its answer is complete. The pool opens one whenever none is idle, so that no
 * request waits for another. Those who send bound the number of requests, and with it the number of connections.
 */
export function createTransport({ config, version }: TransportOptions): Transport {
  const { origin, pathname } = new URL(config.apiUrl);
  const prefix = pathname === '/' ? '' : pathname;
  const dispatcher = createDispatcher(config);

  return {
    async get(path, { token, signal }) {
      const { statusCode, headers, body } = await dispatcher.request({
        origin,
        method: 'GET',
        path: prefix + path,
        headers: {
          authorization: `Bearer ${token}`,
          accept: 'application/json',
          'accept-encoding': 'gzip',
          'user-agent': `cloudflare-tunnel-exporter/${version}`,
        },
        signal,
      });
      return { status: statusCode, headers, body: await readBody(body, headers['content-encoding']) };
    },
    close: () => dispatcher.destroy(),
  };
}

async function readBody(body: Readable, encoding: string | string[] | undefined): Promise<Body> {
  const coding = String(encoding ?? 'identity').toLowerCase();
  if (coding !== 'gzip' && coding !== 'identity') {
    discard(body);
    return { kind: 'unread', why: 'is encoded in a way that was not asked for' };
  }
  // pipeline passes an error or an early end on to both streams; the loop below sees it.
  const source = coding === 'gzip' ? pipeline(body, createGunzip(), () => undefined) : body;
  const chunks: Buffer[] = [];
  let size = 0;
  // Leaving this loop early destroys the stream, and with it the connection.
  for await (const chunk of source as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > MAX_BODY_BYTES)
      return { kind: 'unread', why: `is larger than ${MAX_BODY_BYTES / 1024 / 1024} MiB` };
    chunks.push(chunk);
  }
  return { kind: 'text', text: Buffer.concat(chunks, size).toString('utf8') };
}

function discard(body: Readable): void {
  // Destroying an unread body reports an abort that nobody waits for.
  body.on('error', () => undefined);
  body.destroy();
}
