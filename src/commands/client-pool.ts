import { type Budget, createBudget } from '../cloudflare/budget.ts';
import { type BudgetView, type Client, type ClientOptions, createClient } from '../cloudflare/client.ts';
import { createToken, type Token } from '../cloudflare/token.ts';
import type { AccountConfig, Config } from '../config/config.ts';
import type { TokenGroup } from '../poller/token-group.ts';
import { groupByToken } from './token-groups.ts';

/** The clients in use, one for each API token. */
export interface ClientPool {
  /**
   * The groups of accounts under these settings. A token that stays keeps its budget, so that reloading does not spend it
   * anew, and its client where the API's settings stay too.
   */
  readonly use: (config: Pick<Config, 'accounts' | 'cloudflare'>) => Promise<readonly TokenGroup[]>;
  readonly budgets: () => readonly BudgetView[];
  /** Closes the clients that the settings before had and these have not. Nothing may be in flight there. */
  readonly closeUnused: () => Promise<void>;
  readonly close: () => Promise<void>;
}

type Source = AccountConfig['token'];

/** What one token has been given. Kept when it is no longer used: a later reload may bring it back. */
interface Opened {
  readonly token: Token;
  readonly budget: Budget;
  client: { readonly settings: string; readonly client: Client } | undefined;
}

export function createClientPool(options: Pick<ClientOptions, 'version' | 'hooks' | 'clock'>): ClientPool {
  const opened = new Map<string, Opened>();
  const unused = new Set<Client>();
  let used: readonly Client[] = [];

  const open = async (source: Source, { requestBudget }: Config['cloudflare']): Promise<Opened> => {
    const key = JSON.stringify(source);
    const known = opened.get(key);
    if (known !== undefined) return known;
    const made = { token: await createToken(source), budget: createBudget(requestBudget), client: undefined };
    opened.set(key, made);
    return made;
  };

  const clientOf = (known: Opened, cloudflare: Config['cloudflare']): Client => {
    const settings = JSON.stringify(cloudflare);
    if (known.client?.settings === settings) return known.client.client;
    const { token, budget } = known;
    budget.resize(performance.now(), cloudflare.requestBudget);
    const client = createClient({ ...options, config: cloudflare, token, budget, random: Math.random });
    known.client = { settings, client };
    return client;
  };

  return {
    use: async ({ accounts, cloudflare }) => {
      const groups = await Promise.all(
        groupByToken(accounts).map(async (group) => {
          const known = await open(group[0].token, cloudflare);
          return { accounts: group, token: known.token, client: clientOf(known, cloudflare) };
        }),
      );
      const before = used;
      used = groups.map(({ client }) => client);
      for (const client of used) unused.delete(client);
      for (const client of before) if (!used.includes(client)) unused.add(client);
      return groups;
    },
    budgets: () => used.map(({ budget }) => budget),
    closeUnused: async () => {
      for (const known of opened.values()) {
        if (known.client !== undefined && unused.has(known.client.client)) known.client = undefined;
      }
      const closing = [...unused];
      unused.clear();
      await Promise.all(closing.map((client) => client.close()));
    },
    close: async () => {
      await Promise.all([...used, ...unused].map((client) => client.close()));
    },
  };
}
