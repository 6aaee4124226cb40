import type { KnownTunnelType } from './model.ts';
import type { AccountState, Snapshot } from './snapshot.ts';

/** A tunnel that the configuration file declares. */
export interface ExpectedTunnel {
  /** Undefined for a tunnel in any account. */
  readonly accountId: string | undefined;
  /** Name or id, as declared. */
  readonly tunnel: string;
  readonly minConnectors: number | undefined;
}

/**
 * Returns a function that reports whether a listed tunnel matches a declared one. It returns
 * undefined if that is not known: nothing matches, and an account that may have the tunnel is not
 * polled, or has no complete, fresh list of every type asked for. The snapshot is read once,
 * however many tunnels are declared.
 */
export function presenceIn(
  snapshot: Snapshot,
  types: readonly KnownTunnelType[],
): (expected: ExpectedTunnel) => boolean | undefined {
  const accounts = new Map([...snapshot.accounts].map(([id, account]) => [id, listOf(account, types)]));
  const anywhere: List = {
    known: new Set([...accounts.values()].flatMap(({ known }) => [...known])),
    isComplete: accounts.size > 0 && [...accounts.values()].every(({ isComplete }) => isComplete),
  };
  return ({ accountId, tunnel }) => {
    const list = accountId === undefined ? anywhere : accounts.get(accountId);
    if (list?.known.has(tunnel) === true) return true;
    return list?.isComplete === true ? false : undefined;
  };
}

interface List {
  /** Ids and names. */
  readonly known: ReadonlySet<string>;
  readonly isComplete: boolean;
}

function listOf({ tunnels, listedAt }: AccountState, types: readonly KnownTunnelType[]): List {
  const known = new Set<string>(tunnels.keys());
  for (const { tunnel } of tunnels.values()) known.add(tunnel.name);
  return { known, isComplete: types.every((type) => listedAt.has(type)) };
}

/** Like `presenceIn`, but includes stale lists. Undefined until every list was complete once. */
export function isKnownPresent(
  snapshot: Snapshot,
  { accountId, tunnel }: ExpectedTunnel,
  types: readonly KnownTunnelType[],
): boolean | undefined {
  const accounts = [...snapshot.accounts.values()].filter(
    ({ id }) => accountId === undefined || id === accountId,
  );
  if (accounts.length === 0) return undefined;
  if (accounts.some((account) => isIn(account.tunnels, tunnel) || isIn(account.hidden, tunnel))) return true;
  return accounts.every(({ everListed }) => types.every((type) => everListed.has(type))) ? false : undefined;
}

type Tunnels = AccountState['tunnels'];

/** A cache: the names of each list are collected once, however many tunnels are declared. */
const namesOf = new WeakMap<Tunnels, ReadonlySet<string>>();

function isIn(tunnels: Tunnels, wanted: string): boolean {
  if (tunnels.has(wanted)) return true;
  let names = namesOf.get(tunnels);
  if (names === undefined) {
    names = new Set(Array.from(tunnels.values(), ({ tunnel }) => tunnel.name));
    namesOf.set(tunnels, names);
  }
  return names.has(wanted);
}
