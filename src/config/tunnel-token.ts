import type { Parsed } from './kinds.ts';

/** The tunnel that a tunnel token is for. Its secret is not kept. */
export interface TokenTunnel {
  readonly accountId: string;
  readonly tunnelId: string;
}

/** The tunnel of cloudflared's own token, and what names the token in a problem. */
export interface OwnTunnel extends TokenTunnel {
  readonly location: string;
}

const PROBLEM =
  'is not a tunnel token, what cloudflared runs with (base64 of JSON with account and tunnel); an API token belongs in CLOUDFLARE_API_TOKEN';

/** Parses the token that cloudflared runs with. Problems never repeat the text. */
export function parseTunnelToken(text: string): Parsed<TokenTunnel> {
  const { a: accountId, t: tunnelId } = fieldsOf(text);
  if (text.trim() === '') return { ok: false, problem: 'is empty; put the tunnel token there' };
  if (!isId(accountId) || !isId(tunnelId)) return { ok: false, problem: PROBLEM };
  return { ok: true, value: { accountId, tunnelId } };
}

/** Returns what no log may show: the token as it is, and the secret in it. */
export function secretsOfTunnelToken(text: string): readonly string[] {
  const { s: secret } = fieldsOf(text);
  return [text.trim(), typeof secret === 'string' ? secret : ''].filter((value) => value !== '');
}

function fieldsOf(text: string): Readonly<Record<string, unknown>> {
  const token = text.trim();
  if (!/^[A-Za-z0-9+/_-]+={0,2}$/.test(token)) return {};
  try {
    const decoded: unknown = JSON.parse(Buffer.from(token, 'base64').toString('utf8'));
    return typeof decoded === 'object' && decoded !== null ? { ...decoded } : {};
  } catch {
    return {};
  }
}

function isId(value: unknown): value is string {
  return typeof value === 'string' && /^[A-Za-z0-9_-]{1,64}$/.test(value);
}
