import { type CollectorSettings, polledCollectors } from './collectors.ts';
import { type Collector, COLLECTORS, type TunnelType } from './model.ts';
import { withoutRoutes } from './routes.ts';
import { isSelected, type Selection } from './select.ts';
import {
  type AccountState,
  type CollectorState,
  emptyAccount,
  NEVER_COLLECTED,
  NO_ROUTE_TABLES,
  type Snapshot,
  type TunnelState,
} from './snapshot.ts';
import { withoutConfiguration } from './tunnel-state.ts';

/** The settings that decide what a snapshot may hold. */
export interface Scope extends Omit<CollectorSettings, 'ids'> {
  readonly accounts: readonly { readonly id: string; readonly name: string }[];
  readonly selection: Selection;
  /** Whether other tunnels may be selected than before. Those that appear then are not new. */
  readonly selectsOthers: boolean;
  readonly hasSidecar: boolean;
}

/**
 * The snapshot under new settings. Accounts and tunnels that stay keep their counters, what is no
 * longer polled is removed at once, and new accounts are empty.
 */
export function reconfigured(snapshot: Snapshot, scope: Scope): Snapshot {
  const polled = polledCollectors({ ...scope, ids: scope.selection.ids });
  const accounts = scope.accounts.map((account): [string, AccountState] => {
    const known = snapshot.accounts.get(account.id);
    if (known === undefined) return [account.id, emptyAccount(account)];
    return [account.id, { ...narrowed(known, scope, polled), name: account.name }];
  });
  return {
    ...snapshot,
    accounts: new Map(accounts),
    sidecar: scope.hasSidecar ? snapshot.sidecar : undefined,
  };
}

function narrowed(account: AccountState, scope: Scope, polled: ReadonlySet<Collector>): AccountState {
  const isListed = (type: TunnelType): boolean => type === 'unknown' || scope.types.includes(type);
  const tunnelsOf = (tunnels: AccountState['tunnels']): AccountState['tunnels'] => {
    const kept = new Map<string, TunnelState>();
    for (const [id, state] of tunnels) {
      if (!isListed(state.tunnel.type) || !isSelected(state.tunnel, scope.selection)) continue;
      const configured = polled.has('configurations') ? state : withoutConfiguration(state);
      kept.set(id, polled.has('routes') ? configured : withoutRoutes(configured));
    }
    return kept;
  };
  const collectors: Record<Collector, CollectorState> = { ...account.collectors };
  for (const collector of COLLECTORS)
    if (collector !== 'tunnels' && !polled.has(collector)) collectors[collector] = NEVER_COLLECTED;
  return {
    ...account,
    listedAt: new Map([...account.listedAt].filter(([type]) => isListed(type))),
    everListed: new Set(scope.selectsOthers ? [] : [...account.everListed].filter(isListed)),
    collectors,
    routes: polled.has('routes') ? account.routes : NO_ROUTE_TABLES,
    tunnels: tunnelsOf(account.tunnels),
    hidden: tunnelsOf(account.hidden),
  };
}
