import { COLLECTORS, type Collector } from '../core/model.ts';
import type { AccountState } from '../core/snapshot.ts';
import { formatCount, formatDuration } from './format.ts';

export interface AccountProblemsOptions {
  readonly now: number;
  /** A list older than this is late. */
  readonly lateAfterMs: number;
}

/** When the oldest list of the account was complete; undefined if it has none. */
export function listedAtOf(account: AccountState): number | undefined {
  return account.listedAt.size === 0 ? undefined : Math.min(...account.listedAt.values());
}

/** Why the data of an account is missing, old or incomplete, a sentence each. */
export function accountProblems(account: AccountState, options: AccountProblemsOptions): readonly string[] {
  return [
    ...listProblems(account, options),
    ...COLLECTORS.filter((collector) => collector !== 'tunnels').flatMap((collector) =>
      detailProblems(account, { collector, now: options.now }),
    ),
  ];
}

/** A list younger than this many planned intervals is not late. */
const LATE_INTERVALS = 2;

function listProblems(
  account: AccountState,
  { now, lateAfterMs }: AccountProblemsOptions,
): readonly string[] {
  const listedAt = listedAtOf(account);
  if (account.up === undefined && listedAt === undefined)
    return ['Not listed yet: its first poll has not finished.'];
  if (listedAt === undefined) {
    const before = account.collectors.tunnels.lastSuccessAt;
    if (before === undefined) return ['Never listed: every attempt to list its tunnels has failed.'];
    const hidden = account.hidden.size === 0 ? '' : ` Hidden: ${formatCount(account.hidden.size, 'tunnel')}.`;
    return [`Data too old to show: the last complete list is ${formatDuration(now - before)} old.${hidden}`];
  }
  const age = formatDuration(now - listedAt);
  if (account.up === false)
    return [`The last attempt to list its tunnels failed; the data shown is ${age} old.`];
  const lateMs = Math.max(lateAfterMs, LATE_INTERVALS * (account.list.intervalMs ?? 0));
  return now - listedAt > lateMs ? [`The list is late: it is ${age} old.`] : [];
}

const COLLECTOR_NAMES: Readonly<Record<Collector, string>> = {
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
      ? 'it has never succeeded'
      : `it last succeeded ${formatDuration(now - lastSuccessAt)} ago`;
  return [`Reading ${COLLECTOR_NAMES[collector]} is failing; ${since}.`];
}
