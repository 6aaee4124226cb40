import type { VerifiedToken } from '../../cloudflare/client.ts';
import type { ProxyConfig } from '../../config/config.ts';
import type { Failure, KnownTunnelType, Result } from '../../core/model.ts';
import { type OwnerFindings, plural } from './inspect.ts';
import { planProblems, type PlanSettings } from './polling-plan.ts';

export interface CheckSettings extends PlanSettings {
  readonly apiUrl: string;
  /** The proxy for requests to the API. */
  readonly proxy: ProxyConfig | undefined;
  readonly types: readonly KnownTunnelType[];
  /** Whether tokens discover accounts. */
  readonly findsAccounts: boolean;
  /** Problems other than those of tokens, accounts and budgets, one line each. */
  readonly otherProblems: readonly string[];
}

/** The problems to fix before the exporter can work as configured, one line per cause. */
export function problemsOf(owners: readonly OwnerFindings[], settings: CheckSettings): readonly string[] {
  const failures = failuresOf(owners);
  return [
    ...settings.otherProblems,
    ...byCause(failures).map((same) => {
      const which = affected(same, owners);
      const [{ message }] = same;
      return which === '' ? message : `${which}: ${message}`;
    }),
    ...owners.flatMap((owner) => planProblems(owner, { settings, several: owners.length > 1 })),
  ];
}

interface FoundFailure extends Failure {
  readonly source: string;
  /** Undefined if it concerns all accounts of the token. */
  readonly account: string | undefined;
}

/** If the token does not work, its failure is the only one: everything else fails, too. */
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

/** Why the token cannot be used at all. */
export function tokenFailure(token: Result<VerifiedToken>): Failure | undefined {
  if (!token.ok) return token.failure;
  const { status } = token.value;
  return status === 'disabled' || status === 'expired'
    ? { reason: 'auth', message: `the API token is ${status}: renew it in Cloudflare's dashboard` }
    : undefined;
}

type Some<T> = readonly [T, ...T[]];

/** A message consists of a cause and the request: `token lacks …: GET /accounts/…`. */
function byCause(failures: readonly FoundFailure[]): readonly Some<FoundFailure>[] {
  const causes = Map.groupBy(failures, ({ message }) => message.split(': GET ')[0]);
  return [...causes.values()].flatMap(([first, ...rest]): Some<FoundFailure>[] =>
    first === undefined ? [] : [[first, ...rest]],
  );
}

/** Names the affected accounts or tokens; empty if there is only one. */
function affected(failures: Some<FoundFailure>, owners: readonly OwnerFindings[]): string {
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
