import type { ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ApiResponse } from './envelope.ts';

/** Sends an answer, complete or as its fault requires. Ends early if the client disconnects. */
export async function deliver(response: ApiResponse, to: ServerResponse): Promise<void> {
  const { status, headers, delivery } = response;
  const body = Buffer.from(response.body);
  if (response.delayMs > 0) await sleep(response.delayMs, undefined, { ref: false });
  if (to.destroyed) return;

  switch (delivery.kind) {
    case 'whole':
      to.writeHead(status, { ...headers, 'Content-Length': body.length }).end(body);
      return;
    case 'silence':
      return;
    case 'cut':
      to.writeHead(status, { ...headers, 'Content-Length': body.length });
      to.flushHeaders();
      to.write(body.subarray(0, delivery.bytes), () => to.socket?.destroySoon());
      return;
    case 'reset':
      if (delivery.afterBytes === undefined) {
        to.socket?.resetAndDestroy();
        return;
      }
      to.writeHead(status, { ...headers, 'Content-Length': body.length });
      to.write(body.subarray(0, delivery.afterBytes), () => to.socket?.resetAndDestroy());
      return;
    case 'drip':
      to.writeHead(status, headers);
      await drip(body, { to, ...delivery });
      return;
    case 'huge':
      to.writeHead(status, headers);
      await pour(delivery.bytes, to);
  }
}

interface Drip {
  readonly to: ServerResponse;
  readonly bytes: number;
  readonly everyMs: number;
}

async function drip(body: Buffer, { to, bytes, everyMs }: Drip): Promise<void> {
  for (let sent = 0; !to.destroyed; sent += bytes) {
    const rest = body.subarray(sent, sent + bytes);
    to.write(rest.length > 0 ? rest : ' ');
    await sleep(everyMs, undefined, { ref: false });
  }
}

const CHUNK = Buffer.alloc(65_536, 'x');

/** Sends valid JSON with one very long message. */
async function pour(bytes: number, to: ServerResponse): Promise<void> {
  to.write('{"success":true,"errors":[],"result":[],"messages":["');
  for (let sent = 0; sent < bytes && !to.destroyed; sent += CHUNK.length) {
    if (!to.write(CHUNK)) await drained(to);
  }
  to.end('"]}');
}

async function drained(to: ServerResponse): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const done = (): void => {
    to.off('drain', done);
    to.off('close', done);
    resolve();
  };
  to.once('drain', done);
  to.once('close', done);
  return promise;
}
