import { connectionKey } from '../cloudflare/transport.ts';
import { createTransport, type Transport } from '../cloudflare/transport.ts';
import type { Config } from '../config/config.ts';

/** The connections to the API, shared by all tokens. */
export interface SharedConnections {
  /** Those for these settings; the same as before where the settings are. */
  readonly under: (config: Config['cloudflare']) => Transport;
  /** Closes those that `under` did not return last. Nothing may be in flight there. */
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
 * The most requests in flight of all tokens together, and so the most connections. An answer takes about 0.3 s, so this
 * allows about 400 requests a second: twice what Cloudflare takes from one address.
 */
export const MAX_IN_FLIGHT = 128;

/**
 * How many requests each token may have in flight. Every token has a share of its own, so that a token whose requests
 * hang holds up no other.
 */
export const concurrencyOfEach = (tokens: number, concurrency: number): number =>
  Math.max(1, Math.min(concurrency, Math.floor(MAX_IN_FLIGHT / Math.max(1, tokens))));
