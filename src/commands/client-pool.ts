import { type Budget, createBudget } from '../cloudflare/budget.ts';
import {
  type BudgetView,
  type Client,
  type ClientOptions,
  createClient,
  viewOf,
} from '../cloudflare/client.ts';
import { createToken, type Token } from '../cloudflare/token.ts';
import type { AccountConfig, Config } from '../config/config.ts';
import type { BudgetGroup, TokenGroup } from '../poller/budget-group.ts';
import { groupByToken } from './token-groups.ts';

/** The clients in use, one for each API token, and the budgets that they share. */
export interface ClientPool {
  /**
   * The accounts under these settings, by token and by owner of the request budget. A budget stays when the settings change,
   * so that reloading does not spend it anew; a client stays where the API's settings do.
   */
  readonly use: (config: Pick<Config, 'accounts' | 'cloudflare'>) => Promise<readonly BudgetGroup[]>;
  /** One for each group. */
  readonly budgets: () => readonly BudgetView[];
  /** Closes the clients that the settings before had and these have not. Nothing may be in flight there. */
  readonly closeUnused: () => Promise<void>;
  readonly close: () => Promise<void>;
}

type Source = AccountConfig['token'];

/** One token of the configuration. Kept when it is no longer used: a later reload may bring it back. */
interface Opened {
  readonly token: Token;
  /** What its client spends from. */
  budget: Budget;
  client: { readonly settings: string; readonly client: Client } | undefined;
}

/** Nothing tells whose user tokens are: they share a budget. */
const SHARED = 'user tokens';

export function createClientPool(options: Pick<ClientOptions, 'version' | 'hooks' | 'clock'>): ClientPool {
  const opened = new Map<string, Opened>();
  const budgets = new Map<string, Budget>();
  const unused = new Set<Client>();
  let used: readonly BudgetGroup[] = [];

  const open = async (source: Source, budget: Budget): Promise<Opened> => {
    const key = JSON.stringify(source);
    const known = opened.get(key);
    if (known !== undefined) return known;
    const made = { token: await createToken(source), budget, client: undefined };
    opened.set(key, made);
    return made;
  };

  const budgetOf = (owner: string, { requestBudget }: Config['cloudflare']): Budget => {
    const known = budgets.get(owner);
    known?.resize(monotonic(), requestBudget);
    const budget = known ?? createBudget(requestBudget);
    budgets.set(owner, budget);
    return budget;
  };

  const clientOf = (known: Opened, cloudflare: Config['cloudflare']): Client => {
    const settings = JSON.stringify(cloudflare);
    if (known.client?.settings === settings) return known.client.client;
    const client = createClient({
      ...options,
      config: cloudflare,
      token: known.token,
      budget: () => known.budget,
      random: Math.random,
    });
    known.client = { settings, client };
    return client;
  };

  return {
    use: async ({ accounts, cloudflare }) => {
      const budget = budgetOf(SHARED, cloudflare);
      const tokens = await Promise.all(
        groupByToken(accounts).map(async (group): Promise<TokenGroup> => {
          const known = await open(group[0].token, budget);
          return { accounts: group, token: known.token, client: clientOf(known, cloudflare) };
        }),
      );
      const before = clientsOf(used);
      used = tokens.length === 0 ? [] : [{ name: SHARED, budget, tokens }];
      const now = clientsOf(used);
      for (const client of now) unused.delete(client);
      for (const client of before) if (!now.includes(client)) unused.add(client);
      return used;
    },
    budgets: () => used.map(({ budget }) => viewOf(() => budget, { clock: options.clock, monotonic })),
    closeUnused: async () => {
      for (const known of opened.values()) {
        if (known.client !== undefined && unused.has(known.client.client)) known.client = undefined;
      }
      const closing = [...unused];
      unused.clear();
      await Promise.all(closing.map((client) => client.close()));
    },
    close: async () => {
      await Promise.all([...clientsOf(used), ...unused].map((client) => client.close()));
    },
  };
}

const monotonic = (): number => performance.now();

const clientsOf = (groups: readonly BudgetGroup[]): readonly Client[] =>
  groups.flatMap(({ tokens }) => tokens.map(({ client }) => client));
