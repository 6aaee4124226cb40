import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Config, ListenAddress } from '../config/config.ts';
import type { Snapshot } from '../core/snapshot.ts';
import type { MetricsPage } from '../exposition/page.ts';
import { listenOn, urlOf } from './listen.ts';
import type { WebLog } from './log.ts';
import { refuseMalformed } from './malformed.ts';
import { sendReply, textReply } from './reply.ts';
import { createRouter } from './router.ts';
import type { Readiness } from './router.ts';

export interface WebServerOptions {
  readonly config: Config['web'];
  readonly page: MetricsPage;
  readonly snapshot: () => Snapshot;
  readonly readiness: () => Readiness;
  /** Milliseconds since the epoch. */
  readonly clock: () => number;
  readonly log: WebLog;
  /** The exporter's own version, for the status page. */
  readonly version: string;
  /** A list of tunnels older than this is called late on the status page: a little over two polls is right. */
  readonly lateAfterMs?: number;
  /** A response that its reader has not taken within this time is cut off. */
  readonly responseDeadlineMs?: number;
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

const LIMITS = {
  headersTimeout: 10_000,
  requestTimeout: 30_000,
  /** Longer than the usual scrape intervals, so that Prometheus keeps its connection. */
  keepAliveTimeout: 65_000,
  connectionsCheckingInterval: 5_000,
};

export function createWebServer(options: WebServerOptions): WebServer {
  const { config, log, responseDeadlineMs = DEFAULT_RESPONSE_DEADLINE_MS } = options;
  const route = createRouter({ ...options, lateAfterMs: options.lateAfterMs ?? DEFAULT_LATE_AFTER_MS });
  const inFlight = new Set<AbortSignal>();
  let listeners: readonly { readonly server: Server; readonly address: ListenAddress }[] = [];
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
    await sendReply(response, reply, { over, head, lastOnConnection: draining });
  };

  const openServer = (): Server => {
    const server = createServer(LIMITS, (request, response) => {
      const over = overSignal(request, response);
      const deadline = setTimeout(() => request.socket.destroy(), responseDeadlineMs);
      inFlight.add(over);
      over.addEventListener('abort', () => {
        clearTimeout(deadline);
        inFlight.delete(over);
        if (draining) server.closeIdleConnections();
      });
      answer(request, response, { over }).catch((error: unknown) => {
        log.error({ err: error }, 'Cannot send an HTTP response');
        request.socket.destroy();
      });
    });
    server.on('clientError', refuseMalformed);
    return server;
  };

  /** Closes the idle connections too. */
  const stopListening = (): Promise<unknown> =>
    (stopped ??= Promise.all(listeners.map(({ server }) => closed(server))));

  const close = async (): Promise<void> => {
    const done = stopListening();
    for (const { server } of listeners) server.closeAllConnections();
    await done;
  };

  return {
    async listen() {
      try {
        for (const address of config.listenAddresses) {
          const server = openServer();
          listeners = [...listeners, { server, address }];
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

/**
 * Aborts when the response is finished or its connection has closed. Not every release of node tells a response that
 * waits behind another one (pipelining) of its connection's end; each tells the request.
 */
function overSignal(request: IncomingMessage, response: ServerResponse): AbortSignal {
  const over = new AbortController();
  const abort = (): void => over.abort();
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
