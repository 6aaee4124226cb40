import type { AccountConfig, Config, TokenConfig, TokenSource } from '../config/config.ts';
import { type AccountList, discoveredAccounts } from '../core/discovery.ts';

/** A token of the configuration, and the accounts that it is used for. */
export interface TokenUse extends TokenConfig {
  /** The accounts watched with it. Empty for a token that has not discovered any yet. */
  readonly accounts: readonly AccountConfig[];
  /** Whether the accounts that it can list are watched. */
  readonly discovers: boolean;
}

/** Returns each token of the configuration once: accounts with the same token source share a client. */
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

/** Equal for equal sources. May contain a secret. */
export function keyOfToken(source: TokenSource): string {
  return JSON.stringify(source);
}

/** The file or variable that a token comes from, for messages; never the token. */
export function nameOfToken(source: TokenSource): string {
  return source.kind === 'file' ? source.path : 'CLOUDFLARE_API_TOKEN';
}

type ListOf = (tokenKey: string) => AccountList;

/** Returns the configured and the discovered accounts. Configured names take precedence. */
export function watchedAccounts(
  { accounts, discovery, shard }: Pick<Config, 'accounts' | 'discovery' | 'shard'>,
  listOf: ListOf,
): readonly AccountConfig[] {
  if (discovery === undefined) return accounts;
  const lists = discovery.tokens.map((token) => ({ token, list: listOf(keyOfToken(token.token)) }));
  const found = discoveredAccounts(lists, { ...discovery, shard });
  const listedNames = new Map(found.map(({ id, name }) => [id, name]));
  const givenNames = new Map(discovery.names.map(({ id, name }) => [id, name]));
  const named = new Set(accounts.map(({ id }) => id));
  return [
    ...accounts.map((account) =>
      account.name === '' ? { ...account, name: listedNames.get(account.id) ?? '' } : account,
    ),
    ...found
      .filter(({ id }) => !named.has(id))
      .map(({ id, name, token }) => ({ id, name: givenNames.get(id) ?? name, ...token })),
  ];
}

/** The account lists of all tokens that discover accounts. */
export function listsOf({ discovery }: Pick<Config, 'discovery'>, listOf: ListOf): readonly AccountList[] {
  return (discovery?.tokens ?? []).map(({ token }) => listOf(keyOfToken(token)));
}

/** The log fields that describe which accounts a configuration watches. */
export function watchedFields({ accounts, discovery }: Pick<Config, 'accounts' | 'discovery'>) {
  return {
    accounts: accounts.map(({ id }) => id),
    ...(discovery && { accounts_of_tokens: discovery.tokens.map(({ token }) => nameOfToken(token)) }),
  };
}
