import { advance } from '../../src/core/advance.ts';
import type { Emit, FamilyOptions, FleetContext } from '../../src/core/families/family.ts';
import { enabledFamilies, FAMILIES } from '../../src/core/families/table.ts';
import type {
  Collector,
  Configuration,
  Connector,
  FailureReason,
  KnownTunnelType,
  ListedTunnel,
  ListEntry,
  Observation,
  Result,
  Route,
  RouteKind,
} from '../../src/core/model.ts';
import {
  emptySnapshot,
  type AccountState,
  type Snapshot,
  type TunnelState,
} from '../../src/core/snapshot.ts';
import { aTunnel, NOW } from './snapshots.ts';

export const STALE_AFTER_MS = 300_000;

/** The time this many seconds after the start of the story. */
export function s(after: number): number {
  return NOW + after * 1000;
}

/** A listed tunnel. By default, its id is its name. */
export function aListed(name: string, parts: Partial<ListedTunnel> = {}): ListedTunnel {
  return aTunnel({ accountId: 'acc', id: name, name, ...parts }).tunnel;
}

/** An observation at the time of the poll. */
export type Act = (at: number) => Observation;

export interface ListParts {
  readonly accountId?: string;
  readonly types?: readonly KnownTunnelType[];
}

const BOTH: readonly KnownTunnelType[] = ['cfd_tunnel', 'warp_connector'];

/** A complete list of these tunnels, without embedded connections. */
export function list(tunnels: readonly ListedTunnel[], parts: ListParts = {}): Act {
  return embeddingList(
    tunnels.map((tunnel) => ({ tunnel, embedded: undefined })),
    parts,
  );
}

export function embeddingList(
  entries: readonly ListEntry[],
  { accountId = 'acc', types = BOTH }: ListParts = {},
): Act {
  return (at) => ({ kind: 'tunnels', accountId, types, at, result: { ok: true, value: entries } });
}

export function failedList({ accountId = 'acc', types = BOTH }: ListParts = {}): Act {
  return (at) => ({ kind: 'tunnels', accountId, types, at, result: failed('server') });
}

export function failed(reason: FailureReason): Result<never> {
  return { ok: false, failure: { reason, message: `${reason} on purpose` } };
}

/** An answer of the connections endpoint, or the reason of a failure. */
export function connections(tunnelId: string, answer: readonly Connector[] | FailureReason): Act {
  return (at) => ({
    kind: 'connections',
    accountId: 'acc',
    tunnelId,
    at,
    result: typeof answer === 'string' ? failed(answer) : { ok: true, value: answer },
  });
}

/** A list of routes, or the reason of a failure. */
export function routes(routeKind: RouteKind, answer: readonly Route[] | FailureReason): Act {
  return (at) => ({
    kind: 'routes',
    accountId: 'acc',
    routeKind,
    at,
    result: typeof answer === 'string' ? failed(answer) : { ok: true, value: answer },
  });
}

/** A network, or a host name, that leads to a tunnel; its id is its target. */
export function aRoute(target: string, tunnelId: string, parts: Partial<Route> = {}): Route {
  return { id: target, target, tunnelId, tunnelType: undefined, virtualNetwork: '', ...parts };
}

/** An answer of the configurations endpoint, or the reason of a failure. */
export function configuration(tunnelId: string, answer: Configuration | FailureReason | undefined): Act {
  return (at) => ({
    kind: 'configuration',
    accountId: 'acc',
    tunnelId,
    at,
    result: typeof answer === 'string' ? failed(answer) : { ok: true, value: answer },
  });
}

export function idle(collector: Collector): Act {
  return (at) => ({ kind: 'idle', accountId: 'acc', collector, at });
}

export interface Story {
  readonly snapshot: () => Snapshot;
  readonly poll: (now: number, ...acts: readonly Act[]) => Snapshot;
  /** Throws if the account is not in the snapshot. */
  readonly account: (id?: string) => AccountState;
  readonly tunnel: (id: string) => TunnelState | undefined;
  readonly names: () => readonly string[];
}

/** Consecutive polls, starting with an empty snapshot. Tunnels are in the account acc. */
export function aStory(...accountIds: readonly string[]): Story {
  const ids = accountIds.length === 0 ? ['acc'] : accountIds;
  let snapshot = emptySnapshot(
    ids.map((id) => ({ id, name: '' })),
    NOW,
  );
  const account = (id = 'acc'): AccountState => {
    const state = snapshot.accounts.get(id);
    if (state === undefined) throw new Error(`the snapshot has no account ${id}`);
    return state;
  };
  return {
    snapshot: () => snapshot,
    poll: (now, ...acts) => {
      const observations = acts.map((act) => act(now));
      snapshot = advance(snapshot, observations, { now, staleAfterMs: STALE_AFTER_MS });
      return snapshot;
    },
    account,
    tunnel: (id) => account().tunnels.get(id),
    names: () => [...account().tunnels.values()].map(({ tunnel }) => tunnel.name),
  };
}

const NO_CONTEXT: FleetContext = { types: BOTH, selectsAll: true, expected: [], intermittent: [] };
const NO_OPTIONS: FamilyOptions = { originIp: false, features: false, hostnames: false, routes: false };

/**
 * The samples of one tunnel family as `label="value",… sample`, without the tunnel's own three
 * labels.
 */
export function tunnelLines(
  name: string,
  state: TunnelState,
  options: Partial<FamilyOptions & FleetContext> = {},
): readonly string[] {
  const enabled = { ...NO_OPTIONS, ...options };
  const family = enabledFamilies(enabled).find((candidate) => candidate.name === name);
  if (family === undefined) return [];
  if (family.scope !== 'tunnel') throw new Error(`${name} is no tunnel family`);
  const { labels, optionalLabel } = family;
  const optional = optionalLabel === undefined ? [] : [optionalLabel];
  const shown = optional.filter(({ option }) => enabled[option]);
  return linesOf(
    (emit) => {
      family.samples(state, emit, { ...NO_CONTEXT, ...options });
    },
    [...labels, ...optional.map((label) => (shown.includes(label) ? label.name : ''))],
  );
}

/** The samples of one fleet family, in the same form. */
export function fleetLines(
  name: string,
  snapshot: Snapshot,
  context: Partial<FleetContext> = {},
): readonly string[] {
  const family = FAMILIES.find((candidate) => candidate.name === name);
  if (family?.scope !== 'fleet') throw new Error(`${name} is no fleet family`);
  return linesOf((emit) => {
    family.samples(snapshot, emit, { ...NO_CONTEXT, ...context });
  }, family.labels);
}

/** Labels named '' are emitted but not shown. */
function linesOf(emitAll: (emit: Emit) => void, labels: readonly string[]): readonly string[] {
  const lines: string[] = [];
  emitAll((value, ...values) => {
    if (values.length !== labels.length) throw new Error(`${values.length} values for ${labels.join()}`);
    const pairs = labels.flatMap((label, index) =>
      label === '' ? [] : [`${label}="${values[index] ?? ''}"`],
    );
    lines.push([...(pairs.length === 0 ? [] : [pairs.join()]), value].join(' '));
  });
  return lines;
}
