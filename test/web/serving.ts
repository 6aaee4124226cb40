import { request } from 'node:http';
import type { IncomingHttpHeaders } from 'node:http';
import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { onTestFinished } from 'vitest';
import type { Config } from '../../src/config/config.ts';
import { NO_EVENTS } from '../../src/core/events.ts';
import type { MetricsPage } from '../../src/exposition/page.ts';
import { createWebServer } from '../../src/web/server.ts';
import type { WebServer, WebServerOptions } from '../../src/web/server.ts';
import { NOW } from '../support/snapshots.ts';
import { aCalmFleet } from './sample-fleets.ts';

export interface Logged {
  readonly details: object;
  readonly message: string;
}

export interface Serving {
  readonly server: WebServer;
  readonly url: string;
  readonly logged: readonly Logged[];
}

export function aPage(...chunks: readonly string[]): MetricsPage {
  return {
    body: ({ format, gzip }) =>
      Promise.resolve({
        contentType: `fake/${format}${gzip ? '+gzip' : ''}`,
        length: Buffer.byteLength(chunks.join('')),
        chunks: chunks.map((chunk) => Buffer.from(chunk)),
      }),
  };
}

export type ServingOptions = Partial<Omit<WebServerOptions, 'config'>> & {
  readonly config?: Partial<Config['web']>;
};

/** A web server that does not listen yet. It is closed when the test ends. */
export function aWebServer(options: ServingOptions = {}): { server: WebServer; logged: readonly Logged[] } {
  const logged: Logged[] = [];
  const noted = (details: object, message: string): void => void logged.push({ details, message });
  const server = createWebServer({
    page: aPage('metric 1\n'),
    snapshot: aCalmFleet,
    events: () => NO_EVENTS,
    readiness: () => ({ ready: true, reason: '' }),
    lateAfterMs: () => 120_000,
    showsOriginIps: () => false,
    clock: () => NOW,
    log: { warn: noted, error: noted },
    version: '1.2.3',
    ...options,
    config: {
      listenAddresses: [{ host: '127.0.0.1', port: 0 }],
      telemetryPath: '/metrics',
      maxRequests: 40,
      configFile: undefined,
      enableLifecycle: false,
      ...options.config,
    },
  });
  onTestFinished(() => server.close());
  return { server, logged };
}

/** A web server on a free port of the loopback interface. */
export async function serving(options: ServingOptions = {}): Promise<Serving> {
  const { server, logged } = aWebServer(options);
  await server.listen();
  return { server, url: server.addresses()[0] ?? '', logged };
}

export interface Response {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
  readonly text: string;
}

/** Sends a request without the headers that `fetch` would add. The body is not decoded. */
export function ask(
  url: string,
  {
    method = 'GET',
    headers = {},
  }: { readonly method?: string; readonly headers?: Record<string, string> } = {},
): Promise<Response> {
  return new Promise((resolve, reject) => {
    const outgoing = request(url, { method, headers, agent: false }, (incoming) => {
      buffer(incoming).then(
        (body) =>
          resolve({
            status: incoming.statusCode ?? 0,
            headers: incoming.headers,
            body,
            text: body.toString(),
          }),
        reject,
      );
    });
    outgoing.on('error', reject);
    outgoing.end();
  });
}

/** Opens a connection and sends the bytes. Nothing is read until `received` is called. */
export function connection(url: string, bytes: string | Buffer): Socket {
  const { hostname, port } = new URL(url);
  const socket = connect({ host: hostname, port: Number(port) });
  socket.on('error', () => {});
  socket.write(bytes);
  onTestFinished(() => void socket.destroy());
  return socket;
}

/** Everything that the server sends until it closes the connection. */
export async function received(socket: Socket): Promise<string> {
  const chunks: Buffer[] = [];
  socket.on('data', (chunk: Buffer) => chunks.push(chunk));
  await new Promise((resolve) => socket.once('close', resolve));
  return Buffer.concat(chunks).toString();
}
