import { each, ofAccounts, type PerExporter } from './select.ts';

/** The first characters of an id, which are enough to tell one from another. */
const SHORT = '(.{8}).*';

/** Adds `account`: the account's name, or the start of its id where it has none. Drops series of unknown accounts. */
export function named(vector: string): string {
  return `(${vector})\n* on (account_id) group_left (account) ${accounts()}`;
}

/** As `named`, and keeps series of no account; of accounts that were known within the time range, too. */
export function namedIfAny(vector: string): string {
  const info = ofAccounts('cloudflare_tunnel_account_info');
  const known = accounts(each`last_over_time(${info}[$__range])`);
  const none = 'label_replace(vector(1), "account", "any", "", "")';
  return `(${vector})\n* on (account_id) group_left (account) (${known} or ${none})`;
}

/** Adds a label with the start of an id. */
export function shortened(vector: string, label: string, { as }: { readonly as: string }): string {
  return `label_replace(${vector}, "${as}", "$1", "${label}", "${SHORT}")`;
}

/** One series per account, with its `account`. Where exporters give an account different names, one of them. */
export function accounts(info: PerExporter = ofAccounts('cloudflare_tunnel_account_info')): string {
  const name = `label_replace(${shortened(info.perExporter, 'account_id', { as: 'account' })}, "account", "$1", "account_name", "(.+)")`;
  return `topk by (account_id) (1, max by (account_id, account) (${name}))`;
}
