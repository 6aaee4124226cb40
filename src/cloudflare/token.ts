import { readFile } from 'node:fs/promises';
import type { TokenSource } from '../config/config.ts';

export interface TokenRefresh {
  /** The token is another one than before: what it was refused may be tried again at once. */
  readonly changed: boolean;
  /** What is wrong with the source, for the log; the token in use is kept. Undefined where all is well. */
  readonly problem: string | undefined;
}

/** An API token that can be replaced while we run. */
export interface Token {
  /** `undefined` where there never was a usable one: `problem` then says why. A secret. */
  readonly current: () => string | undefined;
  readonly problem: () => string | undefined;
  /** Reads a token file again; call it at every pass. Does nothing for a value. Never rejects. */
  readonly refresh: () => Promise<TokenRefresh>;
}

/** What an HTTP header can carry; Cloudflare's tokens are letters, digits, `-` and `_`. */
const SENDABLE = /^[\x21-\x7e]+$/;

/**
 * Opens a token source. A token file is trimmed (trailing newline); where it is missing, empty or unusable, as in the
 * middle of a swap, the last good token stays in use.
 */
export async function createToken(source: TokenSource): Promise<Token> {
  let current: string | undefined;
  let problem: string | undefined;

  const accept = (text: string, where: string): TokenRefresh => {
    const candidate = text.trim();
    if (candidate === '') problem = `${where} is empty`;
    else if (!SENDABLE.test(candidate))
      problem = `${where} holds a space, a line break or another character that no token has: give the token alone, without "Bearer"`;
    else problem = undefined;
    const changed = problem === undefined && candidate !== current;
    if (changed) current = candidate;
    return { changed, problem };
  };

  const refresh = async (): Promise<TokenRefresh> => {
    if (source.kind === 'value') return { changed: false, problem };
    const where = `API token file ${source.path}`;
    try {
      return accept(await readFile(source.path, 'utf8'), where);
    } catch (error) {
      problem = `${where} cannot be read (${error instanceof Error && 'code' in error ? String(error.code) : 'unknown error'})`;
      return { changed: false, problem };
    }
  };

  if (source.kind === 'value') accept(source.value, 'the API token');
  else await refresh();
  return { current: () => current, problem: () => problem, refresh };
}
