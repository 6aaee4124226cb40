import type { RequestListener, Server, ServerOptions } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import { createServer as createHttpServer } from '../node-http.ts';
import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import type { WebLog } from './log.ts';
import { clientRefusal } from './tls-client-certificate.ts';
import type { TlsSettings } from './tls-settings.ts';
import type { LiveWebConfig } from './web-config-live.ts';

export interface Listener {
  readonly server: Server;
  /** Every connection, also those that node's own `closeAllConnections` does not know: in the middle of a handshake. */
  readonly closeAllConnections: () => void;
}

export interface ListenerOptions {
  readonly limits: ServerOptions & { readonly headersTimeout: number };
  readonly webConfig: LiveWebConfig | undefined;
  readonly log: WebLog;
}

/** A server of HTTP/1.1, over TLS where the web configuration says so. */
export function createListener(handler: RequestListener, options: ListenerOptions): Listener {
  const { limits, webConfig, log } = options;
  const tls = webConfig?.current().tls;
  if (!webConfig || !tls) {
    const server = createHttpServer(limits, handler);
    return { server, closeAllConnections: () => server.closeAllConnections() };
  }

  const server = createHttpsServer(
    { ...limits, ...tls.context, handshakeTimeout: limits.headersTimeout },
    handler,
  );
  let policy = tls;
  const apply = (settings: TlsSettings): void => {
    policy = settings;
    const { request, require, verify } = settings.clientAuth;
    server.setSecureContext(settings.context);
    // What node reads for each connection. It has no method to change these; should it ever read them elsewhere, clients
    // without a certificate are refused below all the same.
    Object.assign(server, { requestCert: request, rejectUnauthorized: require && verify });
  };
  apply(tls);
  webConfig.onChange(() => {
    const changed = webConfig.current().tls;
    if (changed) apply(changed);
  });

  const refused = createRefusalLog(log);
  // Before node's own listener, which would begin to read requests.
  server.prependListener('secureConnection', (socket) => {
    const reason = clientRefusal(socket, policy);
    if (reason === undefined) return;
    refused(socket, reason);
    socket.destroy();
  });
  server.prependListener('tlsClientError', (error: NodeJS.ErrnoException, socket) => {
    const { authorizationError } = socket;
    // What comes and goes without a word, such as a probe of the port, is no one's concern.
    if (error.code !== 'ECONNRESET' || authorizationError) refused(socket, explain(error, socket));
    socket.destroy();
  });
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  return {
    server,
    closeAllConnections: () => {
      server.closeAllConnections();
      for (const socket of sockets) socket.destroy();
    },
  };
}

function explain({ code, message }: NodeJS.ErrnoException, { authorizationError }: TLSSocket): string {
  if (authorizationError) return `the client's certificate does not verify: ${String(authorizationError)}`;
  if (code === 'ERR_SSL_HTTP_REQUEST') return 'the client speaks plain HTTP; the scheme must be https';
  if (code === 'ERR_SSL_PEER_DID_NOT_RETURN_A_CERTIFICATE') return 'the client gave no certificate';
  return code ?? message;
}

const ONE_LINE_PER_MS = 60_000;

/** Says each reason once a minute: anyone can open connections, and must not fill the log. */
function createRefusalLog(log: WebLog): (socket: TLSSocket, reason: string) => void {
  const saidAt = new Map<string, number>();
  return (socket, reason) => {
    const now = performance.now();
    if (now - (saidAt.get(reason) ?? Number.NEGATIVE_INFINITY) < ONE_LINE_PER_MS) return;
    saidAt.set(reason, now);
    log.warn({ reason, client: socket.remoteAddress }, 'A TLS connection was refused');
  };
}
