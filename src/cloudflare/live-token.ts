import type { TokenSource } from '../config/config.ts';
import { readErrorReason } from '../config/files.ts';
import { MAX_TOKEN_BYTES, parseToken } from '../config/api-token.ts';
import { files } from '../config/files.ts';

export interface TokenRefresh {
  /** The token is another one than before: what it was refused may be tried again at once. */
  readonly changed: boolean;
  /** What is wrong with the source, for the log; the token in use is kept. Undefined where all is well. */
  readonly problem: string | undefined;
}

/** An API token that can be replaced while we run. */
export interface LiveToken {
  /** `undefined` where there never was a usable one: `problem` then says why. A secret. */
  readonly current: () => string | undefined;
  readonly problem: () => string | undefined;
  /** Reads a token file again; call it at every pass. Does nothing for a value. Never rejects. */
  readonly refresh: () => Promise<TokenRefresh>;
}

export interface TokenOptions {
  /** Default: a regular file, with a deadline. */
  readonly readFile?: (path: string, maxBytes: number) => Promise<string>;
}

/**
 * Opens a token source. Where a token file is missing, not readable in time, or holds what is no API token, as in the middle of a
 * swap, the last good token stays in use.
 */
export async function openLiveToken(
  source: TokenSource,
  { readFile = files.read }: TokenOptions = {},
): Promise<LiveToken> {
  let current: string | undefined;
  let problem: string | undefined;

  const accept = (text: string, where: string): TokenRefresh => {
    const parsed = parseToken(text);
    problem = parsed.ok ? undefined : `${where} ${parsed.problem}`;
    const changed = parsed.ok && parsed.value !== current;
    if (changed) current = parsed.value;
    return { changed, problem };
  };

  const refresh = async (): Promise<TokenRefresh> => {
    if (source.kind === 'value') return { changed: false, problem };
    const where = `API token file ${source.path}`;
    try {
      return accept(await readFile(source.path, MAX_TOKEN_BYTES), where);
    } catch (error) {
      problem = `${where} cannot be read: ${readErrorReason(error)}`;
      return { changed: false, problem };
    }
  };

  if (source.kind === 'value') accept(source.value, 'the API token');
  else await refresh();
  return { current: () => current, problem: () => problem, refresh };
}
