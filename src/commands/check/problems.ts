import type { ProxyConfig } from '../../config/config.ts';
import type { VerifiedToken } from '../../cloudflare/client.ts';
import type { Failure, KnownTunnelType, Result } from '../../core/model.ts';
import { hasConnectionsEndpoint, hasNoConnections } from '../../core/serving.ts';
import { type AccountFindings, FULL_BUDGET, type OwnerFindings, plural } from './findings.ts';
import { budgetFor, type Intervals, type Load, pollingPlan } from './polling-plan.ts';

export interface CheckSettings {
  readonly apiUrl: string;
  /** Through which the API is asked. */
  readonly proxy: ProxyConfig | undefined;
  /** Per owner of tokens. */
  readonly requestBudget: number;
  readonly pollIntervalMs: number;
  readonly staleAfterMs: number;
  readonly types: readonly KnownTunnelType[];
  /** Whether accounts are watched because a token lists them. */
  readonly findsAccounts: boolean;
  /** What is wrong beside tokens, accounts and the budget, a line each. */
  readonly otherProblems: readonly string[];
}

/** CloudflareTunnelExporterBudgetTooSmall fires if an observation is older than this, or than so many list intervals. */
export const OLDEST_DETAIL = { ms: 900_000, listIntervals: 5 };
/** The least recently observed tunnel waits for this many fair shares at most (docs/performance.md). */
const OLDEST_IN_SHARES = 2;
/** Tunnels whose list fails are shown for `--poll.stale-after`, or for so many list intervals if that is longer. */
const LISTS_IN_STALE_AFTER = 3;

/** What has to be fixed before the exporter can do what it is configured to do; a line for each cause. */
export function problemsOf(owners: readonly OwnerFindings[], settings: CheckSettings): readonly string[] {
  const failures = failuresOf(owners);
  return [
    ...settings.otherProblems,
    ...byCause(failures).map((same) => {
      const several = manyOf(same, owners);
      const [{ message }] = same;
      return several === '' ? message : `${several}: ${message}`;
    }),
    ...owners.flatMap((owner) => planProblems(owner, { settings, several: owners.length > 1 })),
  ];
}

interface FoundFailure extends Failure {
  readonly source: string;
  /** Undefined for one that concerns all accounts of the token. */
  readonly account: string | undefined;
}

/** With a bad token everything else fails as well. */
export function failuresOf(owners: readonly OwnerFindings[]): readonly FoundFailure[] {
  return owners.flatMap(({ tokens }) =>
    tokens.flatMap((token) => {
      const of = (account: string | undefined) => (failure: Failure) => ({
        ...failure,
        source: token.source,
        account,
      });
      const unusable = tokenFailure(token.token);
      if (unusable !== undefined) return [of(undefined)(unusable)];
      return [
        ...token.accounts.flatMap(({ id, failures }) => failures.map(of(id))),
        ...token.probes
          .flatMap(({ answer }) => ('untried' in answer || answer.ok ? [] : [answer.failure]))
          .map(of(undefined)),
      ];
    }),
  );
}

/** Why nothing can be asked with the token. */
export function tokenFailure(token: Result<VerifiedToken>): Failure | undefined {
  if (!token.ok) return token.failure;
  const { status } = token.value;
  return status === 'disabled' || status === 'expired'
    ? { reason: 'auth', message: `the API token is ${status}: renew it in Cloudflare's dashboard` }
    : undefined;
}

type Some<T> = readonly [T, ...T[]];

/** A message is a cause and the request that met it: `token lacks …: GET /accounts/…`. */
function byCause(failures: readonly FoundFailure[]): readonly Some<FoundFailure>[] {
  const causes = Map.groupBy(failures, ({ message }) => message.split(': GET ')[0]);
  return [...causes.values()].flatMap(([first, ...rest]): Some<FoundFailure>[] =>
    first === undefined ? [] : [[first, ...rest]],
  );
}

/** Which accounts or tokens, unless there is one only. */
function manyOf(failures: Some<FoundFailure>, owners: readonly OwnerFindings[]): string {
  const tokens = owners.flatMap((owner) => owner.tokens);
  const accounts = [...new Set(failures.flatMap(({ account }) => account ?? []))];
  if (accounts.length > 0)
    return tokens.flatMap((token) => token.accounts).length > 1 ? named(accounts, 'account') : '';
  return tokens.length > 1 ? named([...new Set(failures.map(({ source }) => source))], 'token') : '';
}

const NAMED = 3;

function named(all: readonly string[], noun: string): string {
  if (all.length === 1) return noun === 'account' ? `account ${all.join('')}` : all.join('');
  const rest = all.length > NAMED ? ', …' : '';
  return `${plural(all.length, noun)} (${all.slice(0, NAMED).join(', ')}${rest})`;
}

/** What the accounts of one budget need, as far as they could be listed. */
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

function planProblems(
  owner: OwnerFindings,
  { settings, several }: { readonly settings: CheckSettings; readonly several: boolean },
): readonly string[] {
  const { pollIntervalMs, staleAfterMs } = settings;
  const accounts = accountsOf(owner);
  const load = loadOf(accounts);
  const { listIntervalMs, detailIntervalMs } = pollingPlan(load, settings);
  const oldestMs = firesAt(listIntervalMs);
  // A larger budget may make the list interval shorter, down to that of the polls.
  const most: Intervals = {
    listIntervalMs: Math.max(pollIntervalMs, staleAfterMs / LISTS_IN_STALE_AFTER),
    detailIntervalMs: firesAt(pollIntervalMs) / OLDEST_IN_SHARES,
  };
  const what = several ? `budget of ${owner.name}: ` : '';
  const fix = remedyFor(accounts, { ...most, pollIntervalMs });
  const problems: string[] = [];
  if (listIntervalMs > most.listIntervalMs) {
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

/** How old the oldest observation may get before the alert fires. */
const firesAt = (listIntervalMs: number): number =>
  Math.max(OLDEST_DETAIL.ms, OLDEST_DETAIL.listIntervals * listIntervalMs);

/** What would keep these intervals. */
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
  return `the accounts have to be split over tokens of ${owners} owners (account-owned tokens, or users with a budget_group each), with --cloudflare.request-budget=${FULL_BUDGET} for each`;
}

export function duration(milliseconds: number): string {
  const seconds = Math.round(milliseconds / 1000);
  if (seconds < 120) return `${seconds} s`;
  const minutes = seconds / 60;
  if (minutes < 10) return `${Number(minutes.toFixed(1))} min`;
  return minutes < 120 ? `${Math.round(minutes)} min` : `${(minutes / 60).toFixed(1)} h`;
}
