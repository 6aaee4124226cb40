import type { Parsed } from './kinds.ts';

/**
 * The API token in what a variable or a file held: white space around it dropped. Problems say what is wrong and never
 * what was there. Used again whenever a token file is read anew.
 */
export function parseToken(text: string): Parsed<string> {
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
