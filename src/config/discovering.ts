import type { ListedAccount, ListedToken, Report } from './accounts.ts';
import { quote } from './quote.ts';
import { SETTINGS } from './settings.ts';
import type { SidecarInput } from './sidecar.ts';

interface ListedAccess {
  readonly listed: readonly ListedAccount[];
  readonly tokens: readonly ListedToken[];
  readonly report: Report;
}

/** The accounts of the file's list, and those that its tokens are for. */
export function withAccountsOfTokens({ listed, tokens, report }: ListedAccess): readonly ListedAccount[] {
  const accounts = new Map(listed.map((account) => [account.id, account]));
  for (const { tokenFile, budgetGroup, accounts: own = [] } of tokens) {
    for (const { id, location } of own) {
      const known = accounts.get(id) ?? {
        id,
        name: '',
        tokenFile: undefined,
        budgetGroup: undefined,
        location,
      };
      if (known.tokenFile === undefined)
        accounts.set(id, { ...known, tokenFile, budgetGroup: budgetGroup ?? known.budgetGroup });
      else
        report.problem(
          `${location}: account ${quote(id)} has a token by ${known.tokenFile.location} already; keep one`,
        );
    }
  }
  return [...accounts.values()];
}

/** The tokens of the file that are for all accounts that they can list. */
export function discoveringTokens(
  tokens: readonly ListedToken[],
  { onlyBy, report }: { readonly onlyBy: string | undefined; readonly report: Report },
): readonly ListedToken[] {
  const without = tokens.filter(({ accounts }) => accounts === undefined);
  if (onlyBy === undefined) return without;
  for (const { location } of without)
    report.warning(
      `${location}: the accounts of this token are not looked up, as ${onlyBy} names the accounts`,
    );
  return [];
}

/** Ids of discovered accounts that are not to be watched. */
export function excludedAccounts(
  { get, isGiven, report }: Pick<SidecarInput, 'get' | 'isGiven' | 'report'>,
  { named, isDiscovering }: { readonly named: readonly ListedAccount[]; readonly isDiscovering: boolean },
): readonly string[] {
  const { value: ids, location } = get(SETTINGS.excludedAccountIds);
  for (const account of named.filter(({ id }) => ids.includes(id))) {
    report.problem(
      `${location}: account ${quote(account.id)} is also one to watch, by ${account.location}; leave one of the two out`,
    );
  }
  if (!isDiscovering && isGiven(SETTINGS.excludedAccountIds))
    report.warning(`${location}: has no effect, as the accounts to watch are named`);
  return ids;
}
