import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { ListenAddress } from '../config/config.ts';
import { createBasicAuth, verifyByBcrypt } from './basic-auth.ts';
import { createListener, listenOn, refuseMalformed, urlOf, type Listener } from './listener.ts';
import { sendReply, textReply } from './reply.ts';
import { createRouter, type RouterOptions } from './router.ts';
import type { LiveWebConfig } from './web-config-live.ts';

export interface WebServerOptions extends Omit<RouterOptions, 'authenticate'> {
  /** Connections whose response takes longer than this are closed. */
  readonly responseDeadlineMs?: number;
  /** Connections whose client reads nothing for this long are closed. */
  readonly stalledReaderMs?: number;
  /** TLS, passwords and headers of `--web.config.file`. The caller stops it. */
  readonly webConfig?: LiveWebConfig | undefined;
}

export interface WebServer {
  /** Opens every configured address, or none. Rejects with one line: the address, the cause, what to do. */
  readonly listen: () => Promise<void>;
  /** The URLs served, with the real port if the configured one is 0; empty before `listen`. */
  readonly addresses: () => readonly string[];
  /**
   * Closes idle connections at once, and answers new requests while any response is in flight. Then
   * stops listening, and resolves when every response is finished.
   */
  readonly drain: () => Promise<void>;
  /** Closes every connection, including those with a response in flight. */
  readonly close: () => Promise<void>;
}

const DEFAULT_RESPONSE_DEADLINE_MS = 60_000;
const DEFAULT_STALLED_READER_MS = 10_000;

const LIMITS = {
  headersTimeout: 10_000,
  requestTimeout: 30_000,
  /** Longer than usual scrape intervals, so that Prometheus keeps its connection. */
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
    ...options,
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
    { ended }: { readonly ended: AbortSignal },
  ): Promise<void> => {
    const reply = await route(request, ended).catch((error: unknown) => {
      log.error({ err: error }, 'Cannot answer an HTTP request');
      return textReply(500, 'Cannot answer; the log of the exporter says why.');
    });
    const head = request.method === 'HEAD';
    const headers = { ...reply.headers, ...webConfig?.current().headers };
    // Node restarts this timeout with every byte that the client reads, also during a large write.
    response.setTimeout(stalledReaderMs, () => request.socket.destroy());
    await sendReply(response, { ...reply, headers }, { ended, head, lastOnConnection: draining });
  };

  const openListener = (): Listener => {
    const handler = (request: IncomingMessage, response: ServerResponse): void => {
      const ended = endedSignal(request, response);
      const deadline = setTimeout(() => request.socket.destroy(), responseDeadlineMs);
      inFlight.add(ended);
      ended.addEventListener('abort', () => {
        clearTimeout(deadline);
        inFlight.delete(ended);
        if (draining) listener.server.closeIdleConnections();
      });
      answer(request, response, { ended }).catch((error: unknown) => {
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
      // The listeners stay open meanwhile: readiness probes must see 503 while draining.
      await Promise.all([...inFlight].map(aborted));
      void stopListening();
      while (inFlight.size > 0) await Promise.all([...inFlight].map(aborted));
      // The connections that remain have not sent a whole request.
      await close();
    },
    close,
  };
}

/** Passed to `abort`, because without a reason each request would create an exception with a stack. */
const ENDED = 'the response is finished or its connection has closed';

/**
 * Aborts when the response is finished or its connection has closed. Listens to the request too: some
 * releases of node emit no `close` on a pipelined response that still waits behind another one.
 */
function endedSignal(request: IncomingMessage, response: ServerResponse): AbortSignal {
  const ended = new AbortController();
  const abort = (): void => ended.abort(ENDED);
  response.once('close', abort);
  request.once('close', abort);
  return ended.signal;
}

function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
}

/** Resolves when the server is closed, also if it never listened. */
function closed(server: Server): Promise<void> {
  return new Promise((resolve) => server.close(() => resolve()));
}
