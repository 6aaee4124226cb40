import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { onTestFinished } from 'vitest';

/** What the /ready of a cloudflared says. */
export interface Readiness {
  readonly readyConnections: number;
  readonly connectorId: string;
}

export interface FakeCloudflared {
  readonly url: string;
  readonly says: (readiness: Readiness) => void;
  /** How often it was asked. */
  readonly asked: () => number;
  /** The process ends. */
  readonly end: () => Promise<void>;
  /** It runs again, at the same address. */
  readonly restart: () => Promise<void>;
}

/** The metrics server of a cloudflared on loopback, which answers as the real one does; over when the test is. */
export async function fakeCloudflared(initial: Readiness): Promise<FakeCloudflared> {
  let readiness = initial;
  let asked = 0;
  const answer: RequestListener = ({ url }, response) => {
    asked += 1;
    if (url !== '/ready') {
      response.writeHead(404).end('404 page not found\n');
      return;
    }
    const status = readiness.readyConnections > 0 ? 200 : 503;
    response.writeHead(status).end(JSON.stringify({ status, ...readiness }));
  };
  const first = await listen(answer, 0);
  let end = first.close;
  return {
    url: `http://127.0.0.1:${first.port}`,
    says: (next) => {
      readiness = next;
    },
    asked: () => asked,
    end: () => end(),
    restart: async () => {
      ({ close: end } = await listen(answer, first.port));
    },
  };
}

/** A server on loopback until it is closed or the test ends. */
export async function listen(
  listener: RequestListener,
  port = 0,
): Promise<{ readonly port: number; readonly close: () => Promise<void> }> {
  const server = createServer(listener);
  await new Promise<void>((resolve) => {
    server.listen(port, '127.0.0.1', resolve);
  });
  const close = async (): Promise<void> => {
    server.closeAllConnections();
    await new Promise<unknown>((resolve) => server.close(resolve));
  };
  onTestFinished(close);
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- it listens on TCP
  return { port: (server.address() as AddressInfo).port, close };
}
