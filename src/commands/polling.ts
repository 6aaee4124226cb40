import { hostname } from 'node:os';
import type { Config } from '../config/config.ts';
import type { Secrets } from '../config/secrets.ts';
import type { Logger } from '../log/logger.ts';
import type { BudgetGroup } from '../poller/loop.ts';
import { createPoller } from '../poller/poller.ts';
import { offsetOf } from '../poller/schedule.ts';
import type { SnapshotStore } from '../poller/store.ts';
import type { SelfMetrics } from '../self-metrics/self-metrics.ts';
import { createCloudflared } from '../sidecar/cloudflared.ts';
import { createSidecar, type Sidecar } from '../sidecar/sidecar.ts';

export interface PollingOptions {
  readonly config: Config;
  readonly groups: readonly BudgetGroup[];
  readonly store: SnapshotStore;
  /** Wall clock, milliseconds since the epoch. */
  readonly clock: () => number;
  readonly log: Logger;
  readonly secrets: Pick<Secrets, 'add'>;
  readonly selfMetrics: Pick<SelfMetrics, 'waiting' | 'pollFinished' | 'pollSkipped'>;
}

/** The poller and the sidecar under one configuration. Other settings or tokens need a new one. */
export interface Polling {
  readonly start: () => void;
  /** One complete poll, and the sidecar's state. Resolves to whether every account answered. */
  readonly once: () => Promise<boolean>;
  readonly stop: () => Promise<void>;
}

export function createPolling(options: PollingOptions): Polling {
  const { config, selfMetrics } = options;
  const sidecar = openSidecar(options);
  const poller = createPoller({
    ...options,
    offsetMs: offsetOf(hostname(), config.poll.jitterMs),
    selfMetrics: {
      ...selfMetrics,
      pollFinished: (poll) => {
        selfMetrics.pollFinished(poll);
        void sidecar?.checkEdge();
      },
    },
  });
  return {
    start: () => {
      poller.start();
      sidecar?.start();
    },
    once: async () => {
      await sidecar?.checkCloudflared();
      const isComplete = await poller.pollOnce();
      await sidecar?.checkEdge();
      return isComplete;
    },
    stop: async () => {
      await Promise.all([poller.stop(), sidecar?.stop()]);
    },
  };
}

function openSidecar({ config, groups, store, clock, log }: PollingOptions): Sidecar | undefined {
  const client = groups.flatMap(({ tokens }) => tokens)[0]?.client;
  if (config.sidecar === undefined || client === undefined) return undefined;
  const { cloudflaredUrl, tunnel, minConnections } = config.sidecar;
  return createSidecar({
    cloudflared: createCloudflared(cloudflaredUrl),
    connector: (id, signal) => client.connector(tunnel, id, signal),
    state: () => store.current().sidecar,
    observe: store.applySidecar,
    minConnections,
    clock,
    log,
  });
}
