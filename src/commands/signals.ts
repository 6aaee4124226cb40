/** Ctrl-C under npm arrives twice: from the terminal, and forwarded by npm a moment later. */
const SAME_KEYPRESS_MS = 100;

/** Resolves with the first SIGTERM or SIGINT; a second one ends the process at once. */
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
  /** From now on `reload` is called with each SIGHUP, and at once where one came before. */
  readonly obey: (reload: () => void) => void;
}

/** From now on a SIGHUP does not end the process. */
export function onReloadSignal(): ReloadSignal {
  let early = false;
  let reload = (): void => {
    early = true;
  };
  process.on('SIGHUP', () => reload());
  return {
    obey: (wanted) => {
      reload = wanted;
      if (early) wanted();
    },
  };
}
