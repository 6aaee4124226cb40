import type { Client } from '../../src/cloudflare/client.ts';
import { createRequestLoop } from '../../src/poller/loop.ts';
import { createSnapshotStore, type SnapshotStore } from '../../src/poller/store.ts';
import { aConfig } from './config.ts';
import { aToken } from './fake-client.ts';

export interface VirtualPollingOptions {
  readonly accountIds: readonly string[];
  /** Of the one token that all accounts share. */
  readonly client: Client;
  readonly now: () => number;
  readonly pollIntervalMs: number;
  readonly staleAfterMs: number;
}

/**
 * The exporter's loop and snapshot in virtual time, driven as the poller drives them in the
 * machine's.
 */
export interface VirtualPolling {
  readonly store: SnapshotStore;
  /** Sends the requests that are due now. Call it every second. */
  readonly step: () => Promise<void>;
}

export function createVirtualPolling(options: VirtualPollingOptions): VirtualPolling {
  const { accountIds, client, now, pollIntervalMs, staleAfterMs } = options;
  const accounts = accountIds.map((id) => ({ id, name: '' }));
  const store = createSnapshotStore({ accounts, staleAfterMs, clock: now, onChange: () => undefined });
  const { tunnels, cloudflare } = aConfig({});
  const loop = createRequestLoop(
    { tokens: [{ accounts, token: aToken(), client }] },
    {
      store,
      clock: now,
      concurrency: cloudflare.concurrency,
      pollIntervalMs,
      staleAfterMs,
      tunnels,
      onError: (error) => {
        throw error;
      },
    },
  );
  const { signal } = new AbortController();
  const start = now();
  let nextStep = Infinity;
  return {
    store,
    step: async () => {
      if ((now() - start) % pollIntervalMs === 0) await loop.poll(signal);
      else if (now() >= nextStep) await loop.step(signal);
      else return;
      nextStep = loop.unsent() > 0 ? now() + loop.nextStepMs() : Infinity;
    },
  };
}
