import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { createServer } from '../node-http.ts';
import { createServer as createTlsServer } from 'node:https';
import { setTimeout as sleep } from 'node:timers/promises';
import { deliver } from './delivery.ts';
import type { ApiRequest } from './envelope.ts';
import { failure, noRoute, respond } from './envelope.ts';
import type { Simulation, SimulationOptions } from './simulation.ts';
import { createSimulation } from './simulation.ts';

/** How long Cloudflare keeps idle connections (Cloudflare docs, "Connection limits"). */
const KEEP_ALIVE_MS = 400_000;

export interface SimulatorOptions extends Omit<SimulationOptions, 'now'> {
  /** Default: the clock of the machine. */
  readonly now?: () => number;
  /** Default: 0, any free port. */
  readonly port?: number;
  /** Delay of every answer. Default: 0. */
  readonly latencyMs?: number;
  /** Interval of calls to `tick`. Default: never. */
  readonly autoTickMs?: number;
  /** How far the Date header is ahead of the machine's clock. Default: 0. */
  readonly dateOffsetMs?: number;
  /** Key and certificate chain in PEM form: serves https. Default: plain http. */
  readonly tls?: { readonly key: string; readonly cert: string };
}

/** The simulated API on loopback. */
export interface Simulator extends Simulation {
  /** Base of the API, such as `http://127.0.0.1:40123/client/v4`. */
  readonly url: string;
  /** Ends every open connection. */
  readonly close: () => Promise<void>;
}

const BASE = '/client/v4';
const MAX_BODY_BYTES = 1024 * 1024;

export async function createSimulator(options: SimulatorOptions = {}): Promise<Simulator> {
  const simulation = createSimulation({ ...options, now: options.now ?? Date.now });

  const answer = async (incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> => {
    const body = await readBody(incoming);
    if ((options.latencyMs ?? 0) > 0) await sleep(options.latencyMs, undefined, { ref: false });
    if (body === undefined) {
      await deliver(
        respond(failure(413, { code: 413, message: 'Request body is larger than 1 MB' })),
        outgoing,
      );
      return;
    }
    const request = toRequest(incoming, body);
    await deliver(
      typeof request === 'string' ? respond(noRoute(request)) : simulation.handle(request),
      outgoing,
    );
  };

  const listener: RequestListener = (incoming, outgoing) => {
    outgoing.setHeader('Date', new Date(Date.now() + (options.dateOffsetMs ?? 0)).toUTCString());
    answer(incoming, outgoing).catch(() => {
      // Usually the client has disconnected; any other error must be visible as a failed request.
      if (!outgoing.headersSent && !outgoing.destroyed) {
        outgoing.writeHead(500).end();
      } else outgoing.destroy();
    });
  };
  const server = options.tls === undefined ? createServer(listener) : createTlsServer(options.tls, listener);
  server.keepAliveTimeout = KEEP_ALIVE_MS;

  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.port ?? 0, '127.0.0.1', () => {
      server.off('error', reject);
      resolve();
    });
  });
  const address = server.address();
  if (address === null || typeof address === 'string')
    throw new Error('Cannot listen: the server has no port');

  const timer =
    options.autoTickMs === undefined ? undefined : setInterval(simulation.tick, options.autoTickMs).unref();

  return {
    ...simulation,
    url: `${options.tls === undefined ? 'http' : 'https'}://127.0.0.1:${address.port}${BASE}`,
    close: async () => {
      clearInterval(timer);
      await new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      });
    },
  };
}

/** Returns only the path if it is not below the base. */
function toRequest(incoming: IncomingMessage, body: string): ApiRequest | string {
  const { pathname, searchParams } = new URL(incoming.url ?? '/', 'http://simulator');
  if (!pathname.startsWith(`${BASE}/`)) return pathname;
  const headers = Object.fromEntries(
    Object.entries(incoming.headers).map(([name, value]) => [
      name,
      Array.isArray(value) ? value.join(', ') : value,
    ]),
  );
  return {
    method: incoming.method ?? 'GET',
    path: pathname.slice(BASE.length),
    query: searchParams,
    headers,
    body,
  };
}

async function readBody(incoming: IncomingMessage): Promise<string | undefined> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of incoming as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size <= MAX_BODY_BYTES) chunks.push(chunk);
  }
  return size > MAX_BODY_BYTES ? undefined : Buffer.concat(chunks).toString('utf8');
}
