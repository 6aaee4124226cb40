import type { AccountConfig, Config, TokenConfig, TokenSource } from '../config/config.ts';

/** A token of the configuration, and what it is for. */
export interface TokenUse extends TokenConfig {
  /** The accounts that are watched with it. May be none, if it is to find them. */
  readonly accounts: readonly AccountConfig[];
  /** Whether the accounts that it can list are to be watched. */
  readonly discovers: boolean;
}

/** Every token of the configuration once: accounts whose token comes from the same place share a client. */
export function tokenUses({
  accounts,
  discovery,
}: Pick<Config, 'accounts'> & Partial<Pick<Config, 'discovery'>>): readonly TokenUse[] {
  const uses = new Map<string, TokenUse>();
  for (const account of accounts) {
    const { token, budgetGroup } = account;
    const key = keyOfToken(token);
    const others = uses.get(key)?.accounts ?? [];
    uses.set(key, { token, budgetGroup, accounts: [...others, account], discovers: false });
  }
  for (const { token, budgetGroup } of discovery?.tokens ?? []) {
    const key = keyOfToken(token);
    const own = uses.get(key)?.accounts ?? [];
    uses.set(key, { token, budgetGroup, accounts: own, discovers: true });
  }
  return [...uses.values()];
}

/** The same for the same source. May hold a secret. */
export function keyOfToken(source: TokenSource): string {
  return JSON.stringify(source);
}

/** The file or variable that a token comes from, for people; never the token. */
export function nameOfToken(source: TokenSource): string {
  return source.kind === 'file' ? source.path : 'CLOUDFLARE_API_TOKEN';
}
