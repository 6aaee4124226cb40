import type { Change } from './events.ts';
import { nameOfAccount, firstFew, formatSpan } from './event-text.ts';

/** Until when Cloudflare refuses the requests of one token, or of several that share a budget. */
export interface Block {
  readonly accounts: readonly { readonly id: string; readonly name: string }[];
  /** `undefined` while it does not. */
  readonly until: number | undefined;
}

/** Budgets that are blocked and were not; one that is blocked for longer than it was is not news. */
export function blockEvents(
  before: readonly Block[],
  after: readonly Block[],
  now: number,
): readonly Change[] {
  // By account: which tokens share a budget can become known while they are blocked.
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
        kind: 'token_blocked' as const,
        severity: 'error' as const,
        at: now,
        accountId: only?.id,
        accountName: only?.name ?? '',
        tunnelId: undefined,
        tunnelName: undefined,
        from: undefined,
        to: new Date(until).toISOString(),
        message: `Cloudflare refuses the requests of the token of ${names} for ${formatSpan(until - now)}: too many were sent`,
        affected: [],
        affectedCount: 0,
        lastConnectors: undefined,
        lastObservedAt: undefined,
      },
    ];
  });
}
