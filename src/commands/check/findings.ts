import type { VerifiedToken } from '../../cloudflare/client.ts';
import type { Failure, ListedTunnel, Result, TunnelStatus } from '../../core/model.ts';

/** Cloudflare's own limit per owner of tokens and five minutes (API documentation, "Rate limits"). */
export const FULL_BUDGET = 1200;

/** One endpoint that the exporter needs, asked once for a token. */
export interface Probe {
  /** As in the API reference, e.g. `GET /accounts/{account}/tunnels`. */
  readonly endpoint: string;
  /** `untried` holds why. */
  readonly answer: Result<string> | { readonly untried: string };
}

export interface AccountFindings {
  readonly id: string;
  readonly name: string;
  /** Requests that its list takes. */
  readonly pages: number;
  /** The tunnels to watch, as far as they could be listed. */
  readonly tunnels: readonly ListedTunnel[];
  /** Why they could not, or not all. */
  readonly failures: readonly Failure[];
}

/** What `check` has learned of one token and its accounts. */
export interface TokenFindings {
  /** Where the token comes from: a variable or a file, never the token. */
  readonly source: string;
  readonly token: Result<VerifiedToken>;
  readonly probes: readonly Probe[];
  readonly accounts: readonly AccountFindings[];
}

/** The tokens that spend one request budget. */
export interface OwnerFindings {
  readonly name: string;
  readonly tokens: readonly TokenFindings[];
}

export function countByStatus(tunnels: readonly ListedTunnel[]): ReadonlyMap<TunnelStatus, number> {
  return new Map(
    [...Map.groupBy(tunnels, ({ status }) => status)].map(([status, group]) => [status, group.length]),
  );
}

export function plural(count: number, noun: string): string {
  return `${count.toLocaleString('en')} ${noun}${count === 1 ? '' : 's'}`;
}
