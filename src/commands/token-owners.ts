import { setTimeout as sleep } from 'node:timers/promises';
import type { VerifiedToken } from '../cloudflare/client.ts';
import type { Result } from '../core/model.ts';

export type TokenOwner = VerifiedToken['owner'];

/** A token of which it matters who owns it. */
export interface OwnedToken {
  readonly owner: () => TokenOwner | undefined;
  readonly verify: (signal: AbortSignal) => Promise<Result<VerifiedToken>>;
  readonly learned: (owner: TokenOwner) => void;
}

export interface OwnerWatch {
  /** Verifies those of these tokens whose owner is not known, and those alone, until all are known. */
  readonly watch: (tokens: readonly OwnedToken[]) => void;
  /** Resolves when each of the watched tokens was verified once or failed to be. */
  readonly firstAttempt: () => Promise<void>;
  readonly stop: () => void;
}

const FIRST_PAUSE_MS = 30_000;
const LONGEST_PAUSE_MS = 600_000;

export interface OwnerWatchOptions {
  /** Called when each token of unknown owner was verified or failed to be. */
  readonly afterAttempt: () => void;
  /** Returns when the time has passed or the signal aborts. Default: by the machine's timer. */
  readonly pause?: (milliseconds: number, signal: AbortSignal) => Promise<void>;
}

/** Verifies tokens in the background. */
export function createOwnerWatch({ afterAttempt, pause = timerPause }: OwnerWatchOptions): OwnerWatch {
  let watching = new AbortController();
  let first: Promise<void> = Promise.resolve();

  const retry = async (tokens: readonly OwnedToken[], signal: AbortSignal): Promise<void> => {
    for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(2 * pauseMs, LONGEST_PAUSE_MS)) {
      if (signal.aborted) return;
      afterAttempt();
      const unknown = tokens.filter((token) => token.owner() === undefined);
      if (unknown.length === 0) return;
      await pause(pauseMs, signal);
      if (!signal.aborted) await attempt(unknown, signal);
    }
  };

  return {
    watch: (tokens) => {
      watching.abort();
      watching = new AbortController();
      const { signal } = watching;
      const unknown = tokens.filter((token) => token.owner() === undefined);
      if (unknown.length === 0) return;
      first = attempt(unknown, signal);
      void first.then(() => retry(unknown, signal));
    },
    firstAttempt: () => first,
    stop: () => watching.abort(),
  };
}

async function timerPause(milliseconds: number, signal: AbortSignal): Promise<void> {
  await sleep(milliseconds, undefined, { signal, ref: false }).catch(() => undefined);
}

async function attempt(tokens: readonly OwnedToken[], signal: AbortSignal): Promise<void> {
  await Promise.all(
    tokens.map(async (token) => {
      const verified = await token.verify(signal);
      if (verified.ok && !signal.aborted) token.learned(verified.value.owner);
    }),
  );
}
