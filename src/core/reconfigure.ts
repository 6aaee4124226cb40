import type { Collector, KnownTunnelType, TunnelType } from './model.ts';
import { withoutRoutes } from './routes.ts';
import { isSelected, type Selection } from './select.ts';
import {
  type AccountState,
  emptyAccount,
  NEVER_COLLECTED,
  NO_ROUTE_TABLES,
  type Snapshot,
  type TunnelState,
} from './snapshot.ts';
import { withoutConfiguration } from './tunnel-state.ts';

/** What of the settings decides what a snapshot may hold. */
export interface Scope {
  readonly accounts: readonly { readonly id: string; readonly name: string }[];
  readonly types: readonly KnownTunnelType[];
  readonly selection: Selection;
  readonly configurations: boolean;
  readonly routes: boolean;
  /** Whether other tunnels may be selected than before: those that appear then are not new. */
  readonly selectsOthers: boolean;
  readonly hasSidecar: boolean;
}

/**
 * The snapshot under other settings: what remains goes on with its counters, what is no longer asked for is gone at once,
 * what is new is unknown.
 */
export function reconfigured(snapshot: Snapshot, scope: Scope): Snapshot {
  const accounts = scope.accounts.map((account): [string, AccountState] => {
    const known = snapshot.accounts.get(account.id);
    return [
      account.id,
      known === undefined ? emptyAccount(account) : { ...narrowed(known, scope), name: account.name },
    ];
  });
  return {
    ...snapshot,
    accounts: new Map(accounts),
    sidecar: scope.hasSidecar ? snapshot.sidecar : undefined,
  };
}

function narrowed(account: AccountState, scope: Scope): AccountState {
  return {
    ...account,
    listedAt: new Map([...account.listedAt].filter(([type]) => isAskedFor(type, scope))),
    everListed: scope.selectsOthers
      ? new Set()
      : new Set([...account.everListed].filter((type) => isAskedFor(type, scope))),
    collectors: {
      tunnels: account.collectors.tunnels,
      connections: collectorOf('connections'),
      warp_connections: collectorOf('warp_connections'),
      configurations: collectorOf('configurations'),
      routes: collectorOf('routes'),
    },
    routes: scope.routes ? account.routes : NO_ROUTE_TABLES,
    tunnels: tunnelsOf(account.tunnels, scope),
    hidden: tunnelsOf(account.hidden, scope),
  };

  function collectorOf(collector: Exclude<Collector, 'tunnels'>): AccountState['collectors'][Collector] {
    return COLLECTED[collector](scope) ? account.collectors[collector] : NEVER_COLLECTED;
  }
}

const COLLECTED: Readonly<Record<Exclude<Collector, 'tunnels'>, (scope: Scope) => boolean>> = {
  connections: ({ types }) => types.includes('cfd_tunnel'),
  warp_connections: ({ types }) => types.includes('warp_connector'),
  configurations: ({ configurations }) => configurations,
  routes: ({ routes }) => routes,
};

function tunnelsOf(
  tunnels: ReadonlyMap<string, TunnelState>,
  scope: Scope,
): ReadonlyMap<string, TunnelState> {
  const kept = [...tunnels].filter(
    ([, { tunnel }]) => isAskedFor(tunnel.type, scope) && isSelected(tunnel, scope.selection),
  );
  return new Map(
    kept.map(([id, state]) => {
      const configured = scope.configurations ? state : withoutConfiguration(state);
      return [id, scope.routes ? configured : withoutRoutes(configured)];
    }),
  );
}

function isAskedFor(type: TunnelType, { types }: Scope): boolean {
  return type === 'unknown' || types.includes(type);
}
