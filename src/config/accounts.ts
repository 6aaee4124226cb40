import type { ExpectedTunnel } from '../core/expected.ts';
import type { Entry } from './config-file.ts';
import * as kinds from './kinds.ts';
import type { Kind } from './kinds.ts';
import { quote, quotePath } from './quote.ts';
import type { Given } from './setting.ts';

/** A token file, and what names that in a problem. */
export interface TokenFile {
  readonly path: string;
  readonly location: string;
}

/** Whose request budget a token spends, and what names that in a problem. */
export interface BudgetGroupName {
  readonly name: string;
  readonly location: string;
}

/** An account of the file's list. */
export interface ListedAccount {
  readonly id: string;
  readonly name: string;
  /** Its own. */
  readonly tokenFile: TokenFile | undefined;
  readonly budgetGroup: BudgetGroupName | undefined;
  readonly location: string;
}

/** A token of the file's list. */
export interface ListedToken {
  readonly tokenFile: TokenFile;
  readonly budgetGroup: BudgetGroupName | undefined;
  /** The accounts that it is for; `undefined`: those that it can list. */
  readonly accounts: readonly { readonly id: string; readonly location: string }[] | undefined;
  readonly location: string;
}

export interface DeclaredTunnel {
  readonly expected: ExpectedTunnel;
  readonly location: string;
}

/** Where problems and warnings go, as whole lines. */
export interface Report {
  readonly problem: (line: string) => void;
  readonly warning: (line: string) => void;
}

export function readAccounts(entries: readonly Entry[], report: Report): readonly ListedAccount[] {
  const accounts = new Map<string, ListedAccount>();
  for (const entry of entries) {
    const id = fieldOf(entry, { name: 'id', kind: kinds.accountId, report });
    const name = fieldOf(entry, { name: 'name', kind: kinds.text, report }) ?? '';
    const access = accessOf(entry, report);
    if (!entry.fields.has('id')) report.problem(`${entry.location}: needs an id`);
    if (id === undefined) continue;
    if (accounts.has(id)) report.problem(`${entry.location}: account ${quote(id)} is listed twice`);
    accounts.set(id, { id, name, ...access, location: entry.location });
  }
  return [...accounts.values()];
}

export function readTokens(entries: readonly Entry[], report: Report): readonly ListedToken[] {
  const tokens = new Map<string, ListedToken>();
  for (const entry of entries) {
    const { tokenFile, budgetGroup } = accessOf(entry, report);
    const accounts = entry.fields.get('accounts')?.flatMap((given) => accountsIn(given, report));
    if (!entry.fields.has('api_token_file')) report.problem(`${entry.location}: needs an api_token_file`);
    if (tokenFile === undefined) continue;
    if (tokens.has(tokenFile.path))
      report.problem(`${tokenFile.location}: ${quotePath(tokenFile.path)} is listed twice`);
    else tokens.set(tokenFile.path, { tokenFile, budgetGroup, accounts, location: entry.location });
  }
  return [...tokens.values()];
}

/** One id, or a comma list. */
function accountsIn(
  { text, location }: Given,
  report: Report,
): readonly { readonly id: string; readonly location: string }[] {
  return text.split(',').flatMap((part) => {
    const id = valueOf({ text: part, location }, kinds.accountId, report);
    return id === undefined ? [] : [{ id, location }];
  });
}

/** The token of an entry, and whose budget it spends. */
function accessOf(entry: Entry, report: Report): Pick<ListedAccount, 'tokenFile' | 'budgetGroup'> {
  const path = fieldOf(entry, { name: 'api_token_file', kind: kinds.path, report });
  const group = fieldOf(entry, { name: 'budget_group', kind: kinds.groupName, report });
  const location = (field: string): string => entry.fields.get(field)?.[0]?.location ?? entry.location;
  return {
    tokenFile: path === undefined ? undefined : { path, location: location('api_token_file') },
    budgetGroup: group === undefined ? undefined : { name: group, location: location('budget_group') },
  };
}

export function readExpectedTunnels(entries: readonly Entry[], report: Report): readonly DeclaredTunnel[] {
  const declared = new Map<string, DeclaredTunnel>();
  for (const entry of entries) {
    const accountId = fieldOf(entry, { name: 'account_id', kind: kinds.accountId, report });
    const name = fieldOf(entry, { name: 'name', kind: kinds.text, report });
    const id = fieldOf(entry, { name: 'id', kind: kinds.tunnelId, report });
    const minConnectors = fieldOf(entry, {
      name: 'min_connectors',
      kind: kinds.count({ min: 1, max: 10_000 }),
      report,
    });
    if (entry.fields.has('name') === entry.fields.has('id')) {
      report.problem(`${entry.location}: needs either a name or an id`);
    }
    const tunnel = name ?? id;
    if (tunnel === undefined) continue;
    const key = JSON.stringify([accountId, tunnel]);
    if (declared.has(key)) report.problem(`${entry.location}: tunnel ${quote(tunnel)} is declared twice`);
    declared.set(key, { expected: { accountId, tunnel, minConnectors }, location: entry.location });
  }
  return [...declared.values()];
}

function fieldOf<T>(
  entry: Entry,
  { name, kind, report }: { readonly name: string; readonly kind: Kind<T>; readonly report: Report },
): T | undefined {
  const given = entry.fields.get(name)?.[0];
  return given && valueOf(given, kind, report);
}

function valueOf<T>({ text, location }: Given, kind: Kind<T>, report: Report): T | undefined {
  const parsed: ReturnType<Kind<T>['parse']> =
    text.trim() === '' ? { ok: false, problem: 'is empty' } : kind.parse(text);
  if (!parsed.ok) {
    report.problem(`${location}: ${parsed.problem}`);
    return undefined;
  }
  if (parsed.warning !== undefined) report.warning(`${location}: ${parsed.warning}`);
  return parsed.value;
}
