import type { Client } from '../cloudflare/client.ts';
import type { Token } from '../cloudflare/token.ts';

/** The accounts that one API token serves. */
export interface TokenGroup {
  readonly accounts: readonly { readonly id: string }[];
  readonly token: Token;
  readonly client: Client;
}

/** The tokens that share one request budget: the clients of all of them spend from it. */
export interface BudgetGroup {
  readonly tokens: readonly [TokenGroup, ...TokenGroup[]];
}
