import type { DeclaredTunnel, ListedAccount, Report } from './accounts.ts';
import type { ExpectedTunnel } from '../core/expected.ts';
import { isOfShard, type Shard } from '../core/shard.ts';
import type { AccountConfig, TokenSource } from './config.ts';
import { quote, quotePath } from './quote.ts';
import { readText } from './read-text.ts';
import type { ReadFile } from './read-text.ts';
import type { Setting } from './setting.ts';
import { SETTINGS } from './settings.ts';
import type { OwnTunnel } from './sidecar.ts';
import type { Settled } from './sources.ts';
import { parseToken } from './token.ts';

/** Which accounts to ask, where, and with which tokens. */
export interface Access {
  readonly accounts: readonly AccountConfig[];
  readonly apiUrl: string;
  readonly expectedTunnels: readonly ExpectedTunnel[];
}

export interface AccessInput {
  readonly get: <T>(setting: Setting<T>) => Settled<T>;
  /** Whether a flag, variable or key is given at all, be it wrong. */
  readonly isGiven: (setting: Setting<unknown>) => boolean;
  readonly listed: readonly ListedAccount[];
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
  const { get, isGiven, listed, isComplete, report, shard } = input;
  const apiUrl = get(SETTINGS.apiUrl).value;
  const all = accountsToPoll(input);
  const polled = all.filter(({ id }) => isOfShard(id, shard));
  const namesAccounts = [SETTINGS.accountIds, SETTINGS.tunnelToken, SETTINGS.tunnelTokenFile].some(isGiven);
  if (all.length === 0 && isComplete && !namesAccounts && listed.length === 0) {
    report.problem(
      'cloudflare.account-id (not set): name the account by --cloudflare.account-id, CLOUDFLARE_ACCOUNT_ID or accounts in the file',
    );
  }

  if (all.length > 0 && polled.length === 0) {
    report.warning(
      `shard ${shard.index} of ${shard.total} has none of the ${all.length === 1 ? 'one account' : `${all.length} accounts`}, and watches nothing`,
    );
  }

  const shared = sharedToken(input);
  const checked = new Set<string>();
  const groups = budgetGroupsOf(all, report);
  const accounts = polled.flatMap(({ id, name, tokenFile }): readonly AccountConfig[] => {
    if (tokenFile && !checked.has(tokenFile.path)) checkTokenFile(tokenFile, input);
    if (tokenFile) checked.add(tokenFile.path);
    const token = tokenFile ? ({ kind: 'file', path: tokenFile.path } as const) : shared;
    return token ? [{ id, name, token, budgetGroup: groups.get(tokenFile?.path)?.name }] : [];
  });
  const without = polled.filter(({ tokenFile }) => !tokenFile).map(({ id }) => quote(id));
  const tokenIsGiven = isGiven(SETTINGS.apiToken) || isGiven(SETTINGS.apiTokenFile);
  if (!tokenIsGiven && isComplete && (without.length > 0 || all.length === 0)) {
    const whose = without.length < polled.length ? `; ${without.join(', ')} has no api_token_file` : '';
    report.problem(
      `cloudflare.api-token (not set): set CLOUDFLARE_API_TOKEN, or name its file by --cloudflare.api-token-file or CLOUDFLARE_API_TOKEN_FILE${whose}`,
    );
  }

  return { accounts, apiUrl, expectedTunnels: expectedTunnelsOf(input, { all, polled }) };
}

/** By path of the token file; undefined for the token of all accounts. One token spends one budget. */
function budgetGroupsOf(
  accounts: readonly ListedAccount[],
  report: Report,
): ReadonlyMap<string | undefined, { readonly name: string; readonly at: string }> {
  const groups = new Map<string | undefined, { readonly name: string; readonly at: string }>();
  for (const { tokenFile, budgetGroup } of accounts) {
    if (budgetGroup === undefined) continue;
    const known = groups.get(tokenFile?.path) ?? budgetGroup;
    groups.set(tokenFile?.path, known);
    if (known.name === budgetGroup.name) continue;
    report.problem(
      `${budgetGroup.at}: ${quote(budgetGroup.name)} contradicts ${quote(known.name)} in ${known.at}; accounts with the same token have one budget group`,
    );
  }
  return groups;
}

function expectedTunnelsOf(
  { listed, declared, report, ownTunnel, shard }: AccessInput,
  { all, polled }: { readonly all: readonly ListedAccount[]; readonly polled: readonly ListedAccount[] },
): readonly ExpectedTunnel[] {
  const isPolled = new Set(polled.map(({ id }) => id));
  const isKnown = new Set([...listed, ...all].map(({ id }) => id));
  return declared.flatMap(({ at, expected }) => {
    const { accountId } = expected;
    if (ownTunnel !== undefined) {
      report.warning(`${at}: ignored, as only the tunnel of ${ownTunnel.at} is watched`);
      return [];
    }
    if (accountId === undefined) {
      if (shard.total === 1) return [expected];
      report.problem(`${at}: needs an account_id, as no shard sees all accounts`);
      return [];
    }
    if (isPolled.has(accountId)) return [expected];
    if (!isKnown.has(accountId) && all.length > 0) {
      report.problem(`${at}: account ${quote(accountId)} is not one of the accounts watched`);
    }
    return [];
  });
}

/** Ids from a flag or variable win over every account of the file, whose names and tokens they still use. */
function accountsToPoll(input: AccessInput): readonly ListedAccount[] {
  const { listed, report } = input;
  const { value: ids, from, at } = accountIdsOf(input);
  const byId = new Map(listed.map((account) => [account.id, account]));
  const named = ids.map(
    (id) => byId.get(id) ?? { id, name: '', tokenFile: undefined, budgetGroup: undefined, at },
  );
  if (from === 'file' || from === undefined)
    return [...new Map([...listed, ...named].map((a) => [a.id, a])).values()];
  for (const account of listed.filter(({ id }) => !ids.includes(id))) {
    report.warning(`${account.at}: account ${quote(account.id)} is not watched, as ${at} names the accounts`);
  }
  return named;
}

/** The account of cloudflared's own token, which others must not contradict, counts like one given by a flag. */
function accountIdsOf({ get, report, ownTunnel }: AccessInput): Settled<readonly string[]> {
  const given = get(SETTINGS.accountIds);
  if (ownTunnel === undefined) return given;
  const { accountId, at } = ownTunnel;
  const others = given.value.filter((id) => id !== accountId);
  if (others.length > 0) {
    report.problem(
      `${given.at}: ${others.map(quote).join(', ')} is not the account of ${at}, ${quote(accountId)}; leave one of the two out`,
    );
  }
  return { value: [accountId], from: 'flag', at };
}

function sharedToken(input: AccessInput): TokenSource | undefined {
  const token = input.get(SETTINGS.apiToken);
  const file = input.get(SETTINGS.apiTokenFile);
  if (input.isGiven(SETTINGS.apiToken) && file.value !== undefined) {
    const at = token.from === undefined ? 'CLOUDFLARE_API_TOKEN (environment)' : token.at;
    input.report.problem(`${at} and ${file.at}: both give a token; keep one`);
  }
  if (file.value !== undefined) {
    checkTokenFile({ path: file.value, at: file.at }, input);
    return { kind: 'file', path: file.value };
  }
  return token.value === undefined ? undefined : { kind: 'value', value: token.value };
}

function checkTokenFile(
  { path, at }: { readonly path: string; readonly at: string },
  { readFile, report, secret }: AccessInput,
): void {
  const text = readText(path, readFile);
  if (!text.ok) {
    report.problem(`${at}: ${text.problem}`);
    return;
  }
  secret(text.value.trim());
  const token = parseToken(text.value);
  if (!token.ok) report.problem(`${at}: ${quotePath(path)} ${token.problem}`);
}
