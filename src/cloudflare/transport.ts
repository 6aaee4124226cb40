import { pipeline, type Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { Pool } from 'undici';
import type { Config } from '../config/config.ts';

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

/** The settings that decide how the API is reached. */
type ConnectionSettings = Pick<Config['cloudflare'], 'apiUrl' | 'requestTimeoutMs'>;

/** Equal for settings under which the same connections serve. */
export const connectionKey = ({ apiUrl, requestTimeoutMs }: ConnectionSettings): string =>
  JSON.stringify([apiUrl, requestTimeoutMs]);

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
  const pool = new Pool(origin, {
    // Leaves room for another attempt where an address swallows packets.
    connectTimeout: Math.ceil(config.requestTimeoutMs / 2),
    // Longer than a poll interval's pause, shorter than what servers usually keep.
    keepAliveTimeout: 45_000,
    // The caller's signal is the one deadline: undici's own timeouts start anew with every byte.
    headersTimeout: 0,
    bodyTimeout: 0,
    // One request per connection at a time: with HTTP/1.1 pipelining a slow answer would hold up those behind it.
    allowH2: false,
    pipelining: 1,
  });

  return {
    async get(path, { token, signal }) {
      const { statusCode, headers, body } = await pool.request({
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
    close: () => pool.destroy(),
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
