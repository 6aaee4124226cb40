import type { TokenStatus } from '../../cloudflare/client.ts';
import type { Failure, KnownTunnelType, ListedTunnel, Result, TunnelStatus } from '../../core/model.ts';

/** Cloudflare's own limit per token and five minutes (API documentation, "Rate limits"). */
export const FULL_BUDGET = 1200;

/** One endpoint that the exporter needs, asked once. */
export interface Probe {
  /** As in the API reference, e.g. `GET /accounts/{account}/tunnels`. */
  readonly endpoint: string;
  /** `untried` holds why. */
  readonly answer: Result<string> | { readonly untried: string };
  /** Whether the exporter does without it, because another endpoint serves as well. */
  readonly optional: boolean;
}

export interface AccountFindings {
  readonly id: string;
  readonly name: string;
  readonly probes: readonly Probe[];
  /** The whole list as the token sees it. */
  readonly tunnels: Result<readonly ListedTunnel[]>;
}

/** What `check` has learned of one token and its accounts. */
export interface TokenFindings {
  /** Where the token comes from: a variable or a file, never the token. */
  readonly source: string;
  readonly token: Result<TokenStatus>;
  readonly accounts: readonly AccountFindings[];
}

export interface CheckSettings {
  readonly apiUrl: string;
  readonly requestBudget: number;
  readonly pollIntervalMs: number;
  readonly types: readonly KnownTunnelType[];
}

/** What must be mended before the exporter can do what it is configured to do; a line for each cause. */
export function missing(tokens: readonly TokenFindings[]): readonly string[] {
  const several = tokens.flatMap(({ accounts }) => accounts).length > 1;
  return tokens.flatMap(({ source, token, accounts }) => {
    // With a bad token everything else fails as well.
    const bad = tokenProblems(token);
    if (bad.length > 0)
      return bad.map(({ message }) => (tokens.length > 1 ? `${source}: ${message}` : message));
    return accounts.flatMap((account) =>
      oneOfEachCause(accountProblems(account)).map(({ message }) =>
        several ? `account ${account.id}: ${message}` : message,
      ),
    );
  });
}

/** A message is a cause and the request that met it: `token lacks …: GET /accounts/…`. */
function oneOfEachCause(failures: readonly Failure[]): readonly Failure[] {
  const byCause = Map.groupBy(failures, ({ message }) => message.split(': GET ')[0]);
  return [...byCause.values()].flatMap(([first]) => first ?? []);
}

function tokenProblems(token: Result<TokenStatus>): readonly Failure[] {
  if (!token.ok) return [token.failure];
  const { status } = token.value;
  return status === 'disabled' || status === 'expired'
    ? [{ reason: 'auth', message: `the API token is ${status}: renew it in Cloudflare's dashboard` }]
    : [];
}

function accountProblems({ probes, tunnels }: AccountFindings): readonly Failure[] {
  const needed = probes.filter(({ optional }) => !optional).flatMap(failureOf);
  return tunnels.ok ? needed : [...needed, tunnels.failure];
}

function failureOf({ answer }: Probe): readonly Failure[] {
  return 'untried' in answer || answer.ok ? [] : [answer.failure];
}

export function countByStatus(tunnels: readonly ListedTunnel[]): ReadonlyMap<TunnelStatus, number> {
  return new Map(
    [...Map.groupBy(tunnels, ({ status }) => status)].map(([status, group]) => [status, group.length]),
  );
}
