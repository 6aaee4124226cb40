import type { RequestLoop } from '../../src/poller/loop.ts';

/** Drives a request loop through virtual time, as the poller drives it through the machine's. */
export interface VirtualPolling {
  /** What is due at this moment. Call it with every second. */
  readonly at: (now: number) => Promise<void>;
}

export function createVirtualPolling(
  loop: RequestLoop,
  { start, pollIntervalMs }: { readonly start: number; readonly pollIntervalMs: number },
): VirtualPolling {
  const { signal } = new AbortController();
  let nextStep = Infinity;
  return {
    at: async (now) => {
      if ((now - start) % pollIntervalMs === 0) await loop.poll(signal);
      else if (now >= nextStep) await loop.step(signal);
      else return;
      nextStep = loop.left() > 0 ? now + loop.nextStepMs() : Infinity;
    },
  };
}
