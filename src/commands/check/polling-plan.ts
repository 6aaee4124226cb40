import { LIST_SHARE, refreshAge, WINDOW_MS } from '../../core/intervals.ts';
import { hasConnectionsEndpoint, hasNoConnections } from '../../core/model.ts';
import { type AccountFindings, type OwnerFindings, plural } from './inspect.ts';

/** Cloudflare's limit per owner of tokens and five minutes (API documentation, "Rate limits"). */
export const FULL_BUDGET = 1200;

export interface PlanSettings {
  /** Requests per five minutes and owner of tokens. */
  readonly requestBudget: number;
  readonly pollIntervalMs: number;
  readonly staleAfterMs: number;
}

/**
 * CloudflareTunnelExporterBudgetTooSmall fires if an observation is older than `ms` and than this
 * many list intervals.
 */
export const OLDEST_DETAIL = { ms: 900_000, listIntervals: 5 };
/** The least recently observed tunnel waits at most this many fair shares (docs/performance.md). */
const OLDEST_IN_SHARES = 2;
/**
 * Tunnels whose list fails are shown for `--poll.stale-after`, or for this many list intervals if
 * that is longer.
 */
const LISTS_IN_STALE_AFTER = 3;

/** What one request budget has to cover. */
export interface Load {
  /** Requests to list each account once. */
  readonly pages: number;
  /** Tunnels whose connections are observed. */
  readonly serving: number;
}

export interface Intervals {
  /** Interval between lists of an account. */
  readonly listIntervalMs: number;
  /** Average interval between observations of a tunnel's connections: its fair share. */
  readonly detailIntervalMs: number;
}

/**
 * The intervals that a budget allows if all accounts and tunnels share equally. Every poll lists
 * every account if that takes at most `LIST_SHARE` of the budget; otherwise lists get that share.
 * Connections get the rest.
 */
export function pollingPlan(
  { pages, serving }: Load,
  { pollIntervalMs, requestBudget }: { readonly pollIntervalMs: number; readonly requestBudget: number },
): Intervals {
  const listsPerMs = Math.min(pages / pollIntervalMs, (LIST_SHARE * requestBudget) / WINDOW_MS);
  return {
    listIntervalMs: pages === 0 ? pollIntervalMs : pages / listsPerMs,
    detailIntervalMs: refreshAge({ serving, listsPerMs, pollIntervalMs, requestBudget }),
  };
}

/** The smallest budget whose plan keeps these intervals. They must not be shorter than a poll interval. */
export function budgetFor(
  { pages, serving }: Load,
  { pollIntervalMs, listIntervalMs, detailIntervalMs }: Intervals & { readonly pollIntervalMs: number },
): number {
  const atEveryPoll = pages / pollIntervalMs;
  const details = serving / detailIntervalMs;
  const bothShared = Math.max(pages / listIntervalMs / LIST_SHARE, details / (1 - LIST_SHARE));
  const perMs =
    LIST_SHARE * bothShared <= atEveryPoll
      ? bothShared
      : Math.max(atEveryPoll / LIST_SHARE, atEveryPoll + details);
  // A fraction caused by rounding must not add a request.
  return Math.max(1, Math.ceil(perMs * WINDOW_MS - 1e-6));
}

/** The load of accounts, as far as they could be listed. */
export function loadOf(accounts: readonly AccountFindings[]): Load {
  let [pages, serving] = [0, 0];
  for (const account of accounts) {
    pages += account.pages;
    serving += account.tunnels.filter(
      ({ type, status }) => hasConnectionsEndpoint(type) && !hasNoConnections(status),
    ).length;
  }
  return { pages, serving };
}

export const accountsOf = ({ tokens }: OwnerFindings): readonly AccountFindings[] =>
  tokens.flatMap(({ accounts }) => accounts);

export function planProblems(
  owner: OwnerFindings,
  { settings, several }: { readonly settings: PlanSettings; readonly several: boolean },
): readonly string[] {
  const { pollIntervalMs, staleAfterMs } = settings;
  const accounts = accountsOf(owner);
  const load = loadOf(accounts);
  const { listIntervalMs, detailIntervalMs } = pollingPlan(load, settings);
  const oldestMs = firesAt(listIntervalMs);
  // A larger budget can shorten the list interval down to the poll interval.
  const longest: Intervals = {
    listIntervalMs: Math.max(pollIntervalMs, staleAfterMs / LISTS_IN_STALE_AFTER),
    detailIntervalMs: firesAt(pollIntervalMs) / OLDEST_IN_SHARES,
  };
  const what = several ? `budget of ${owner.name}: ` : '';
  const fix = remedyFor(accounts, { ...longest, pollIntervalMs });
  const problems: string[] = [];
  if (listIntervalMs > longest.listIntervalMs) {
    problems.push(
      `${what}${plural(accounts.length, 'account')} listed every ${duration(listIntervalMs)}: if lists fail, their tunnels are shown for three such intervals, longer than --poll.stale-after=${duration(staleAfterMs)}: ${fix}, or a longer --poll.stale-after`,
    );
  }
  if (OLDEST_IN_SHARES * detailIntervalMs > oldestMs) {
    problems.push(
      `${what}connections of ${plural(load.serving, 'tunnel')} are observed every ${duration(detailIntervalMs)}, at worst ${duration(OLDEST_IN_SHARES * detailIntervalMs)}; CloudflareTunnelExporterBudgetTooSmall fires at ${duration(oldestMs)}: ${fix}`,
    );
  }
  return problems;
}

/** The age of the oldest observation at which the alert fires. */
const firesAt = (listIntervalMs: number): number =>
  Math.max(OLDEST_DETAIL.ms, OLDEST_DETAIL.listIntervals * listIntervalMs);

/** Returns the change that would keep these intervals. */
export function remedyFor(
  accounts: readonly AccountFindings[],
  intervals: Intervals & { readonly pollIntervalMs: number },
): string {
  const need = budgetFor(loadOf(accounts), intervals);
  if (need <= FULL_BUDGET) return `--cloudflare.request-budget=${need} is enough`;
  const owners = Math.ceil(need / FULL_BUDGET);
  const largest = Math.max(...accounts.map((account) => budgetFor(loadOf([account]), intervals)));
  if (largest > FULL_BUDGET || owners > accounts.length) {
    return `no budget that Cloudflare allows is enough for one account with so many tunnels; leave some out (--tunnels.exclude, --tunnels.types)`;
  }
  return `split the accounts over tokens of ${owners} owners (account-owned tokens, or users with a budget_group each), with --cloudflare.request-budget=${FULL_BUDGET} for each`;
}

export function duration(milliseconds: number): string {
  const seconds = Math.round(milliseconds / 1000);
  if (seconds < 120) return `${seconds} s`;
  const minutes = seconds / 60;
  if (minutes < 10) return `${Number(minutes.toFixed(1))} min`;
  return minutes < 120 ? `${Math.round(minutes)} min` : `${(minutes / 60).toFixed(1)} h`;
}
