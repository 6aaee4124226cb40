import { aboutAccount, aboutTunnel, type Change, NO_DETAILS } from './events.ts';
import { firstFew, formatSpan, nameOfAccount } from './event-text.ts';
import { type ExpectedTunnel, isKnownPresent } from './expected.ts';
import type { KnownTunnelType } from './model.ts';
import type { AccountState, Snapshot } from './snapshot.ts';
import { tunnelChanges, tunnelCreated, tunnelDeleted } from './tunnel-events.ts';

export interface EventContext {
  readonly expected: readonly ExpectedTunnel[];
  /** The tunnel types asked for. */
  readonly types: readonly KnownTunnelType[];
}

/**
 * What changed between two consecutive snapshots, in order. Compares with what was known before,
 * stale or not: a failed list, or data that was stale and returned, is no change. Neither is a
 * first observation.
 */
export function eventsBetween(
  before: Snapshot,
  after: Snapshot,
  { expected, types }: EventContext,
): readonly Change[] {
  const changes: Change[] = [];
  for (const account of after.accounts.values()) {
    const known = before.accounts.get(account.id);
    if (known !== undefined && known !== account)
      changes.push(...accountChanges(known, account, after.takenAt));
  }
  if (expected.length > 0 && before.accounts !== after.accounts) {
    for (const declared of expected) changes.push(...expectedChanges(declared, { before, after, types }));
  }
  return changes;
}

function accountChanges(before: AccountState, after: AccountState, at: number): readonly Change[] {
  const changes: Change[] = [...lossChanges(before, after, at)];
  let created = 0;
  // A tunnel can have changed in the same step that hid it.
  for (const [id, state] of after.hidden.size === 0 ? after.tunnels : [...after.tunnels, ...after.hidden]) {
    const known = before.tunnels.get(id) ?? before.hidden.get(id);
    if (known === state) continue;
    const about = aboutTunnel(after, state, at);
    if (known !== undefined) {
      changes.push(...tunnelChanges(known, state, about));
      continue;
    }
    created += 1;
    if (before.everListed.has(state.tunnel.type)) changes.push(tunnelCreated(state, about));
  }
  const remembered = after.tunnels.size + after.hidden.size - created;
  if (remembered === before.tunnels.size + before.hidden.size) return changes;
  for (const [id, state] of [...before.tunnels, ...before.hidden]) {
    if (after.tunnels.has(id) || after.hidden.has(id)) continue;
    changes.push(tunnelDeleted(state, aboutTunnel(before, state, at)));
  }
  return changes;
}

/** Whether a list that was once complete is stale. */
function isLost({ everListed, listedAt }: AccountState): boolean {
  for (const type of everListed) if (!listedAt.has(type)) return true;
  return false;
}

function lossChanges(before: AccountState, after: AccountState, at: number): readonly Change[] {
  if (before.listedAt === after.listedAt || isLost(before) === isLost(after)) return [];
  const about = aboutAccount(after, at);
  const name = `account ${nameOfAccount(after)}`;
  if (!isLost(after)) return [about('account_recovered', 'info', { message: `${name} is listed again` })];
  const age = at - Math.min(...before.listedAt.values());
  return [
    about('account_lost', 'error', {
      message: `${name} is lost: its last complete list is ${formatSpan(age)} old, its tunnels are no longer shown`,
    }),
  ];
}

function expectedChanges(
  declared: ExpectedTunnel,
  { before, after, types }: Pick<EventContext, 'types'> & Readonly<Record<'before' | 'after', Snapshot>>,
): readonly Change[] {
  const was = isKnownPresent(before, declared, types);
  const is = isKnownPresent(after, declared, types);
  if (was === undefined || is === undefined || was === is) return [];
  const account = declared.accountId === undefined ? undefined : after.accounts.get(declared.accountId);
  return [
    {
      ...NO_DETAILS,
      kind: is ? 'expected_found' : 'expected_missing',
      severity: is ? 'info' : 'error',
      at: after.takenAt,
      accountId: declared.accountId,
      accountName: account?.name ?? '',
      tunnelId: undefined,
      tunnelName: declared.tunnel,
      message: `expected tunnel ${declared.tunnel} is ${is ? 'listed again' : 'no longer listed'}`,
    },
  ];
}

/** A request budget, and until when Cloudflare refuses its requests. */
export interface Block {
  readonly accounts: readonly { readonly id: string; readonly name: string }[];
  /** Undefined while Cloudflare does not refuse them. */
  readonly until: number | undefined;
}

/** One change for each budget that is blocked and was not before. A longer block is no change. */
export function blockEvents(
  before: readonly Block[],
  after: readonly Block[],
  now: number,
): readonly Change[] {
  // Compared by account, because tokens can turn out to share a budget while they are blocked.
  const blocked = new Set(
    before.flatMap(({ accounts, until }) => (until === undefined ? [] : accounts.map(({ id }) => id))),
  );
  return after.flatMap(({ accounts, until }) => {
    if (until === undefined || until <= now || accounts.some(({ id }) => blocked.has(id))) return [];
    const [first, second] = accounts;
    const only = second === undefined ? first : undefined;
    const names = firstFew(accounts.map(nameOfAccount), 3);
    return [
      {
        ...NO_DETAILS,
        kind: 'token_blocked' as const,
        severity: 'error' as const,
        at: now,
        accountId: only?.id,
        accountName: only?.name ?? '',
        tunnelId: undefined,
        tunnelName: undefined,
        to: new Date(until).toISOString(),
        message: `Cloudflare refuses the requests of the token of ${names} for ${formatSpan(until - now)}: too many were sent`,
      },
    ];
  });
}
