import { readFileSync } from 'node:fs';
import { expect } from 'vitest';
import type { Config } from '../../src/config/config.ts';
import { loadConfig, type LoadInput, type LoadResult } from '../../src/config/load.ts';

export const ACCOUNT = '023e105f4ecef8ad9ca31a8372d0c353';
export const OTHER_ACCOUNT = '0123456789abcdef0123456789abcdef';
export const TOKEN = 'Zt4-Vq_token-of-the-tests-0123456789abcd';

export interface Given {
  readonly argv?: readonly string[];
  readonly env?: LoadInput['env'];
  /** Files in addition to those on disk. */
  readonly files?: Readonly<Record<string, string>>;
  readonly isTerminal?: boolean;
  readonly hostName?: string;
  readonly demo?: NonNullable<LoadInput['demo']>;
}

export const TUNNEL = 'f70ff985-a4ef-4643-bbbc-4a0ed4fc8415';
export const TUNNEL_SECRET = 'bm90LXRvLWJlLXNob3duLWluLWFueS1sb2ctb3ItZXJyb3I=';

/** The token that cloudflared runs with. */
export function tunnelToken(parts: Readonly<Record<string, unknown>> = {}): string {
  const token = { a: ACCOUNT, t: TUNNEL, s: TUNNEL_SECRET, ...parts };
  return Buffer.from(JSON.stringify(token)).toString('base64');
}

export const ACCESS = { CLOUDFLARE_ACCOUNT_ID: ACCOUNT, CLOUDFLARE_API_TOKEN: TOKEN };

/** Loads only what is given. */
export function load({
  argv = [],
  env = {},
  files = {},
  isTerminal = false,
  hostName,
  demo,
}: Given): LoadResult {
  return loadConfig({
    argv,
    env,
    readFile: (path) => files[path] ?? readFileSync(path, 'utf8'),
    isTerminal,
    ...(hostName === undefined ? {} : { hostName }),
    ...(demo ? { demo } : {}),
  });
}

export function problemsOf(given: Given): readonly string[] {
  const result = load(given);
  return result.kind === 'invalid' ? result.problems : [`no problems, but ${result.kind}`];
}

export function loaded(given: Given): Extract<LoadResult, { kind: 'loaded' }> {
  const result = load(given);
  if (result.kind !== 'loaded') throw new Error(`Cannot load: ${JSON.stringify(result)}`);
  return result;
}

/** Returns the configuration of what is given, with account and token from the environment. */
export function configOf(given: Given): Config {
  return loaded({ ...given, env: { ...ACCESS, ...given.env } }).config;
}

/** Matches a regular expression with this source. */
export const pattern = (source: string): unknown => expect.objectContaining({ source });
