import type { Observation } from '../core/model.ts';
import type { Passes, PassOutcome } from './pass.ts';

/** One token's polls, and what goes on between them. */
export interface Worker {
  readonly poll: (stopped: AbortSignal) => Promise<PassOutcome>;
  readonly once: (stopped: AbortSignal) => Promise<PassOutcome>;
  /** Resolves when nothing goes on any more. */
  readonly stop: () => Promise<void>;
}

/**
 * Between two polls a worker goes on observing what the budget did not allow at once. What that brought is told with the
 * next poll.
 */
export function createWorker(passes: Passes): Worker {
  let between = new AbortController();
  let goingOn: Promise<void> = Promise.resolve();
  let told: readonly Observation[] = [];

  const goOn = async (stopped: AbortSignal): Promise<void> => {
    const { observations } = await passes.goOn({ stopped, ended: between.signal });
    told = [...told, ...observations];
  };

  return {
    poll: async (stopped) => {
      between.abort();
      between = new AbortController();
      const { observations, waiting } = await passes.poll(stopped);
      const before = told;
      told = [];
      if (waiting > 0 && !stopped.aborted)
        goingOn = Promise.all([goingOn, goOn(stopped)]).then(() => undefined);
      return { observations: [...before, ...observations], waiting };
    },
    once: (stopped) => passes.once(stopped),
    stop: async () => {
      between.abort();
      await goingOn;
    },
  };
}
