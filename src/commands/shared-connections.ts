import { connectionKey } from '../cloudflare/transport.ts';
import { createTransport, type Transport } from '../cloudflare/transport.ts';
import type { Config } from '../config/config.ts';

/** Connections to the API, shared by all tokens. */
export interface SharedConnections {
  /** The connections for these settings; the same for equal settings. */
  readonly under: (config: Config['cloudflare']) => Transport;
  /** Closes all but those that `under` returned last. Nothing may be in flight there. */
  readonly closeUnused: () => Promise<void>;
  readonly close: () => Promise<void>;
}

export function createSharedConnections(version: string): SharedConnections {
  const open = new Map<string, Transport>();
  let current: string | undefined;

  const closeAllBut = async (kept: string | undefined): Promise<void> => {
    const unused = [...open].filter(([key]) => key !== kept);
    for (const [key] of unused) open.delete(key);
    await Promise.all(unused.map(([, transport]) => transport.close()));
  };

  return {
    under: (config) => {
      current = connectionKey(config);
      const transport = open.get(current) ?? createTransport({ config, version });
      open.set(current, transport);
      return transport;
    },
    closeUnused: () => closeAllBut(current),
    close: () => closeAllBut(undefined),
  };
}

/**
 * Limit of requests in flight of all tokens, and thereby of connections. An answer takes about 0.3
 * s, so this allows about 400 requests a second: twice what Cloudflare accepts from one address.
 */
export const MAX_IN_FLIGHT = 128;

/**
 * Limit of requests in flight per token. Each token has its own, so that hanging requests of one do
 * not delay another.
 */
export const concurrencyPerToken = (tokens: number, concurrency: number): number =>
  Math.max(1, Math.min(concurrency, Math.floor(MAX_IN_FLIGHT / Math.max(1, tokens))));
