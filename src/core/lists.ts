import type { AccountState } from './snapshot.ts';

/** The most that the API gives per page (API reference), which is what lists are asked with. */
export const TUNNELS_PER_PAGE = 1000;

/** Requests that a list of so many tunnels takes. */
export function pagesOf(tunnels: number): number {
  return Math.max(1, Math.ceil(tunnels / TUNNELS_PER_PAGE));
}

/** Requests that the account's next list takes: as many as its last one. */
export function listRequestsOf({ list }: AccountState): number {
  return list.requests ?? 1;
}

/** An account whose lists are planned further apart than usual is not stale because of it. */
export const STALE_INTERVALS = 3;

/**
 * How old an account's list may be, in milliseconds. Past the setting and past three planned intervals, renewing it has
 * failed.
 */
export function listStaleAfter({ list }: AccountState, staleAfterMs: number): number {
  return Math.max(staleAfterMs, STALE_INTERVALS * (list.intervalMs ?? 0));
}
