import type { ExpectedTunnel } from '../core/expected.ts';
import type { ConfigFile, Entry } from './config-file.ts';
import * as kinds from './kinds.ts';
import type { Kind } from './kinds.ts';
import { quote, quotePath } from './quote.ts';
import type { Report } from './resolve.ts';
import { readOne, type Given } from './setting.ts';

/** A value, and what names it in a problem. */
interface Located<T> {
  readonly value: T;
  readonly location: string;
}

/** The token of an account, and whose request budget it spends. */
interface AccessFields {
  /** A path. */
  readonly tokenFile: Located<string> | undefined;
  readonly budgetGroup: Located<string> | undefined;
}

/** An entry of `accounts`. */
export interface AccountEntry extends AccessFields {
  readonly id: string;
  readonly name: string;
  readonly location: string;
}

/** An entry of `tokens`. */
export interface TokenEntry extends AccessFields {
  readonly tokenFile: Located<string>;
  /** The ids of the accounts that it is for; `undefined`: those that it can list. */
  readonly accounts: readonly Located<string>[] | undefined;
  readonly location: string;
}

/** The lists of the configuration file, validated. */
export interface FileLists {
  readonly accounts: readonly AccountEntry[];
  readonly tokens: readonly TokenEntry[];
  readonly expectedTunnels: readonly Located<ExpectedTunnel>[];
  /** Whether all of the file could be read. If not, what seems missing can be in the rest. */
  readonly isWhole: boolean;
}

export function parseLists(file: ConfigFile, report: Report): FileLists {
  return {
    accounts: parseAccounts(file.accounts, report),
    tokens: parseTokens(file.tokens, report),
    expectedTunnels: parseExpectedTunnels(file.expectedTunnels, report),
    isWhole: file.isWhole,
  };
}

function parseAccounts(entries: readonly Entry[], report: Report): readonly AccountEntry[] {
  const accounts = new Map<string, AccountEntry>();
  for (const { location, fields } of entries) {
    const field = fieldParser(fields, report);
    const id = field('id', kinds.accountId)?.value;
    const name = field('name', kinds.text)?.value ?? '';
    const tokenFile = field('api_token_file', kinds.path);
    const budgetGroup = field('budget_group', kinds.groupName);
    if (!fields.has('id')) report.problem(`${location}: needs an id`);
    if (id === undefined) continue;
    if (accounts.has(id)) report.problem(`${location}: account ${quote(id)} is listed twice`);
    accounts.set(id, { id, name, tokenFile, budgetGroup, location });
  }
  return [...accounts.values()];
}

function parseTokens(entries: readonly Entry[], report: Report): readonly TokenEntry[] {
  const tokens = new Map<string, TokenEntry>();
  for (const { location, fields } of entries) {
    const field = fieldParser(fields, report);
    const tokenFile = field('api_token_file', kinds.path);
    const budgetGroup = field('budget_group', kinds.groupName);
    const accounts = fields.get('accounts')?.flatMap((given) =>
      // One id, or a comma list.
      given.text.split(',').flatMap((text) => parseField({ ...given, text }, kinds.accountId, report) ?? []),
    );
    if (!fields.has('api_token_file')) report.problem(`${location}: needs an api_token_file`);
    if (tokenFile === undefined) continue;
    if (tokens.has(tokenFile.value))
      report.problem(`${tokenFile.location}: ${quotePath(tokenFile.value)} is listed twice`);
    else tokens.set(tokenFile.value, { tokenFile, budgetGroup, accounts, location });
  }
  return [...tokens.values()];
}

function parseExpectedTunnels(entries: readonly Entry[], report: Report): readonly Located<ExpectedTunnel>[] {
  const expected = new Map<string, Located<ExpectedTunnel>>();
  for (const { location, fields } of entries) {
    const field = fieldParser(fields, report);
    const accountId = field('account_id', kinds.accountId)?.value;
    const name = field('name', kinds.text)?.value;
    const id = field('id', kinds.tunnelId)?.value;
    const minConnectors = field('min_connectors', MIN_CONNECTORS)?.value;
    if (fields.has('name') === fields.has('id')) report.problem(`${location}: needs either a name or an id`);
    const tunnel = name ?? id;
    if (tunnel === undefined) continue;
    const key = JSON.stringify([accountId, tunnel]);
    if (expected.has(key)) report.problem(`${location}: tunnel ${quote(tunnel)} is declared twice`);
    expected.set(key, { value: { accountId, tunnel, minConnectors }, location });
  }
  return [...expected.values()];
}

const MIN_CONNECTORS = kinds.count({ min: 1, max: 10_000 });

function fieldParser(fields: Entry['fields'], report: Report) {
  return <T>(name: string, kind: Kind<T>): Located<T> | undefined => {
    const [given] = fields.get(name) ?? [];
    return given && parseField(given, kind, report);
  };
}

function parseField<T>(given: Given, kind: Kind<T>, report: Report): Located<T> | undefined {
  const { value, problems, warnings } = readOne(kind, given);
  problems.forEach((line) => report.problem(line));
  warnings.forEach((line) => report.warning(line));
  return value === undefined ? undefined : { value, location: given.location };
}
