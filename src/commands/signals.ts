/** Under npm, Ctrl-C arrives twice: from the terminal, and a moment later forwarded by npm. */
const SAME_KEYPRESS_MS = 100;

/** Resolves with the first SIGTERM or SIGINT. A second one ends the process at once. */
export function onStopSignal(): Promise<string> {
  return new Promise((resolve) => {
    let first: number | undefined;
    const listen = (signal: 'SIGTERM' | 'SIGINT', number: number): void => {
      process.on(signal, () => {
        if (first === undefined) {
          first = performance.now();
          resolve(signal);
        } else if (signal === 'SIGTERM' || performance.now() - first > SAME_KEYPRESS_MS) {
          process.exit(128 + number);
        }
      });
    };
    listen('SIGTERM', 15);
    listen('SIGINT', 2);
  });
}

export interface ReloadSignal {
  /** Calls `reload` for each SIGHUP from now on, and at once if one arrived before. */
  readonly listen: (reload: () => void) => void;
}

/** Keeps SIGHUP from ending the process. */
export function onReloadSignal(): ReloadSignal {
  let early = false;
  let reload = (): void => {
    early = true;
  };
  process.on('SIGHUP', () => reload());
  return {
    listen: (callback) => {
      reload = callback;
      if (early) callback();
    },
  };
}
