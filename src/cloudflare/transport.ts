import { pipeline, type Readable } from 'node:stream';
import { createSecureContext, getCACertificates, type SecureContext } from 'node:tls';
import { createGunzip } from 'node:zlib';
import { buildConnector, type Dispatcher, Pool, Socks5ProxyAgent } from 'undici';
import type { Config } from '../config/config.ts';
import { connectThrough, toProxy } from './proxy-tunnel.ts';

/** The settings that decide how the API is reached. */
export type ConnectionSettings = Pick<
  Config['cloudflare'],
  'apiUrl' | 'requestTimeoutMs' | 'authorities' | 'proxy'
>;

/** Equal for settings that can share connections. A secret: contains the proxy's password. */
const connectionKey = ({ apiUrl, requestTimeoutMs, authorities, proxy }: ConnectionSettings): string =>
  JSON.stringify([apiUrl, requestTimeoutMs, authorities, proxy]);

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
  /** Not read completely. `why` follows "a body that". */
  | { readonly kind: 'unread'; readonly why: string };

export interface Transport {
  /** One GET with headers and body. Rejects if the connection fails or the signal aborts. */
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
  /** The exporter's version, for the User-Agent. */
  readonly version: string;
}

/**
 * A pool of kept-alive connections to one origin, the only one that ever receives a token. Follows
 * no redirect. All tokens can share it, because the token is a header of each request.
 *
 * A request has a connection for itself until its answer is complete. The pool opens one if none is
 * idle, so that no request waits for another. Callers limit the number of requests, and thereby the
 * number of connections.
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
  // pipeline forwards an error or an early end to both streams; the loop below receives it.
  const source = coding === 'gzip' ? pipeline(body, createGunzip(), () => undefined) : body;
  const chunks: Buffer[] = [];
  let size = 0;
  // Leaving this loop early destroys the stream and its connection.
  for await (const chunk of source as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > MAX_BODY_BYTES)
      return { kind: 'unread', why: `is larger than ${MAX_BODY_BYTES / 1024 / 1024} MiB` };
    chunks.push(chunk);
  }
  return { kind: 'text', text: Buffer.concat(chunks, size).toString('utf8') };
}

function discard(body: Readable): void {
  // Destroying an unread body emits an error that nobody handles otherwise.
  body.on('error', () => undefined);
  body.destroy();
}

/**
 * Connects to the API's origin, directly or through a proxy: one connection per request in flight,
 * kept alive afterwards.
 */
function createDispatcher(settings: ConnectionSettings): Dispatcher {
  const { origin } = new URL(settings.apiUrl);
  const { proxy } = settings;
  // Leaves time for another attempt if an address drops packets.
  const timeoutMs = Math.ceil(settings.requestTimeoutMs / 2);
  const secureContext = trusting(settings.authorities ?? []);
  const trust = secureContext === undefined ? {} : { secureContext };
  if (proxy?.scheme === 'socks5') {
    return new Socks5ProxyAgent(`socks5://${proxy.hostname}:${proxy.port}`, {
      username: proxy.user,
      password: proxy.password,
      connectTimeout: timeoutMs,
      connect: toProxy(buildConnector({ timeout: timeoutMs })),
      requestTls: trust,
    });
  }
  return new Pool(origin, {
    connect:
      proxy === undefined
        ? { ...trust, timeout: timeoutMs }
        : connectThrough(proxy, { timeoutMs, secureContext }),
    // Longer than the pause between polls, shorter than what servers usually keep.
    keepAliveTimeout: 45_000,
    // The caller's signal is the only deadline, because undici's timeouts restart with every byte.
    headersTimeout: 0,
    bodyTimeout: 0,
    allowH2: false,
    // With HTTP/1.1 pipelining, a slow answer would delay those behind it.
    pipelining: 1,
  });
}

/**
 * Trusts these authorities in addition to Node's, which include NODE_EXTRA_CA_CERTS. Undefined if
 * there are none.
 */
function trusting(authorities: readonly string[]): SecureContext | undefined {
  if (authorities.length === 0) return undefined;
  return createSecureContext({ ca: [...getCACertificates('default'), ...authorities] });
}

/** Connections to the API, shared by all tokens. */
export interface SharedConnections {
  /** The connections for these settings; the same for equal settings. */
  readonly under: (config: ConnectionSettings) => Transport;
  /** Closes all but those that `under` returned last. Nothing may be in flight there. */
  readonly closeUnused: () => Promise<void>;
  readonly close: () => Promise<void>;
}

export function createSharedConnections(version: string): SharedConnections {
  const open = new Map<string, Transport>();
  let current: string | undefined;

  const closeAllBut = async (kept: string | undefined): Promise<void> => {
    const unused = [...open].filter(([key]) => key !== kept);
    for (const [key] of unused) open.delete(key);
    await Promise.all(unused.map(([, transport]) => transport.close()));
  };

  return {
    under: (config) => {
      current = connectionKey(config);
      const transport = open.get(current) ?? createTransport({ config, version });
      open.set(current, transport);
      return transport;
    },
    closeUnused: () => closeAllBut(current),
    close: () => closeAllBut(undefined),
  };
}

/**
 * Limit of requests in flight of all tokens, and thereby of connections. An answer takes about 0.3
 * s, so this allows about 400 requests a second: twice what Cloudflare accepts from one address.
 */
export const MAX_IN_FLIGHT = 128;

/** Per token, so that hanging requests of one do not delay another. */
export const concurrencyPerToken = (tokens: number, concurrency: number): number =>
  Math.max(1, Math.min(concurrency, Math.floor(MAX_IN_FLIGHT / Math.max(1, tokens))));
