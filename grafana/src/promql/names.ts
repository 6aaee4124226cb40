import { each, ofAccounts, type PerExporter } from './select.ts';

/** The first characters of an id, which are enough to tell one from another. */
const SHORT = '(.{8}).*';

/**
 * Adds `account`: the account's name, or the start of its id if it has none. Drops series of
 * unknown accounts.
 */
export function named(vector: string): string {
  return `(${vector})\n* on (account_id) group_left (account) ${accounts()}`;
}

/**
 * As `named`. Keeps series of no account, with the text `without`, and of accounts that were known
 * within the last hour. A longer range would make every selector of the same query slower, because
 * Prometheus opens the blocks of the longest for all.
 */
export function namedIfAny(vector: string, { without = 'any' }: { readonly without?: string } = {}): string {
  const info = ofAccounts('cloudflare_tunnel_account_info');
  const known = accounts(each`last_over_time(${info}[1h])`);
  const none = `label_replace(vector(1), "account", "${without}", "", "")`;
  return `(${vector})\n* on (account_id) group_left (account) (${known} or ${none})`;
}

/** Adds a label with the start of an id. */
export function shortened(vector: string, label: string, { as }: { readonly as: string }): string {
  return `label_replace(${vector}, "${as}", "$1", "${label}", "${SHORT}")`;
}

/**
 * Prometheus sorts the series of a graph by their labels: this one is the first, and has these
 * labels' values.
 */
export function inOrder(vector: string, labels: readonly string[]): string {
  return `label_join(${vector}, "_order", "/", ${labels.map((label) => `"${label}"`).join(', ')})`;
}

/**
 * One series per account, with its `account`. If exporters give an account different names, one of
 * them.
 */
export function accounts(info: PerExporter = ofAccounts('cloudflare_tunnel_account_info')): string {
  const name = `label_replace(${shortened(info.perExporter, 'account_id', { as: 'account' })}, "account", "$1", "account_name", "(.+)")`;
  return `topk by (account_id) (1, max by (account_id, account) (${name}))`;
}
