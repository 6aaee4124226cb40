/** Lets at most a number of requests go on at once; a further number waits in line. */
export interface Limiter {
  /**
   * Resolves to true when it is the request's turn, and to false if too many wait already or the request is over. A request whose
   * turn it is leaves when `over` aborts.
   */
  readonly enter: (over: AbortSignal) => Promise<boolean>;
}

export function createLimiter({
  atOnce,
  waiting,
}: {
  readonly atOnce: number;
  readonly waiting: number;
}): Limiter {
  const line = new Set<() => void>();
  let inside = 0;

  const goIn = (over: AbortSignal): void => {
    inside += 1;
    over.addEventListener(
      'abort',
      () => {
        inside -= 1;
        const [next] = line;
        next?.();
      },
      { once: true },
    );
  };

  return {
    async enter(over) {
      if (over.aborted) return false;
      if (inside < atOnce) {
        goIn(over);
        return true;
      }
      if (line.size >= waiting) return false;
      const { promise, resolve } = Promise.withResolvers<boolean>();
      const leave = (): void => {
        line.delete(next);
        resolve(false);
      };
      const next = (): void => {
        line.delete(next);
        over.removeEventListener('abort', leave);
        goIn(over);
        resolve(true);
      };
      line.add(next);
      over.addEventListener('abort', leave, { once: true });
      return promise;
    },
  };
}
