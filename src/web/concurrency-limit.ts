export interface ConcurrencyLimit {
  /**
   * Resolves to true when the request may proceed. It then holds its slot until `ended` aborts.
   * Resolves to false if too many requests wait already, or if `ended` aborts first.
   */
  readonly acquire: (ended: AbortSignal) => Promise<boolean>;
  /** Number of requests that hold a slot. */
  readonly running: () => number;
}

export interface LimitOptions {
  readonly maxRunning: number;
  /** Waiting requests proceed in the order in which they came. */
  readonly maxWaiting: number;
}

export function createConcurrencyLimit({ maxRunning, maxWaiting }: LimitOptions): ConcurrencyLimit {
  const queue = new Set<() => void>();
  let running = 0;

  const hold = (ended: AbortSignal): void => {
    running += 1;
    const release = (): void => {
      running -= 1;
      const [next] = queue;
      next?.();
    };
    ended.addEventListener('abort', release, { once: true });
  };

  return {
    running: () => running,
    async acquire(ended) {
      if (ended.aborted) return false;
      if (running < maxRunning) {
        hold(ended);
        return true;
      }
      if (queue.size >= maxWaiting) return false;
      const { promise, resolve } = Promise.withResolvers<boolean>();
      const leave = (): void => {
        queue.delete(start);
        resolve(false);
      };
      const start = (): void => {
        queue.delete(start);
        ended.removeEventListener('abort', leave);
        hold(ended);
        resolve(true);
      };
      queue.add(start);
      ended.addEventListener('abort', leave, { once: true });
      return promise;
    },
  };
}
