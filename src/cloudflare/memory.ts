import type { LiveToken } from './live-token.ts';

/** What was learned about accounts with one token; forgotten after a while, and when the token changes. */
export interface TokenMemory<T> {
  readonly get: (accountId: string) => T | undefined;
  readonly set: (accountId: string, value: T) => void;
}

export interface TokenMemoryOptions {
  readonly monotonic: () => number;
  readonly keepMs: number;
}

export function createTokenMemory<T>(
  token: LiveToken,
  { monotonic, keepMs }: TokenMemoryOptions,
): TokenMemory<T> {
  const learned = new Map<string, { readonly value: T; readonly until: number }>();
  let learnedWith = token.current();
  const forgetForNewToken = (): void => {
    if (token.current() !== learnedWith) learned.clear();
    learnedWith = token.current();
  };
  return {
    get: (accountId) => {
      forgetForNewToken();
      const known = learned.get(accountId);
      return known !== undefined && monotonic() < known.until ? known.value : undefined;
    },
    set: (accountId, value) => {
      forgetForNewToken();
      learned.set(accountId, { value, until: monotonic() + keepMs });
    },
  };
}
