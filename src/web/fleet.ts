import { COLLECTORS } from '../core/model.ts';
import type { Collector, TunnelStatus } from '../core/model.ts';
import type { AccountState, Snapshot, TunnelState } from '../core/snapshot.ts';
import { counted, durationWords } from './words.ts';

/** In the order in which a person should look at them. */
export const STATUSES_WORST_FIRST: readonly TunnelStatus[] = [
  'down',
  'degraded',
  'unknown',
  'healthy',
  'inactive',
];

export const PROBLEM_STATUSES: ReadonlySet<TunnelStatus> = new Set(['down', 'degraded', 'unknown']);

/** By status, then by name as a person counts (`web-9` before `web-10`), in whatever case and with whatever accents. */
export function worstFirst(tunnels: Iterable<TunnelState>): readonly TunnelState[] {
  // Keys are made once: to compare with a collator takes too long for thousands of tunnels.
  return Array.from(tunnels, (state) => ({ state, badness: badness(state), key: sortKey(state.tunnel.name) }))
    .toSorted(
      (a, b) =>
        a.badness - b.badness || compare(a.key, b.key) || compare(a.state.tunnel.id, b.state.tunnel.id),
    )
    .map(({ state }) => state);
}

function compare(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}

/** Each number with its count of digits before it, so that longer ones come later. */
function sortKey(name: string): string {
  return plain(name)
    .toLowerCase()
    .replaceAll(/0*(\d+)/g, (_, digits: string) => `${String.fromCharCode(digits.length)}${digits}`);
}

function plain(name: string): string {
  return /^[ -~]*$/.test(name) ? name : name.normalize('NFKD').replaceAll(/\p{M}/gu, '');
}

function badness({ tunnel }: TunnelState): number {
  return STATUSES_WORST_FIRST.indexOf(tunnel.status);
}

export function allTunnels(snapshot: Snapshot): readonly TunnelState[] {
  return [...snapshot.accounts.values()].flatMap((account) => [...account.tunnels.values()]);
}

/** Tunnels that somebody should look at, worst first over all accounts. */
export function troubledTunnels(tunnels: readonly TunnelState[]): readonly TunnelState[] {
  return worstFirst(tunnels.filter(({ tunnel }) => PROBLEM_STATUSES.has(tunnel.status)));
}

export function countByStatus(tunnels: readonly TunnelState[]): Readonly<Record<TunnelStatus, number>> {
  const counts: Record<TunnelStatus, number> = { healthy: 0, degraded: 0, down: 0, inactive: 0, unknown: 0 };
  for (const { tunnel } of tunnels) counts[tunnel.status] += 1;
  return counts;
}

/** Whether some list walk has ended, well or not. */
export function hasPolled(snapshot: Snapshot): boolean {
  return [...snapshot.accounts.values()].some(({ up }) => up !== undefined);
}

/** When the oldest of the lists that are shown was complete; `undefined` where none is. */
export function listedAtOf(account: AccountState): number | undefined {
  return account.listedAt.size === 0 ? undefined : Math.min(...account.listedAt.values());
}

export function oldestListedAt(snapshot: Snapshot): number | undefined {
  const times = [...snapshot.accounts.values()].map(listedAtOf).filter((at) => at !== undefined);
  return times.length === 0 ? undefined : Math.min(...times);
}

/** What is wrong with our knowledge of an account, each in a sentence. Empty where all is well. */
export function accountProblems(
  account: AccountState,
  { now, lateAfterMs }: { readonly now: number; readonly lateAfterMs: number },
): readonly string[] {
  return [
    ...listProblems(account, { now, lateAfterMs }),
    ...COLLECTORS.filter((collector) => collector !== 'tunnels').flatMap((collector) =>
      detailProblems(account, { collector, now }),
    ),
  ];
}

/** A list is late when it is older than so many of its planned intervals. */
const LATE_INTERVALS = 2;

function listProblems(
  account: AccountState,
  { now, lateAfterMs }: { readonly now: number; readonly lateAfterMs: number },
): readonly string[] {
  const listedAt = listedAtOf(account);
  if (account.up === undefined && listedAt === undefined)
    return ['Not listed yet: its first poll has not finished.'];
  if (listedAt === undefined) {
    const before = account.collectors.tunnels.lastSuccessAt;
    if (before === undefined) return ['Never listed: every attempt to list its tunnels has failed.'];
    const hidden = account.hidden.size === 0 ? '' : ` Hidden: ${counted(account.hidden.size, 'tunnel')}.`;
    return [`Data too old to show: the last complete list is ${durationWords(now - before)} old.${hidden}`];
  }
  const age = durationWords(now - listedAt);
  if (account.up === false) return [`The last list walk failed; what is shown was listed ${age} ago.`];
  const lateMs = Math.max(lateAfterMs, LATE_INTERVALS * (account.list.intervalMs ?? 0));
  return now - listedAt > lateMs ? [`The list is late: it is ${age} old.`] : [];
}

const COLLECTOR_WORDS: Readonly<Record<Collector, string>> = {
  tunnels: 'tunnels',
  connections: 'connections',
  warp_connections: 'connections of WARP connectors',
  configurations: 'configurations',
  routes: 'routes',
};

function detailProblems(
  account: AccountState,
  { collector, now }: { readonly collector: Collector; readonly now: number },
): readonly string[] {
  const { success, lastSuccessAt } = account.collectors[collector];
  if (success !== false) return [];
  const since =
    lastSuccessAt === undefined
      ? 'none has succeeded yet'
      : `the last good pass was ${durationWords(now - lastSuccessAt)} ago`;
  return [`Reading ${COLLECTOR_WORDS[collector]} failed in the last pass; ${since}.`];
}
