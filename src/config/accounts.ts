import type { ExpectedTunnel } from '../core/expected.ts';
import type { Entry } from './file.ts';
import * as kinds from './kinds.ts';
import type { Kind } from './kinds.ts';
import { quote } from './quote.ts';

/** An account of the file's list. */
export interface ListedAccount {
  readonly id: string;
  readonly name: string;
  /** Path of its own token file, and what names that in a problem. */
  readonly tokenFile: { readonly path: string; readonly at: string } | undefined;
  /** Whose request budget its token spends, and what names that in a problem. */
  readonly budgetGroup: { readonly name: string; readonly at: string } | undefined;
  readonly at: string;
}

export interface DeclaredTunnel {
  readonly expected: ExpectedTunnel;
  readonly at: string;
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
    const path = fieldOf(entry, { name: 'api_token_file', kind: kinds.path, report });
    const group = fieldOf(entry, { name: 'budget_group', kind: kinds.groupName, report });
    const groupAt = entry.fields.get('budget_group')?.at ?? entry.at;
    const tokenAt = entry.fields.get('api_token_file')?.at ?? entry.at;
    if (!entry.fields.has('id')) report.problem(`${entry.at}: needs an id`);
    if (id === undefined) continue;
    if (accounts.has(id)) report.problem(`${entry.at}: account ${quote(id)} is listed twice`);
    accounts.set(id, {
      id,
      name,
      tokenFile: path === undefined ? undefined : { path, at: tokenAt },
      budgetGroup: group === undefined ? undefined : { name: group, at: groupAt },
      at: entry.at,
    });
  }
  return [...accounts.values()];
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
      report.problem(`${entry.at}: needs either a name or an id`);
    }
    const tunnel = name ?? id;
    if (tunnel === undefined) continue;
    const key = JSON.stringify([accountId, tunnel]);
    if (declared.has(key)) report.problem(`${entry.at}: tunnel ${quote(tunnel)} is declared twice`);
    declared.set(key, { expected: { accountId, tunnel, minConnectors }, at: entry.at });
  }
  return [...declared.values()];
}

function fieldOf<T>(
  entry: Entry,
  { name, kind, report }: { readonly name: string; readonly kind: Kind<T>; readonly report: Report },
): T | undefined {
  const given = entry.fields.get(name);
  if (!given) return undefined;
  const parsed: ReturnType<Kind<T>['parse']> =
    given.text.trim() === '' ? { ok: false, problem: 'is empty' } : kind.parse(given.text);
  if (!parsed.ok) {
    report.problem(`${given.at}: ${parsed.problem}`);
    return undefined;
  }
  if (parsed.warning !== undefined) report.warning(`${given.at}: ${parsed.warning}`);
  return parsed.value;
}
