import type { Budget } from '../cloudflare/budget.ts';
import type { Client } from '../cloudflare/client.ts';
import type { LiveToken } from '../cloudflare/live-token.ts';

/** The accounts of one API token. */
export interface TokenGroup {
  readonly accounts: readonly { readonly id: string }[];
  readonly token: LiveToken;
  readonly client: Client;
}

/** Tokens that share one request budget, because Cloudflare counts their requests together. */
export interface BudgetGroup {
  /** For the log and `check`: never a token. */
  readonly name: string;
  /** The one that every client of the group spends from. */
  readonly budget: Budget;
  readonly tokens: readonly TokenGroup[];
}
