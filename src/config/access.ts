import type { ExpectedTunnel } from '../core/expected.ts';
import { isOfShard, type Shard } from '../core/discovery.ts';
import type { AccountEntry, FileLists, TokenEntry } from './accounts.ts';
import { parseToken } from './api-token.ts';
import type { AccountConfig, DiscoveryConfig, TokenConfig, TokenSource } from './config.ts';
import { readText } from './files.ts';
import { quote, quotePath } from './quote.ts';
import type { Context, Report } from './resolve.ts';
import type { OwnTunnel } from './tunnel-token.ts';

/** The accounts to watch, with their tokens, and the API that has them. */
export interface Access {
  readonly accounts: readonly AccountConfig[];
  readonly discovery: DiscoveryConfig | undefined;
  readonly apiUrl: string;
  readonly expectedTunnels: readonly ExpectedTunnel[];
}

export interface Scope {
  /** The tunnel of cloudflared's own token: its account is then the only one. */
  readonly ownTunnel: OwnTunnel | undefined;
  readonly shard: Shard;
}

/** Returns the accounts with their tokens. Reads every token file once, to validate it. */
export function accessOf(lists: FileLists, scope: Scope, context: Context): Access {
  const { settings, report } = context;
  const { shard } = scope;
  const entries = withAccountsOfTokens(lists, report);
  const { accounts: all, onlyBy } = accountsToWatch(entries, scope, context);
  const hasDefaultToken = settings.apiToken.isGiven || settings.apiTokenFile.isGiven;
  const discovering = discoveringTokens(lists.tokens, onlyBy, report);
  const namesAccounts = [settings.accountIds, settings.tunnelToken, settings.tunnelTokenFile].some(
    ({ isGiven }) => isGiven,
  );
  const defaultDiscovers = all.length === 0 && lists.tokens.length === 0 && !namesAccounts;
  const isDiscovering = discovering.length > 0 || defaultDiscovers;

  // An entry without a token can name an account that a discovering token lists.
  const named = all.filter(
    ({ tokenFile }) => discovering.length === 0 || tokenFile !== undefined || hasDefaultToken,
  );
  const polled = named.filter(({ id }) => isOfShard(id, shard));
  if (!isDiscovering && all.length > 0 && polled.length === 0) {
    report.warning(
      `shard ${shard.index} of ${shard.total} has none of the ${all.length === 1 ? 'one account' : `${all.length} accounts`}, and watches nothing`,
    );
  }

  checkDefaultToken({ all, named, polled, discovering, isWhole: lists.isWhole }, context);
  const tokenOf = tokenReader(budgetGroupsOf([...all, ...discovering], report), context);
  const accounts = polled.flatMap((entry) =>
    tokenOf(entry).map((token): AccountConfig => ({ id: entry.id, name: entry.name, ...token })),
  );
  const [first, ...others] = defaultDiscovers ? tokenOf(DEFAULT) : discovering.flatMap(tokenOf);

  const exclude = excludedAccounts(named, isDiscovering, context);
  return {
    accounts,
    discovery: first && {
      tokens: [first, ...others],
      exclude,
      names: all.filter(({ name }) => name !== '').map(({ id, name }) => ({ id, name })),
    },
    apiUrl: settings.apiUrl.value,
    expectedTunnels: expectedTunnelsOf(
      lists,
      { ...scope, entries, all, polled, isDiscovering, exclude },
      context,
    ),
  };
}

/** Returns the entries of `accounts`, and entries for the accounts that `tokens` are for. */
function withAccountsOfTokens(lists: FileLists, report: Report): readonly AccountEntry[] {
  const entries = new Map(lists.accounts.map((entry) => [entry.id, entry]));
  for (const { tokenFile, budgetGroup, accounts = [] } of lists.tokens) {
    for (const { value: id, location } of accounts) {
      const known = entries.get(id) ?? bareEntry(id, location);
      if (known.tokenFile === undefined)
        entries.set(id, { ...known, tokenFile, budgetGroup: budgetGroup ?? known.budgetGroup });
      else
        report.problem(
          `${location}: account ${quote(id)} already has a token from ${known.tokenFile.location}; keep one`,
        );
    }
  }
  return [...entries.values()];
}

const bareEntry = (id: string, location: string): AccountEntry => ({
  id,
  name: '',
  tokenFile: undefined,
  budgetGroup: undefined,
  location,
});

interface AccountsToWatch {
  readonly accounts: readonly AccountEntry[];
  /** The location of what names them, if they are the only ones. */
  readonly onlyBy: string | undefined;
}

/** Ids from outside the file replace the accounts of the file, but use their names and tokens. */
function accountsToWatch(
  entries: readonly AccountEntry[],
  { ownTunnel }: Scope,
  { settings: { accountIds }, report }: Context,
): AccountsToWatch {
  const ids = ownTunnel === undefined ? accountIds.value : [ownTunnel.accountId];
  const location = ownTunnel?.location ?? accountIds.location;
  const contradicting = accountIds.value.filter((id) => !ids.includes(id));
  if (ownTunnel !== undefined && contradicting.length > 0) {
    report.problem(
      `${accountIds.location}: ${contradicting.map(quote).join(', ')} is not the account of ${location}, ${quote(ownTunnel.accountId)}; remove one of the two`,
    );
  }
  const byId = new Map(entries.map((entry) => [entry.id, entry]));
  const named = ids.map((id) => byId.get(id) ?? bareEntry(id, location));
  const isFromOutside = accountIds.source === 'flag' || accountIds.source === 'environment';
  if (ownTunnel === undefined && !isFromOutside) {
    const accounts = [...new Map([...entries, ...named].map((entry) => [entry.id, entry])).values()];
    return { accounts, onlyBy: undefined };
  }
  for (const entry of entries.filter(({ id }) => !ids.includes(id))) {
    report.warning(
      `${entry.location}: account ${quote(entry.id)} is not watched, because ${location} names the accounts`,
    );
  }
  return { accounts: named, onlyBy: location };
}

function discoveringTokens(
  tokens: readonly TokenEntry[],
  onlyBy: string | undefined,
  report: Report,
): readonly TokenEntry[] {
  const discovering = tokens.filter(({ accounts }) => accounts === undefined);
  if (onlyBy === undefined) return discovering;
  for (const { location } of discovering) {
    report.warning(
      `${location}: the accounts of this token are not looked up, because ${onlyBy} names the accounts`,
    );
  }
  return [];
}

/** Returns the ids of accounts that are not watched even if a token lists them. */
function excludedAccounts(
  named: readonly AccountEntry[],
  isDiscovering: boolean,
  { settings: { excludedAccountIds: excluded }, report }: Context,
): readonly string[] {
  for (const { id, location } of named.filter((entry) => excluded.value.includes(entry.id))) {
    report.problem(
      `${excluded.location}: account ${quote(id)} is also one to watch, by ${location}; remove one of the two`,
    );
  }
  if (!isDiscovering && excluded.isGiven)
    report.warning(`${excluded.location}: has no effect, because the accounts to watch are named`);
  return excluded.value;
}

type BudgetGroup = NonNullable<AccountEntry['budgetGroup']>;

/** By path of the token file; `undefined` for the default token. One token spends one budget. */
function budgetGroupsOf(
  entries: readonly Pick<AccountEntry, 'tokenFile' | 'budgetGroup'>[],
  report: Report,
): ReadonlyMap<string | undefined, BudgetGroup> {
  const groups = new Map<string | undefined, BudgetGroup>();
  for (const { tokenFile, budgetGroup } of entries) {
    if (budgetGroup === undefined) continue;
    const known = groups.get(tokenFile?.value) ?? budgetGroup;
    groups.set(tokenFile?.value, known);
    if (known.value === budgetGroup.value) continue;
    report.problem(
      `${budgetGroup.location}: ${quote(budgetGroup.value)} contradicts ${quote(known.value)} in ${known.location}; accounts with the same token have one budget group`,
    );
  }
  return groups;
}

interface Watched extends Scope {
  readonly entries: readonly AccountEntry[];
  readonly all: readonly AccountEntry[];
  readonly polled: readonly AccountEntry[];
  readonly isDiscovering: boolean;
  readonly exclude: readonly string[];
}

/** Returns the expected tunnels whose accounts this exporter watches, or may discover. */
function expectedTunnelsOf(
  lists: FileLists,
  { entries, all, polled, isDiscovering, exclude, ownTunnel, shard }: Watched,
  { settings, report }: Context,
): readonly ExpectedTunnel[] {
  const isPolled = new Set(polled.map(({ id }) => id));
  const isKnown = new Set([...entries, ...all].map(({ id }) => id));
  const isWatched = ({ value, location }: FileLists['expectedTunnels'][number]): boolean => {
    const { accountId } = value;
    if (ownTunnel !== undefined) {
      report.warning(`${location}: ignored, because only the tunnel of ${ownTunnel.location} is watched`);
      return false;
    }
    if (accountId === undefined) {
      if (shard.total > 1)
        report.problem(`${location}: needs an account_id, because no shard sees all accounts`);
      return shard.total === 1;
    }
    if (isPolled.has(accountId)) return true;
    if (isDiscovering && exclude.includes(accountId)) {
      const by = settings.excludedAccountIds.location;
      report.problem(`${location}: account ${quote(accountId)} is not watched, because ${by} excludes it`);
    }
    if (isDiscovering) return isOfShard(accountId, shard);
    if (!isKnown.has(accountId) && all.length > 0)
      report.problem(`${location}: account ${quote(accountId)} is not one of the accounts watched`);
    return false;
  };
  return lists.expectedTunnels.filter(isWatched).map(({ value }) => value);
}

interface TokenUsers {
  readonly all: readonly AccountEntry[];
  readonly named: readonly AccountEntry[];
  readonly polled: readonly AccountEntry[];
  readonly discovering: readonly TokenEntry[];
  readonly isWhole: boolean;
}

/** Reports that the default token is missing or not used. */
function checkDefaultToken(users: TokenUsers, { settings, report }: Context): void {
  const { all, named, polled, discovering, isWhole } = users;
  const { apiToken, apiTokenFile } = settings;
  const without = polled.filter(({ tokenFile }) => !tokenFile).map(({ id }) => quote(id));
  const isNeeded = without.length > 0 || (all.length === 0 && discovering.length === 0);
  if (!apiToken.isGiven && !apiTokenFile.isGiven) {
    if (!isWhole || !isNeeded) return;
    const whose = without.length < polled.length ? `; ${without.join(', ')} has no api_token_file` : '';
    report.problem(
      `cloudflare.api-token (not set): set CLOUDFLARE_API_TOKEN, or name its file by --cloudflare.api-token-file or CLOUDFLARE_API_TOKEN_FILE${whose}`,
    );
  } else if (discovering.length > 0 && named.every(({ tokenFile }) => tokenFile)) {
    const { location } = apiTokenFile.isGiven ? apiTokenFile : apiToken;
    report.warning(`${location}: not used, because the file lists tokens and no account needs this one`);
  }
}

type TokenUser = Pick<AccountEntry, 'tokenFile'>;
const DEFAULT: TokenUser = { tokenFile: undefined };

/** Returns a function that returns the token of an entry, if any, and validates its file once. */
function tokenReader(
  groups: ReadonlyMap<string | undefined, BudgetGroup>,
  context: Context,
): (user: TokenUser) => readonly TokenConfig[] {
  const defaultToken = defaultTokenOf(context);
  const checked = new Set<string>();
  return ({ tokenFile }) => {
    const path = tokenFile?.value;
    if (tokenFile && !checked.has(tokenFile.value))
      checkTokenFile(tokenFile.value, tokenFile.location, context);
    if (path !== undefined) checked.add(path);
    const token = path === undefined ? defaultToken : ({ kind: 'file', path } as const);
    return token ? [{ token, budgetGroup: groups.get(path)?.value }] : [];
  };
}

/** Returns the token of all accounts that have none of their own. */
function defaultTokenOf(context: Context): TokenSource | undefined {
  const { apiToken: token, apiTokenFile: file } = context.settings;
  const [tokenLocation] = token.givenAt;
  if (file.value === undefined)
    return token.value === undefined ? undefined : { kind: 'value', value: token.value };
  if (tokenLocation !== undefined)
    context.report.problem(`${tokenLocation} and ${file.location}: both give a token; keep one`);
  checkTokenFile(file.value, file.location, context);
  return { kind: 'file', path: file.value };
}

function checkTokenFile(path: string, location: string, { readFile, report }: Context): void {
  const text = readText(path, readFile);
  if (!text.ok) {
    report.problem(`${location}: ${text.problem}`);
    return;
  }
  report.secret(text.value.trim());
  const token = parseToken(text.value);
  if (!token.ok) report.problem(`${location}: ${quotePath(path)} ${token.problem}`);
}
