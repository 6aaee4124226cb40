import type { Parsed } from './kinds.ts';

/** Larger than any token file; Cloudflare's tokens have some 40 characters. */
export const MAX_TOKEN_BYTES = 64 * 1024;

/**
 * Returns the API token in what a variable or a file holds, without the white space around it. The one validator: at the start,
 * and whenever a token file is read again. Problems say what is wrong and never what was there.
 */
export function parseToken(text: string): Parsed<string> {
  if (text.length > MAX_TOKEN_BYTES) return { ok: false, problem: 'is too large to hold an API token alone' };
  const token = text.trim();
  if (token === '') return { ok: false, problem: 'is empty; put the API token there' };
  if (/^bearer\b/i.test(token)) {
    return { ok: false, problem: 'begins with "Bearer"; give the API token alone' };
  }
  if (/^eyJ[A-Za-z0-9+/=]{40,}$/.test(token)) {
    return {
      ok: false,
      problem:
        'is a tunnel token, what cloudflared runs with; an API token is needed, from dash.cloudflare.com/profile/api-tokens',
    };
  }
  if (!/^[\x21-\x7e]+$/.test(token)) {
    return {
      ok: false,
      problem: 'holds white space, control or non-ASCII characters inside; give the API token alone',
    };
  }
  return { ok: true, value: token };
}
