export interface LinkedSignal {
  readonly signal: AbortSignal;
  /** Removes the listeners from the sources, which may live as long as the process. */
  readonly unlink: () => void;
}

/** Aborts with the first source. Unlike with AbortSignal.any, unlinking leaves nothing behind. */
export function linkSignals(sources: readonly (AbortSignal | undefined)[]): LinkedSignal {
  const controller = new AbortController();
  const abort = (): void => controller.abort();
  for (const source of sources) {
    if (source?.aborted === true) abort();
    source?.addEventListener('abort', abort, { once: true });
  }
  return {
    signal: controller.signal,
    unlink: () => {
      for (const source of sources) source?.removeEventListener('abort', abort);
    },
  };
}
