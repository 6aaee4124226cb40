import { firstFew } from './event-text.ts';
import type { Account, Failure, Result } from './model.ts';

/** Which part of the accounts an exporter watches. `index` is counted from 0. */
export interface Shard {
  readonly total: number;
  readonly index: number;
}

export function isOfShard(accountId: string, { total, index }: Shard): boolean {
  return shardOf(accountId, total) === index;
}

/**
 * Rendezvous hashing: the shard with the highest weight for this account. An additional shard takes
 * an equal part of the accounts of every other shard, and no account moves between those.
 */
export function shardOf(accountId: string, total: number): number {
  let best = 0;
  let highest = -1;
  for (let index = 0; index < total; index += 1) {
    const weight = hash(`${index}/${accountId}`);
    if (weight > highest) {
      best = index;
      highest = weight;
    }
  }
  return best;
}

/** FNV-1a with MurmurHash3's finalizer, so that weights of neighbouring shards differ. */
function hash(text: string): number {
  let value = 0x811c9dc5;
  for (let at = 0; at < text.length; at += 1) {
    value = Math.imul(value ^ text.charCodeAt(at), 0x01000193);
  }
  value = Math.imul(value ^ (value >>> 16), 0x85ebca6b);
  value = Math.imul(value ^ (value >>> 13), 0xc2b2ae35);
  return (value ^ (value >>> 16)) >>> 0;
}

/** The accounts that one token can list. */
export interface AccountList {
  /** The accounts to watch, by id, in the order in which they were first listed. */
  readonly accounts: ReadonlyMap<string, KnownAccount>;
  /** When a list was last complete; `undefined` before the first. */
  readonly listedAt: number | undefined;
  /** Why the last list failed; `undefined` if it was complete, and before the first. */
  readonly failure: Failure | undefined;
}

export interface KnownAccount extends Account {
  /** How many complete lists in a row did not contain it. */
  readonly missed: number;
}

export const NEVER_LISTED: AccountList = { accounts: new Map(), listedAt: undefined, failure: undefined };

/** An account that is missing from this many complete lists in a row is no longer watched. */
const LISTS_BEFORE_DROPPED = 2;

/** The accounts after one more list of the same token. A failed list changes none of them. */
export function afterList(before: AccountList, result: Result<readonly Account[]>, now: number): AccountList {
  if (!result.ok) return { ...before, failure: result.failure };
  const listed = new Map(result.value.map((account) => [account.id, account]));
  const accounts = new Map<string, KnownAccount>();
  for (const known of before.accounts.values()) {
    const account = listed.get(known.id);
    const missed = known.missed + 1;
    if (account !== undefined) accounts.set(known.id, { ...account, missed: 0 });
    else if (missed < LISTS_BEFORE_DROPPED) accounts.set(known.id, { ...known, missed });
  }
  for (const account of listed.values())
    if (!before.accounts.has(account.id)) accounts.set(account.id, { ...account, missed: 0 });
  return { accounts, listedAt: now, failure: undefined };
}

/** The accounts of a token that has not been listed yet, such as those watched before a reload. */
export function assumed(accounts: readonly Account[]): AccountList {
  const known = accounts.map((account) => [account.id, { ...account, missed: 0 }] as const);
  return { ...NEVER_LISTED, accounts: new Map(known) };
}

/** The accounts of all lists but those excluded by id, each with the first token that lists it. */
export function discoveredAccounts<Token>(
  lists: readonly { readonly token: Token; readonly list: AccountList }[],
  { exclude, shard }: { readonly exclude: readonly string[]; readonly shard: Shard },
): readonly (Account & { readonly token: Token })[] {
  const excluded = new Set(exclude);
  const accounts = new Map<string, Account & { readonly token: Token }>();
  for (const { token, list } of lists) {
    for (const { id, name } of list.accounts.values()) {
      if (accounts.has(id) || excluded.has(id) || !isOfShard(id, shard)) continue;
      accounts.set(id, { id, name, token });
    }
  }
  return [...accounts.values()];
}

export interface AccountChanges {
  readonly taken: readonly Account[];
  readonly dropped: readonly Account[];
  readonly renamed: readonly Account[];
}

export function accountChanges(before: readonly Account[], after: readonly Account[]): AccountChanges {
  const known = new Map(before.map((account) => [account.id, account]));
  const kept = new Set(after.map(({ id }) => id));
  return {
    taken: after.filter(({ id }) => !known.has(id)),
    dropped: before.filter(({ id }) => !kept.has(id)),
    renamed: after.filter(({ id, name }) => known.has(id) && known.get(id)?.name !== name),
  };
}

export function listedTwice(lists: readonly AccountList[]): readonly Account[] {
  const once = new Set<string>();
  const twice = new Map<string, Account>();
  for (const account of lists.flatMap(({ accounts }) => [...accounts.values()])) {
    if (once.has(account.id)) twice.set(account.id, account);
    once.add(account.id);
  }
  return [...twice.values()];
}

export interface DiscoveryStatus {
  /** Whether the last list of every token was complete; `undefined` before the first answers. */
  readonly success: boolean | undefined;
  /** The oldest of the last complete lists of all tokens; undefined if a token has none. */
  readonly lastSuccessAt: number | undefined;
  /** Why no account is known, if a token has never been listed. */
  readonly unknown: string | undefined;
}

export function discoveryStatus(lists: readonly AccountList[]): DiscoveryStatus {
  const isAnswered = lists.every(({ listedAt, failure }) => listedAt !== undefined || failure !== undefined);
  const never = lists.filter(({ listedAt }) => listedAt === undefined);
  const isAnyKnown = lists.some(({ accounts }) => accounts.size > 0);
  const times = lists.flatMap(({ listedAt }) => listedAt ?? []);
  return {
    success: isAnswered ? lists.every(({ failure }) => failure === undefined) : undefined,
    lastSuccessAt: never.length > 0 ? undefined : Math.min(...times),
    unknown:
      isAnyKnown || never.length === 0
        ? undefined
        : (never.find(({ failure }) => failure !== undefined)?.failure?.message ??
          'they are being listed for the first time'),
  };
}

/** Names and ids of at most ten accounts, and how many more there are. */
export function namesOf(accounts: readonly Account[]): string {
  const names = accounts.map(({ id, name }) =>
    name === '' ? id : `${name.slice(0, 100).toWellFormed()} (${id})`,
  );
  return firstFew(names, 10);
}
