import type { Parsed } from './kinds.ts';

/** Larger than any token file; Cloudflare's tokens have some 40 characters. */
export const MAX_TOKEN_BYTES = 64 * 1024;

/**
 * Parses the API token in a variable or file, without the white space around it. Used at the start,
 * and whenever a token file is read again. Problems never repeat the text.
 */
export function parseToken(text: string): Parsed<string> {
  if (text.length > MAX_TOKEN_BYTES) return { ok: false, problem: 'is too large to hold an API token alone' };
  const token = text.trim();
  const mistake = MISTAKES.find(({ looks }) => looks.test(token));
  return mistake === undefined ? { ok: true, value: token } : { ok: false, problem: mistake.problem };
}

const CREATE = 'dash.cloudflare.com/profile/api-tokens';

/**
 * What users give instead of an API token. Cloudflare documents the formats under "Token formats".
 */
const MISTAKES: readonly { readonly looks: RegExp; readonly problem: string }[] = [
  { looks: /^$/, problem: 'is empty; put the API token there' },
  { looks: /^\uFFFD\uFFFD/, problem: 'is not text in UTF-8; save it as UTF-8, with the API token alone' },
  { looks: /^bearer\b/i, problem: 'begins with "Bearer"; give the API token alone' },
  {
    looks: /^["'`\u201C\u2018]|["'`\u201D\u2019]$/,
    problem: 'has quotes around it, which belong to the value here; give the API token alone',
  },
  {
    looks: /^(?:export\s+)?[A-Za-z_]+=[^=]/,
    problem: 'begins with the name of a variable; give the API token alone',
  },
  {
    looks: /(?:^|\s)eyJ[A-Za-z0-9+/=]{40,}$/,
    problem: `is a tunnel token, what cloudflared runs with; an API token is needed, from ${CREATE}`,
  },
  {
    // Old API tokens have 40 characters of the whole alphabet, new ones begin with cfut_ or cfat_.
    looks: /^(?:cfk_\S*|[0-9a-f]{37,45})$/,
    problem: `is a global API key, which has all permissions and is not accepted; create an API token with Cloudflare Tunnel Read at ${CREATE}`,
  },
  {
    looks: /[^\x21-\x7e]/,
    problem: 'holds white space, control or non-ASCII characters inside; give the API token alone',
  },
];
