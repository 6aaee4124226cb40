import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Config, ListenAddress } from '../config/config.ts';
import { type EventHistory, NO_EVENTS } from '../core/events.ts';
import type { Snapshot } from '../core/snapshot.ts';
import type { MetricsPage } from '../exposition/page.ts';
import { verifyByBcrypt } from './basic-auth-bcrypt.ts';
import { createBasicAuth } from './basic-auth.ts';
import { listenOn, urlOf } from './listen.ts';
import type { WebLog } from './log.ts';
import { refuseMalformed } from './malformed.ts';
import type { Reload } from './reload-route.ts';
import { sendReply, textReply } from './reply.ts';
import { createRouter } from './router.ts';
import type { Readiness } from './router.ts';
import { createListener } from './tls-listener.ts';
import type { Listener } from './tls-listener.ts';
import type { LiveWebConfig } from './web-config-live.ts';

export interface WebServerOptions {
  readonly config: Config['web'];
  readonly page: MetricsPage;
  readonly snapshot: () => Snapshot;
  /** What changed; nothing unless given. */
  readonly events?: () => EventHistory;
  readonly readiness: () => Readiness;
  /** Milliseconds since the epoch. */
  readonly clock: () => number;
  readonly log: WebLog;
  /** The exporter's own version, for the status page. */
  readonly version: string;
  /** A list of tunnels older than this is called late on the status page: a little over two polls is right. */
  readonly lateAfterMs?: () => number;
  /** Whether addresses of origins are shown at all; not unless given. */
  readonly showsOriginIps?: () => boolean;
  /** Whether Cloudflare's edge sees the connector beside us; `undefined` where there is none. */
  readonly edgeReadiness?: () => Readiness | undefined;
  /** Left out where reloading over HTTP is not enabled. */
  readonly reload?: Reload | undefined;
  /** A response that its reader has not taken within this time is cut off. */
  readonly responseDeadlineMs?: number;
  /** A reader that takes nothing for so long is cut off. */
  readonly stalledReaderMs?: number;
  /** TLS, passwords and headers of `--web.config.file`; stopped by its owner. */
  readonly webConfig?: LiveWebConfig | undefined;
}

export interface WebServer {
  /** Opens every configured address, or none: rejects with one line that names the address and what to do. */
  readonly listen: () => Promise<void>;
  /** The URLs served, with the real port where 0 was asked for; empty before `listen`. */
  readonly addresses: () => readonly string[];
  /**
   * Closes idle connections at once, answers new requests for as long as responses are in flight, then accepts nothing more
   * and resolves when every response is finished.
   */
  readonly drain: () => Promise<void>;
  /** Closes everything, responses in flight too. */
  readonly close: () => Promise<void>;
}

const DEFAULT_LATE_AFTER_MS = 120_000;
const DEFAULT_RESPONSE_DEADLINE_MS = 60_000;
const DEFAULT_STALLED_READER_MS = 10_000;

const LIMITS = {
  headersTimeout: 10_000,
  requestTimeout: 30_000,
  /** Longer than the usual scrape intervals, so that Prometheus keeps its connection. */
  keepAliveTimeout: 65_000,
  connectionsCheckingInterval: 5_000,
};

export function createWebServer(options: WebServerOptions): WebServer {
  const {
    config,
    log,
    webConfig,
    responseDeadlineMs = DEFAULT_RESPONSE_DEADLINE_MS,
    stalledReaderMs = DEFAULT_STALLED_READER_MS,
  } = options;
  const route = createRouter({
    events: () => NO_EVENTS,
    showsOriginIps: () => false,
    ...options,
    lateAfterMs: options.lateAfterMs ?? (() => DEFAULT_LATE_AFTER_MS),
    authenticate:
      webConfig && createBasicAuth({ users: () => webConfig.current().users, verify: verifyByBcrypt }),
  });
  const inFlight = new Set<AbortSignal>();
  let listeners: readonly (Listener & { readonly address: ListenAddress })[] = [];
  let stopped: Promise<unknown> | undefined;
  let draining = false;

  const answer = async (
    request: IncomingMessage,
    response: ServerResponse,
    { over }: { readonly over: AbortSignal },
  ): Promise<void> => {
    const reply = await route(request, over).catch((error: unknown) => {
      log.error({ err: error }, 'Cannot answer an HTTP request');
      return textReply(500, 'Cannot answer; the log of the exporter says why.');
    });
    const head = request.method === 'HEAD';
    const headers = { ...reply.headers, ...webConfig?.current().headers };
    // Node counts every byte that the reader takes, also in the middle of a large write.
    response.setTimeout(stalledReaderMs, () => request.socket.destroy());
    await sendReply(response, { ...reply, headers }, { over, head, lastOnConnection: draining });
  };

  const openListener = (): Listener => {
    const handler = (request: IncomingMessage, response: ServerResponse): void => {
      const over = overSignal(request, response);
      const deadline = setTimeout(() => request.socket.destroy(), responseDeadlineMs);
      inFlight.add(over);
      over.addEventListener('abort', () => {
        clearTimeout(deadline);
        inFlight.delete(over);
        if (draining) listener.server.closeIdleConnections();
      });
      answer(request, response, { over }).catch((error: unknown) => {
        log.error({ err: error }, 'Cannot send an HTTP response');
        request.socket.destroy();
      });
    };
    const listener = createListener(handler, { limits: LIMITS, webConfig, log });
    listener.server.on('clientError', refuseMalformed);
    return listener;
  };

  /** Closes the idle connections too. */
  const stopListening = (): Promise<unknown> =>
    (stopped ??= Promise.all(listeners.map(({ server }) => closed(server))));

  const close = async (): Promise<void> => {
    const done = stopListening();
    for (const { closeAllConnections } of listeners) closeAllConnections();
    await done;
  };

  return {
    async listen() {
      try {
        for (const address of config.listenAddresses) {
          const listener = openListener();
          listeners = [...listeners, { ...listener, address }];
          const { server } = listener;
          await listenOn(server, address);
          server.on('error', (error) => log.error({ err: error }, 'A web listener failed'));
        }
      } catch (error) {
        await close();
        throw error;
      }
    },
    addresses: () =>
      listeners.map(({ server, address }) => urlOf(server, address)).filter((url) => url !== undefined),
    async drain() {
      draining = true;
      for (const { server } of listeners) server.closeIdleConnections();
      // Whoever asks meanwhile whether we are ready shall hear that we are not.
      await Promise.all([...inFlight].map(aborted));
      void stopListening();
      while (inFlight.size > 0) await Promise.all([...inFlight].map(aborted));
      // What is left has not sent a whole request.
      await close();
    },
    close,
  };
}

const OVER = 'the response is finished or its connection has closed';

/**
 * Aborts when the response is finished or its connection has closed. Not every release of node tells a response that
 * waits behind another one (pipelining) of its connection's end; each tells the request.
 */
function overSignal(request: IncomingMessage, response: ServerResponse): AbortSignal {
  const over = new AbortController();
  // With a reason: without one, an exception and its stack are made for each request.
  const abort = (): void => over.abort(OVER);
  response.once('close', abort);
  request.once('close', abort);
  return over.signal;
}

function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
}

/** Resolves when the server is closed; also where it never listened. */
function closed(server: Server): Promise<void> {
  return new Promise((resolve) => server.close(() => resolve()));
}
