import type { KnownTunnelType } from './model.ts';
import type { AccountState, Snapshot } from './snapshot.ts';

/** A tunnel that the user declares to exist, by name or id. */
export interface ExpectedTunnel {
  /** `undefined`: in any account. */
  readonly accountId: string | undefined;
  /** Name or id, as declared. */
  readonly tunnel: string;
  readonly minConnectors: number | undefined;
}

/**
 * Whether a listed tunnel matches; `undefined` where that cannot be known: nothing matches, and some account in which
 * it might be has no complete, fresh list of every type asked for, or is not polled at all.
 */
export function isPresent(
  snapshot: Snapshot,
  { accountId, tunnel }: ExpectedTunnel,
  types: readonly KnownTunnelType[],
): boolean | undefined {
  const accounts = [...snapshot.accounts.values()].filter(
    ({ id }) => accountId === undefined || id === accountId,
  );
  if (accounts.length === 0) return undefined;
  if (accounts.some((account) => has(account, tunnel))) return true;
  return accounts.every(({ listedAt }) => types.every((type) => listedAt.has(type))) ? false : undefined;
}

function has({ tunnels }: AccountState, wanted: string): boolean {
  return tunnels.has(wanted) || [...tunnels.values()].some(({ tunnel }) => tunnel.name === wanted);
}
