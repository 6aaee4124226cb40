import type { Access } from './endpoints.ts';
import { createRandom, hash } from './random.ts';

const GROUPS = [
  'Cloudflare Tunnel',
  'Cloudflare One Connector: cloudflared',
  'Cloudflare One Connector: WARP',
  'Cloudflare One Connectors',
  'Account Settings',
  'Cloudflare One Networks',
] as const;

/** Names as the Cloudflare dashboard shows them. */
export type Permission = `${(typeof GROUPS)[number]} ${'Read' | 'Edit'}`;

export const PERMISSIONS: readonly Permission[] = GROUPS.flatMap((group): Permission[] => [
  `${group} Read`,
  `${group} Edit`,
]);

/** Any one of these gives access to the family (Cloudflare API reference, accepted permissions). */
const OPENERS: Readonly<Record<Exclude<Access['family'], 'none'>, readonly (typeof GROUPS)[number][]>> = {
  all_tunnels: ['Cloudflare Tunnel', 'Cloudflare One Connector: cloudflared', 'Cloudflare One Connectors'],
  cloudflared: ['Cloudflare Tunnel', 'Cloudflare One Connector: cloudflared', 'Cloudflare One Connectors'],
  warp: ['Cloudflare One Connector: WARP', 'Cloudflare One Connectors'],
  routes: ['Cloudflare One Networks', 'Cloudflare Tunnel'],
};

export interface TokenSpec {
  readonly value: string;
  /** Who owns it. Default: user. */
  readonly owner?: 'user' | 'account';
  /**
   * The owner, if it is a user's token: tokens of one user share a rate limit. Default: the same
   * user for all.
   */
  readonly user?: string;
  /** Default: active. */
  readonly status?: 'active' | 'disabled' | 'expired';
  /** Default: every account. */
  readonly accounts?: readonly string[];
  /** The code that refuses other accounts; both were observed. Default: 9109. */
  readonly foreignCode?: 9109 | 10000;
  /** Accounts that it can list but not read. Default: none. */
  readonly refusedIn?: readonly string[];
  /** Default: all. */
  readonly permissions?: readonly Permission[];
  /** If given, lists silently contain these tunnels only. */
  readonly tunnels?: readonly string[];
  /** Milliseconds since the epoch. */
  readonly expiresAt?: number;
  readonly notBefore?: number;
}

export interface Token extends TokenSpec {
  /** 32 hexadecimal digits, derived from the value; safe to show. */
  readonly id: string;
  /** The rate limit that counts its requests: the user's, or its own if an account owns it. Safe to show. */
  readonly countsFor: string;
  readonly reaches: (accountId: string) => boolean;
}

export interface Tokens {
  readonly add: (spec: TokenSpec) => Token;
  /** Changes its permissions or status, from the next request on. */
  readonly change: (value: string, change: Partial<Omit<TokenSpec, 'value'>>) => void;
  /** Revokes it: the API no longer knows the value. */
  readonly revoke: (value: string) => void;
  readonly find: (value: string) => Token | undefined;
}

export function createTokens(specs: readonly TokenSpec[] = []): Tokens {
  const tokens = new Map<string, Token>();
  const add = (spec: TokenSpec): Token => {
    const id = createRandom(hash(spec.value)).hex(32);
    const accounts = spec.accounts && new Set(spec.accounts);
    const token = {
      ...spec,
      id,
      countsFor: spec.owner === 'account' ? `token ${id}` : `user ${spec.user ?? 'one'}`,
      reaches: (accountId: string) => accounts?.has(accountId) ?? true,
    };
    tokens.set(spec.value, token);
    return token;
  };
  for (const spec of specs) add(spec);
  return {
    add,
    change: (value, change) => {
      const token = tokens.get(value);
      if (token === undefined) throw new Error('Cannot change token: it is not known');
      add({ ...token, ...change });
    },
    revoke: (value) => {
      tokens.delete(value);
    },
    find: (value) => tokens.get(value),
  };
}

export function tokenStatus(token: Token, now: number): 'active' | 'disabled' | 'expired' {
  if (token.expiresAt !== undefined && now >= token.expiresAt) return 'expired';
  return token.status ?? 'active';
}

/** Whether the token can be used at all. */
export function isUsable(token: Token, now: number): boolean {
  return tokenStatus(token, now) === 'active' && (token.notBefore === undefined || now >= token.notBefore);
}

/**
 * Without Account Settings, `GET /accounts` succeeds with an empty list (field reports,
 * cloudflare-go#725).
 */
export function seesAccounts({ permissions }: Token): boolean {
  return permissions?.some((permission) => permission.startsWith('Account Settings ')) ?? true;
}

/** Edit implies Read. */
export function permits(token: Token, access: Access): boolean {
  if (access.family === 'none' || token.permissions === undefined) return true;
  const { permissions } = token;
  return OPENERS[access.family].some(
    (group) =>
      permissions.includes(`${group} Edit`) ||
      (access.level === 'Read' && permissions.includes(`${group} Read`)),
  );
}
