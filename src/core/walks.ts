import type { AccountState } from './snapshot.ts';

/** The most that the API gives per page (API reference), which is what lists are asked with. */
const TUNNELS_PER_PAGE = 1000;
/** Cloudflare's window, and so the unit of a budget. */
const WINDOW_MS = 300_000;

export interface WalkTimes {
  readonly now: number;
  readonly pollIntervalMs: number;
  /** Requests per five minutes. */
  readonly requestBudget: number;
}

/** Requests that walking the account's lists takes. */
export function pagesOf({ tunnels }: Pick<AccountState, 'tunnels'>): number {
  return Math.max(1, Math.ceil(tunnels.size / TUNNELS_PER_PAGE));
}

/**
 * Requests to keep back now, so that the next walks of these accounts, which share one token, find a budget that does not
 * make them wait: all of a walk that is due, and of the next ones what the budget does not gain until then.
 */
export function owedToWalks(
  accounts: readonly AccountState[],
  { now, pollIntervalMs, requestBudget }: WalkTimes,
): number {
  let due = 0;
  let later = 0;
  let gainingMs = pollIntervalMs;
  for (const account of accounts) {
    // A clock that has been set back makes no walk later than the next poll.
    const ageMs = Math.max(0, now - Math.max(-Infinity, ...account.listedAt.values()));
    if (ageMs >= pollIntervalMs) {
      due += pagesOf(account);
      continue;
    }
    later += pagesOf(account);
    gainingMs = Math.min(gainingMs, pollIntervalMs - ageMs);
  }
  return due + Math.max(0, Math.ceil(later - (gainingMs * requestBudget) / WINDOW_MS));
}
