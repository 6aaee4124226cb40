import { setTimeout as sleep } from 'node:timers/promises';
import type { VerifiedToken } from '../cloudflare/client.ts';
import type { Result } from '../core/model.ts';

export type TokenOwner = VerifiedToken['owner'];

/** Decides which request budget a token spends. */
export interface TokenFacts {
  /** Identifies the token's source. May contain a secret. */
  readonly key: string;
  /** The token's source, for messages. */
  readonly name: string;
  /** A secret. */
  readonly value: string | undefined;
  readonly budgetGroup: string | undefined;
  /** As reported by Cloudflare; undefined until then. */
  readonly owner: TokenOwner | undefined;
}

export interface BudgetOwner<T> {
  /** Stable over time for one owner. May contain a secret. */
  readonly key: string;
  /** The budget group, the only token, or `user tokens`. */
  readonly name: string;
  readonly tokens: readonly [T, ...T[]];
}

/**
 * The API does not report which user owns a token, so all user tokens share a budget, and so do
 * tokens of unknown owner.
 */
export const SHARED = 'user tokens';

export const namedOwner = (budgetGroup: string): string => `group ${budgetGroup}`;

/** Groups tokens by the owner of the budget that they spend. */
export function groupByOwner<T>(
  tokens: readonly T[],
  factsOf: (token: T) => TokenFacts,
): readonly BudgetOwner<T>[] {
  const facts = new Map(tokens.map((token) => [token, factsOf(token)]));
  const all = [...facts.values()];
  const groups = Map.groupBy(facts, ([, token]) => ownerOf(token, all));
  return [...groups].flatMap(([key, members]) => {
    const [first, ...others] = members;
    if (first === undefined) return [];
    const [token, { budgetGroup, name }] = first;
    return {
      key,
      name: budgetGroup ?? (others.length === 0 ? name : SHARED),
      tokens: [token, ...others.map(([other]) => other)],
    };
  });
}

function ownerOf({ key, value, budgetGroup, owner }: TokenFacts, tokens: readonly TokenFacts[]): string {
  if (budgetGroup !== undefined) return namedOwner(budgetGroup);
  if (owner !== 'account') return SHARED;
  // The same token may be in two files.
  const same = tokens.find((other) => other.owner === 'account' && other.value === value);
  return `token ${(same ?? { key }).key}`;
}

/** A token whose owner decides about its budget. */
export interface OwnedToken {
  readonly owner: () => TokenOwner | undefined;
  readonly verify: (signal: AbortSignal) => Promise<Result<VerifiedToken>>;
  readonly learned: (owner: TokenOwner) => void;
}

export interface OwnerWatch {
  /** Verifies the tokens of unknown owner until all owners are known. Replaces the previous tokens. */
  readonly watch: (tokens: readonly OwnedToken[]) => void;
  /** Resolves when the first attempt to verify each watched token has ended. */
  readonly firstAttempt: () => Promise<void>;
  readonly stop: () => void;
}

const FIRST_PAUSE_MS = 30_000;
const LONGEST_PAUSE_MS = 600_000;

export interface OwnerWatchOptions {
  /** Called after each attempt to verify the tokens of unknown owner. */
  readonly afterAttempt: () => void;
  /** Resolves when the time has passed or the signal aborts. Default: a timer. */
  readonly pause?: (milliseconds: number, signal: AbortSignal) => Promise<void>;
}

/** Verifies tokens in the background, to learn their owners. */
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
