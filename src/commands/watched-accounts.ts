import type { AccountConfig, Config } from '../config/config.ts';
import { type AccountList, discoveredAccounts } from '../core/discovery.ts';
import { keyOfToken, nameOfToken } from './token-groups.ts';

type ListOf = (tokenKey: string) => AccountList;

/** The accounts that are named, and those that tokens can list beside them. Names that the user gives win. */
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

/** The lists of all tokens whose accounts are to be found. */
export function listsOf({ discovery }: Pick<Config, 'discovery'>, listOf: ListOf): readonly AccountList[] {
  return (discovery?.tokens ?? []).map(({ token }) => listOf(keyOfToken(token)));
}

/** What a configuration says of the accounts to watch, for the log. */
export function watchedFields({ accounts, discovery }: Pick<Config, 'accounts' | 'discovery'>) {
  return {
    accounts: accounts.map(({ id }) => id),
    ...(discovery && { accounts_of_tokens: discovery.tokens.map(({ token }) => nameOfToken(token)) }),
  };
}
