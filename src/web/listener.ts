import type { RequestListener, Server, ServerOptions } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { Server as TlsServer, type TLSSocket } from 'node:tls';
import type { ListenAddress } from '../config/config.ts';
import { createServer as createHttpServer } from '../node-http.ts';
import type { WebLog } from './reply.ts';
import { clientRefusal } from './tls-client-certificate.ts';
import type { TlsSettings } from './tls-settings.ts';
import type { LiveWebConfig } from './web-config-live.ts';

export interface Listener {
  readonly server: Server;
  /** Closes every connection. Node's own method leaves those open that are in a TLS handshake. */
  readonly closeAllConnections: () => void;
}

export interface ListenerOptions {
  readonly limits: ServerOptions & { readonly headersTimeout: number };
  readonly webConfig: LiveWebConfig | undefined;
  readonly log: WebLog;
}

/** An HTTP/1.1 server, over TLS if the web configuration has a certificate. It does not listen yet. */
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
    // Node reads these properties for each connection and has no method that changes them. If a
    // release stops reading them, clients without a certificate are still refused below.
    Object.assign(server, { requestCert: request, rejectUnauthorized: require && verify });
  };
  apply(tls);
  webConfig.onChange(() => {
    const changed = webConfig.current().tls;
    if (changed) apply(changed);
  });

  const logRefusal = createRefusalLog(log);
  // Prepended, because node's own listener starts to read requests.
  server.prependListener('secureConnection', (socket) => {
    const reason = clientRefusal(socket, policy);
    if (reason === undefined) return;
    logRefusal(socket, reason);
    socket.destroy();
  });
  server.prependListener('tlsClientError', (error: NodeJS.ErrnoException, socket) => {
    // Port probes connect and leave without a handshake; they are not logged.
    if (error.code !== 'ECONNRESET' || socket.authorizationError)
      logRefusal(socket, explainTlsError(error, socket));
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

function explainTlsError(
  { code, message }: NodeJS.ErrnoException,
  { authorizationError }: TLSSocket,
): string {
  if (authorizationError) return `the client's certificate does not verify: ${String(authorizationError)}`;
  if (code === 'ERR_SSL_HTTP_REQUEST') return 'the client speaks plain HTTP; the scheme must be https';
  if (code === 'ERR_SSL_PEER_DID_NOT_RETURN_A_CERTIFICATE') return 'the client gave no certificate';
  return code ?? message;
}

const REFUSAL_LOG_INTERVAL_MS = 60_000;

/** Logs each reason at most once a minute: anyone can open connections, and must not flood the log. */
function createRefusalLog(log: WebLog): (socket: TLSSocket, reason: string) => void {
  const loggedAt = new Map<string, number>();
  return (socket, reason) => {
    const now = performance.now();
    if (now - (loggedAt.get(reason) ?? Number.NEGATIVE_INFINITY) < REFUSAL_LOG_INTERVAL_MS) return;
    loggedAt.set(reason, now);
    log.warn({ reason, client: socket.remoteAddress }, 'A TLS connection was refused');
  };
}

const REFUSALS: Readonly<Record<string, string>> = {
  HPE_HEADER_OVERFLOW: '431 Request Header Fields Too Large',
  ERR_HTTP_REQUEST_TIMEOUT: '408 Request Timeout',
};

/**
 * Answers bytes that are not an HTTP request. If something was already sent on the connection, it is
 * closed without an answer, which would corrupt the response before.
 */
export function refuseMalformed(
  error: NodeJS.ErrnoException,
  socket: Duplex & { bytesWritten?: number },
): void {
  if (!socket.writable || socket.bytesWritten !== 0) {
    socket.destroy();
    return;
  }
  const status = REFUSALS[error.code ?? ''] ?? '400 Bad Request';
  const body = `${status}\n`;
  const head = `HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Type: text/plain\r\nContent-Length: ${body.length}`;
  socket.end(`${head}\r\n\r\n${body}`, () => socket.destroy());
}

/** Resolves when connections are accepted. Rejects with one line: the address, the cause, what to do. */
export function listenOn(server: Server, { host, port }: ListenAddress): Promise<void> {
  return new Promise((resolve, reject) => {
    const failed = (error: NodeJS.ErrnoException): void =>
      reject(
        new Error(`Cannot listen on ${hostAndPort(host ?? '', port)}: ${explainListenError(error)}`, {
          cause: error,
        }),
      );
    server.once('error', failed);
    // Without a host, node listens on `::` for both families, or on 0.0.0.0 if the machine has no IPv6.
    server.listen({ port, ...(host === undefined ? {} : { host }) }, () => {
      server.off('error', failed);
      resolve();
    });
  });
}

/** The URL to open. For a server on every interface, it names localhost. */
export function urlOf(server: Server, { host }: ListenAddress): string | undefined {
  const address = server.address();
  if (address === null || typeof address === 'string') return undefined;
  const scheme = server instanceof TlsServer ? 'https' : 'http';
  return `${scheme}://${hostAndPort(host === undefined ? 'localhost' : address.address, address.port)}`;
}

function hostAndPort(host: string, port: number): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

function explainListenError(error: NodeJS.ErrnoException): string {
  switch (error.code) {
    case 'EADDRINUSE':
      return 'the address is in use; stop the other process or choose another --web.listen-address';
    case 'EADDRNOTAVAIL':
      return 'this machine has no such address; choose another --web.listen-address';
    case 'EACCES':
      return 'permission denied; choose a port above 1023 with --web.listen-address';
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return 'the host name does not resolve; give an IP address with --web.listen-address';
    case undefined:
    default:
      return error.message;
  }
}
