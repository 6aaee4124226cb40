import { WINDOW_MS } from './refresh.ts';
import type { AccountState } from './snapshot.ts';

/** The most that the API gives per page (API reference), which is what lists are asked with. */
export const TUNNELS_PER_PAGE = 1000;

export interface WalkTimes {
  readonly now: number;
  readonly pollIntervalMs: number;
  /** Requests per five minutes. */
  readonly requestBudget: number;
}

/** Requests that walking a list of so many tunnels takes. */
export function pagesOf(tunnels: number): number {
  return Math.max(1, Math.ceil(tunnels / TUNNELS_PER_PAGE));
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
      due += pagesOf(account.tunnels.size);
      continue;
    }
    later += pagesOf(account.tunnels.size);
    gainingMs = Math.min(gainingMs, pollIntervalMs - ageMs);
  }
  return due + Math.max(0, Math.ceil(later - (gainingMs * requestBudget) / WINDOW_MS));
}
