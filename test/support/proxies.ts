import { createServer, type IncomingMessage } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { connect, createServer as createTcpServer, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { listen } from '../cloudflare/support.ts';

/** A name that only the proxy knows, and no name server. */
export const API_NAME = 'api.example.test';

export interface TestProxy {
  /** `127.0.0.1:port`. */
  readonly address: string;
  /** `host:port` of each tunnel that was asked for. */
  readonly targets: readonly string[];
}

export interface ProxyOptions {
  /** Port on loopback where API_NAME is. */
  readonly apiPort: number;
  /** The `user:password` that it requires. Default: none. */
  readonly credentials?: string;
  /** Serves TLS with these. Default: plain HTTP. */
  readonly tls?: { readonly key: string; readonly cert: string };
}

/** A proxy for CONNECT on loopback, until the test ends. It knows API_NAME and nothing else. */
export async function aConnectProxy({ apiPort, credentials, tls }: ProxyOptions): Promise<TestProxy> {
  const targets: string[] = [];
  const server = tls === undefined ? createServer() : createTlsServer(tls);
  const wanted = credentials && `Basic ${Buffer.from(credentials).toString('base64')}`;
  server.on('connect', ({ url = '', headers }: IncomingMessage, socket: Duplex) => {
    targets.push(url);
    socket.on('error', () => undefined);
    if (wanted !== undefined && headers['proxy-authorization'] !== wanted) refuse(socket, 407);
    else if (!url.startsWith(`${API_NAME}:`)) refuse(socket, 502);
    else tunnel(socket, apiPort);
  });
  return { address: `127.0.0.1:${await listen(server)}`, targets };
}

/** A proxy that answers every CONNECT with this status and a page for people. */
export async function aRefusingProxy(status: number): Promise<string> {
  const server = createServer();
  server.on('connect', (_request, socket: Duplex) => {
    socket.on('error', () => undefined);
    refuse(socket, status);
  });
  return `127.0.0.1:${await listen(server)}`;
}

/** Accepts connections and answers each with these bytes, if any. */
export async function aStrangeServer(bytes: string): Promise<string> {
  const server = createTcpServer((socket) => {
    socket.on('error', () => undefined);
    if (bytes !== '') socket.once('data', () => socket.end(bytes));
  });
  return `127.0.0.1:${await listen(server)}`;
}

function refuse(socket: Duplex, status: number): void {
  const page = '<html><title>Blocked by policy</title></html>';
  socket.end(
    `HTTP/1.1 ${status} No\r\nContent-Type: text/html\r\nContent-Length: ${page.length}\r\n\r\n${page}`,
  );
}

function tunnel(
  socket: Duplex,
  port: number,
  greeting = 'HTTP/1.1 200 Connection established\r\n\r\n',
): void {
  const beyond = connect(port, '127.0.0.1', () => {
    socket.write(Buffer.from(greeting, 'latin1'));
    beyond.pipe(socket);
    socket.pipe(beyond);
  });
  beyond.on('error', () => socket.destroy());
  socket.on('close', () => beyond.destroy());
}

/** A SOCKS5 answer: the version, the result, and an empty address. */
const socksReply = (code: number): string => String.fromCodePoint(5, code, 0, 1, 0, 0, 0, 0, 0, 0);

/**
 * A SOCKS5 proxy on loopback (RFC 1928 and 1929), until the test ends. It knows API_NAME and
 * nothing else.
 */
export async function aSocksProxy({ apiPort, credentials }: ProxyOptions): Promise<TestProxy> {
  const targets: string[] = [];
  const server = createTcpServer((socket: Socket) => {
    socket.on('error', () => undefined);
    const connectTo = (): void =>
      void socket.once('data', (asked: Buffer) => {
        // Version, command, reserved, address type 3 (a name), its length, the name.
        const length = asked[4] ?? 0;
        const name = asked[3] === 3 ? asked.subarray(5, 5 + length).toString() : '';
        targets.push(`${name}:${asked.readUInt16BE(5 + length)}`);
        if (name === API_NAME) tunnel(socket, apiPort, socksReply(0));
        else socket.end(Buffer.from(socksReply(2), 'latin1'));
      });
    socket.once('data', () => {
      if (credentials === undefined) {
        socket.write(Buffer.from([5, 0]));
        connectTo();
        return;
      }
      socket.write(Buffer.from([5, 2]));
      socket.once('data', (given: Buffer) => {
        const user = given.subarray(2, 2 + (given[1] ?? 0)).toString();
        const password = given.subarray(3 + user.length).toString();
        const isRight = `${user}:${password}` === credentials;
        socket.write(Buffer.from([1, isRight ? 0 : 1]));
        if (isRight) connectTo();
      });
    });
  });
  return { address: `127.0.0.1:${await listen(server)}`, targets };
}
