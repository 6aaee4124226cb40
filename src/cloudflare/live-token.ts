import type { TokenSource } from '../config/config.ts';
import { readErrorReason } from '../config/files.ts';
import { MAX_TOKEN_BYTES, parseToken } from '../config/api-token.ts';
import { files } from '../config/files.ts';

export interface TokenRefresh {
  /** The token is a different one: requests that were refused may be retried at once. */
  readonly changed: boolean;
  /** Why the source cannot be used, if so, for the log; the current token is kept. */
  readonly problem: string | undefined;
}

/** An API token whose file may change while the exporter runs. */
export interface LiveToken {
  /** A secret. Undefined if there never was a usable token; `problem` then says why. */
  readonly current: () => string | undefined;
  readonly problem: () => string | undefined;
  /** Reads the token file again; does nothing for a value. Never rejects. */
  readonly refresh: () => Promise<TokenRefresh>;
}

export interface TokenOptions {
  /** Default: reads a regular file, with a deadline. */
  readonly readFile?: (path: string, maxBytes: number) => Promise<string>;
}

/**
 * Opens a token source. If a token file is missing, not readable in time, or does not hold an API
 * token, for example during a rotation, the last good token stays in use.
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

export interface TokenRefreshOptions {
  readonly log: Readonly<Record<'warn' | 'info', (message: string) => void>>;
  /** Receives every new token before it is used, so that the log can redact it. */
  readonly secrets: { readonly add: (value: string, owner: LiveToken) => void };
}

/**
 * Returns a function that reads every token file again and resolves to whether a token was replaced. Logs replaced
 * tokens, and each problem with a file once.
 */
export function createTokenRefresh(
  tokens: readonly LiveToken[],
  { log, secrets }: TokenRefreshOptions,
): () => Promise<boolean> {
  const problems = new Map<LiveToken, string | undefined>();

  const refreshOne = async (token: LiveToken): Promise<boolean> => {
    const { changed, problem } = await token.refresh();
    const current = token.current();
    if (changed && current !== undefined) secrets.add(current, token);
    if (problem !== undefined && problem !== problems.get(token))
      log.warn(`${problem}; the previous token stays in use`);
    problems.set(token, problem);
    if (changed) log.info('API token replaced from its file');
    return changed;
  };

  return async () => (await Promise.all(tokens.map(refreshOne))).includes(true);
}
