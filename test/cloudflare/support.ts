import { readFileSync } from 'node:fs';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo, Server, Socket } from 'node:net';
import { expect, onTestFinished } from 'vitest';
import { createClient, type Client, type ClientOptions } from '../../src/cloudflare/client.ts';
import type { SentRequest } from '../../src/cloudflare/http.ts';
import { openLiveToken } from '../../src/cloudflare/live-token.ts';
import type { FailureReason } from '../../src/core/model.ts';
import { createSimulator, type Simulator, type SimulatorOptions } from '../../src/simulator/index.ts';

export const ACCOUNT = 'a'.repeat(32);
export const TOKEN = 'a-secret-token-of-40-characters-in-length';

export interface Recording {
  readonly path: string;
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: { readonly result: unknown };
}

/** A recorded answer of test/fixtures/cloudflare. */
export function recording(name: string): Recording {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- our own fixture
  return JSON.parse(readFileSync(`test/fixtures/cloudflare/${name}.json`, 'utf8')) as Recording;
}

/** Listens on loopback until the test ends. */
export async function listen(server: Server): Promise<number> {
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => sockets.add(socket));
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  onTestFinished(async () => {
    const closed = new Promise((resolve) => server.close(resolve));
    for (const socket of sockets) socket.destroy();
    await closed;
  });
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- it listens on TCP
  return (server.address() as AddressInfo).port;
}

/** Base of an API that answers with `listener`. */
export async function serve(listener: RequestListener): Promise<string> {
  return `http://127.0.0.1:${await listen(createServer(listener))}/client/v4`;
}

/** Matches a part of a text within a larger object. */
export const containing = (text: string): unknown => expect.stringContaining(text);

export const envelope = (result: unknown, info?: unknown): string =>
  JSON.stringify({
    success: true,
    errors: [],
    messages: [],
    result,
    ...(info === undefined ? {} : { result_info: info }),
  });

export const apiError = (code: number, message: string): string =>
  JSON.stringify({ success: false, errors: [{ code, message }], messages: [], result: null });

/** Answers everything the same way. */
export const always =
  (status: number, body: string, headers: Readonly<Record<string, string>> = {}): RequestListener =>
  (_request, response) => {
    response.writeHead(status, headers).end(body);
  };

export interface Clocks {
  wall: number;
  monotonic: number;
}

export interface TestClient {
  readonly client: Client;
  readonly clocks: Clocks;
  readonly sent: SentRequest[];
  readonly errors: FailureReason[];
  readonly retries: () => number;
}

export interface TestClientOptions extends Partial<ClientOptions['config']> {
  readonly token?: string;
}

/**
 * A client with clocks controlled by the test, without jitter: retries are immediate. Closed when
 * the test ends.
 */
export async function clientFor(apiUrl: string, options: TestClientOptions = {}): Promise<TestClient> {
  const { token = TOKEN, ...config } = options;
  const clocks: Clocks = { wall: Date.UTC(2026, 8, 29), monotonic: 0 };
  const sent: SentRequest[] = [];
  const errors: FailureReason[] = [];
  let retries = 0;
  const client = createClient({
    config: { apiUrl, requestBudget: 600, concurrency: 8, requestTimeoutMs: 5_000, ...config },
    token: await openLiveToken({ kind: 'value', value: token }),
    clock: () => clocks.wall,
    monotonic: () => clocks.monotonic,
    random: () => 0,
    version: '1.2.3',
    hooks: {
      onRequest: (request) => sent.push(request),
      onError: (reason) => errors.push(reason),
      onRetry: () => (retries += 1),
    },
  });
  onTestFinished(() => client.close());
  return { client, clocks, sent, errors, retries: () => retries };
}

/** A simulated API until the test ends. */
export async function simulate(options: SimulatorOptions = {}): Promise<Simulator> {
  const simulator = await createSimulator({ tokens: [{ value: TOKEN }], ...options });
  onTestFinished(() => simulator.close());
  return simulator;
}
