/** Lets at most a number of requests in at once. */
export interface Gate {
  /** Whether there was room. A request that got in leaves when `over` aborts. */
  readonly enter: (over: AbortSignal) => boolean;
  /** How many are in. */
  readonly inside: () => number;
}

export function createGate(limit: number): Gate {
  let inside = 0;
  return {
    enter(over) {
      if (over.aborted || inside >= limit) return false;
      inside += 1;
      over.addEventListener('abort', () => (inside -= 1), { once: true });
      return true;
    },
    inside: () => inside,
  };
}
