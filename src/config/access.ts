import type {
  BudgetGroupName,
  DeclaredTunnel,
  ListedAccount,
  ListedToken,
  Report,
  TokenFile,
} from './accounts.ts';
import type { ExpectedTunnel } from '../core/expected.ts';
import { isOfShard, type Shard } from '../core/shard.ts';
import type { AccountConfig, DiscoveryConfig, TokenConfig, TokenSource } from './config.ts';
import { discoveringTokens, excludedAccounts, withAccountsOfTokens } from './discovering.ts';
import { quote, quotePath } from './quote.ts';
import { readText } from './files.ts';
import type { ReadFile } from './files.ts';
import type { Setting } from './setting.ts';
import { SETTINGS } from './settings.ts';
import type { OwnTunnel } from './sidecar.ts';
import type { Settled } from './sources.ts';
import { parseToken } from './api-token.ts';

/** Which accounts to ask, where, and with which tokens. */
export interface Access {
  readonly accounts: readonly AccountConfig[];
  readonly discovery: DiscoveryConfig | undefined;
  readonly apiUrl: string;
  readonly expectedTunnels: readonly ExpectedTunnel[];
}

export interface AccessInput {
  readonly get: <T>(setting: Setting<T>) => Settled<T>;
  /** Whether a flag, variable or key is given at all, be it wrong. */
  readonly isGiven: (setting: Setting<unknown>) => boolean;
  readonly listed: readonly ListedAccount[];
  readonly tokens: readonly ListedToken[];
  readonly declared: readonly DeclaredTunnel[];
  /** Whether the file, where there is one, could be read; what is missing may stand there otherwise. */
  readonly isComplete: boolean;
  /** What cloudflared's own token names, where there is one: its account is then the only one. */
  readonly ownTunnel: OwnTunnel | undefined;
  readonly shard: Shard;
  readonly readFile: ReadFile;
  readonly report: Report;
  readonly secret: (value: string) => void;
}

/** The accounts with their tokens, every token file read once to see that it serves. */
export function readAccess(input: AccessInput): Access {
  const { get, isGiven, tokens, isComplete, report, shard } = input;
  const apiUrl = get(SETTINGS.apiUrl).value;
  const listed = withAccountsOfTokens(input);
  const { accounts: all, onlyBy } = accountsToPoll({ ...input, listed });
  const namesAccounts = [SETTINGS.accountIds, SETTINGS.tunnelToken, SETTINGS.tunnelTokenFile].some(isGiven);
  const tokenIsGiven = isGiven(SETTINGS.apiToken) || isGiven(SETTINGS.apiTokenFile);
  const shared = sharedToken(input);
  const discovering = discoveringTokens(tokens, { onlyBy, report });
  const sharedDiscovers = all.length === 0 && tokens.length === 0 && !namesAccounts;

  // Without a token of their own they are watched with the one that lists them.
  const isOnlyNamed = ({ tokenFile }: ListedAccount): boolean =>
    discovering.length > 0 && tokenFile === undefined && !tokenIsGiven;
  const named = all.filter((account) => !isOnlyNamed(account));
  const polled = named.filter(({ id }) => isOfShard(id, shard));
  const isDiscovering = discovering.length > 0 || sharedDiscovers;

  if (!isDiscovering && all.length > 0 && polled.length === 0) {
    report.warning(
      `shard ${shard.index} of ${shard.total} has none of the ${all.length === 1 ? 'one account' : `${all.length} accounts`}, and watches nothing`,
    );
  }

  const groups = budgetGroupsOf([...all, ...discovering], report);
  const checked = new Set<string>();
  const tokenOf = (tokenFile: TokenFile | undefined): readonly TokenConfig[] => {
    if (tokenFile && !checked.has(tokenFile.path)) checkTokenFile(tokenFile, input);
    if (tokenFile) checked.add(tokenFile.path);
    const token = tokenFile ? ({ kind: 'file', path: tokenFile.path } as const) : shared;
    return token ? [{ token, budgetGroup: groups.get(tokenFile?.path)?.name }] : [];
  };
  const accounts = polled.flatMap(({ id, name, tokenFile }) =>
    tokenOf(tokenFile).map((access): AccountConfig => ({ id, name, ...access })),
  );
  const [first, ...others] = sharedDiscovers
    ? tokenOf(undefined)
    : discovering.flatMap(({ tokenFile }) => tokenOf(tokenFile));

  const without = polled.filter(({ tokenFile }) => !tokenFile).map(({ id }) => quote(id));
  if (!tokenIsGiven && isComplete && (without.length > 0 || (all.length === 0 && discovering.length === 0))) {
    const whose = without.length < polled.length ? `; ${without.join(', ')} has no api_token_file` : '';
    report.problem(
      `cloudflare.api-token (not set): set CLOUDFLARE_API_TOKEN, or name its file by --cloudflare.api-token-file or CLOUDFLARE_API_TOKEN_FILE${whose}`,
    );
  }
  if (tokenIsGiven && discovering.length > 0 && named.every(({ tokenFile }) => tokenFile !== undefined)) {
    const { location } = isGiven(SETTINGS.apiTokenFile) ? get(SETTINGS.apiTokenFile) : get(SETTINGS.apiToken);
    report.warning(`${location}: not used, as the file lists tokens and no account needs this one`);
  }

  const exclude = excludedAccounts(input, { named, isDiscovering });
  return {
    accounts,
    discovery: first && {
      tokens: [first, ...others],
      exclude,
      names: all.filter(({ name }) => name !== '').map(({ id, name }) => ({ id, name })),
    },
    apiUrl,
    expectedTunnels: expectedTunnelsOf({ ...input, listed }, { all, polled, isDiscovering, exclude }),
  };
}

/** By path of the token file; undefined for the token of all accounts. One token spends one budget. */
function budgetGroupsOf(
  users: readonly Pick<ListedAccount, 'tokenFile' | 'budgetGroup'>[],
  report: Report,
): ReadonlyMap<string | undefined, BudgetGroupName> {
  const groups = new Map<string | undefined, BudgetGroupName>();
  for (const { tokenFile, budgetGroup } of users) {
    if (budgetGroup === undefined) continue;
    const known = groups.get(tokenFile?.path) ?? budgetGroup;
    groups.set(tokenFile?.path, known);
    if (known.name === budgetGroup.name) continue;
    report.problem(
      `${budgetGroup.location}: ${quote(budgetGroup.name)} contradicts ${quote(known.name)} in ${known.location}; accounts with the same token have one budget group`,
    );
  }
  return groups;
}

interface WatchedScope {
  readonly all: readonly ListedAccount[];
  readonly polled: readonly ListedAccount[];
  readonly isDiscovering: boolean;
  readonly exclude: readonly string[];
}

function expectedTunnelsOf(
  { get, listed, declared, report, ownTunnel, shard }: AccessInput,
  { all, polled, isDiscovering, exclude }: WatchedScope,
): readonly ExpectedTunnel[] {
  const isPolled = new Set(polled.map(({ id }) => id));
  const isKnown = new Set([...listed, ...all].map(({ id }) => id));
  return declared.flatMap(({ location, expected }) => {
    const { accountId } = expected;
    if (ownTunnel !== undefined) {
      report.warning(`${location}: ignored, as only the tunnel of ${ownTunnel.location} is watched`);
      return [];
    }
    if (accountId === undefined) {
      if (shard.total === 1) return [expected];
      report.problem(`${location}: needs an account_id, as no shard sees all accounts`);
      return [];
    }
    if (isPolled.has(accountId)) return [expected];
    if (isDiscovering) {
      if (exclude.includes(accountId)) {
        const { location: excludedAt } = get(SETTINGS.excludedAccountIds);
        report.problem(
          `${location}: account ${quote(accountId)} is not watched, as ${excludedAt} excludes it`,
        );
      }
      return isOfShard(accountId, shard) ? [expected] : [];
    }
    if (!isKnown.has(accountId) && all.length > 0) {
      report.problem(`${location}: account ${quote(accountId)} is not one of the accounts watched`);
    }
    return [];
  });
}

interface AccountsToPoll {
  readonly accounts: readonly ListedAccount[];
  /** What names them, where that leaves out others. */
  readonly onlyBy: string | undefined;
}

/** Ids from a flag or variable win over every account of the file, whose names and tokens they still use. */
function accountsToPoll(input: AccessInput): AccountsToPoll {
  const { listed, report } = input;
  const { value: ids, from, location } = accountIdsOf(input);
  const byId = new Map(listed.map((account) => [account.id, account]));
  const named = ids.map(
    (id) => byId.get(id) ?? { id, name: '', tokenFile: undefined, budgetGroup: undefined, location },
  );
  if (from === 'file' || from === undefined) {
    const accounts = [...new Map([...listed, ...named].map((a) => [a.id, a])).values()];
    return { accounts, onlyBy: undefined };
  }
  for (const account of listed.filter(({ id }) => !ids.includes(id))) {
    report.warning(
      `${account.location}: account ${quote(account.id)} is not watched, as ${location} names the accounts`,
    );
  }
  return { accounts: named, onlyBy: location };
}

/** The account of cloudflared's own token, which others must not contradict, counts like one given by a flag. */
function accountIdsOf({ get, report, ownTunnel }: AccessInput): Settled<readonly string[]> {
  const given = get(SETTINGS.accountIds);
  if (ownTunnel === undefined) return given;
  const { accountId, location } = ownTunnel;
  const others = given.value.filter((id) => id !== accountId);
  if (others.length > 0) {
    report.problem(
      `${given.location}: ${others.map(quote).join(', ')} is not the account of ${location}, ${quote(accountId)}; leave one of the two out`,
    );
  }
  return { value: [accountId], from: 'flag', location };
}

function sharedToken(input: AccessInput): TokenSource | undefined {
  const token = input.get(SETTINGS.apiToken);
  const file = input.get(SETTINGS.apiTokenFile);
  if (input.isGiven(SETTINGS.apiToken) && file.value !== undefined) {
    const location = token.from === undefined ? 'CLOUDFLARE_API_TOKEN (environment)' : token.location;
    input.report.problem(`${location} and ${file.location}: both give a token; keep one`);
  }
  if (file.value !== undefined) {
    checkTokenFile({ path: file.value, location: file.location }, input);
    return { kind: 'file', path: file.value };
  }
  return token.value === undefined ? undefined : { kind: 'value', value: token.value };
}

function checkTokenFile(
  { path, location }: { readonly path: string; readonly location: string },
  { readFile, report, secret }: AccessInput,
): void {
  const text = readText(path, readFile);
  if (!text.ok) {
    report.problem(`${location}: ${text.problem}`);
    return;
  }
  secret(text.value.trim());
  const token = parseToken(text.value);
  if (!token.ok) report.problem(`${location}: ${quotePath(path)} ${token.problem}`);
}
