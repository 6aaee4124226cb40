import type { LiveToken } from '../cloudflare/live-token.ts';
import type { Logger } from '../log/logger.ts';

export interface TokenWatch {
  /** Reads every token file again; whether one of them holds another token than before. */
  readonly refresh: () => Promise<boolean>;
}

export interface TokenWatchOptions {
  readonly log: Pick<Logger, 'warn' | 'info'>;
  /** Told of every token that a file gives, before it is used. */
  readonly secrets: { readonly add: (value: string, owner: LiveToken) => void };
}

/** Tells of replaced tokens and of files that cannot be read; of each problem once, not at every look. */
export function createTokenWatch(
  tokens: readonly LiveToken[],
  { log, secrets }: TokenWatchOptions,
): TokenWatch {
  const problems = new Map<LiveToken, string | undefined>();

  const refreshOne = async (token: LiveToken): Promise<boolean> => {
    const { changed, problem } = await token.refresh();
    const current = token.current();
    if (changed && current !== undefined) secrets.add(current, token);
    if (problem !== undefined && problem !== problems.get(token)) {
      log.warn(`${problem}; the token read before stays in use`);
    }
    problems.set(token, problem);
    if (changed) log.info('API token replaced from its file');
    return changed;
  };

  return {
    refresh: async () => {
      const changes = await Promise.all(tokens.map(refreshOne));
      return changes.includes(true);
    },
  };
}
