import {
  type Budget,
  type BudgetView,
  createBudget,
  createWindow,
  type SentWindow,
  viewOf,
} from '../cloudflare/budget.ts';
import { type Client, type ClientOptions, createClient } from '../cloudflare/client.ts';
import { openLiveToken, type LiveToken } from '../cloudflare/live-token.ts';
import { concurrencyPerToken, createSharedConnections, type Transport } from '../cloudflare/transport.ts';
import type { Config, TokenConfig } from '../config/config.ts';
import { WINDOW_MS } from '../core/intervals.ts';
import type { Logger } from '../log/logger.ts';
import type { AccountLister } from '../cloudflare/account-discovery.ts';
import type { BudgetGroup, TokenGroup } from '../poller/loop.ts';
import { isEqual } from '../core/equal.ts';
import {
  createOwnerWatch,
  groupByOwner,
  namedOwner,
  type OwnedToken,
  SHARED,
  type TokenFacts,
  type TokenOwner,
} from './token-owners.ts';
import { keyOfToken, nameOfToken, type TokenUse, tokenUses } from './watched-accounts.ts';

/** One client per API token, with the connections and request budgets that they share. */
export interface ClientPool {
  /**
   * Applies settings and returns the accounts, grouped by owner of the request budget and by token.
   * Budgets survive a change of settings, so that a reload does not refill them. Clients survive if
   * the API's settings do. Nothing may be in flight.
   */
  readonly use: (
    config: Pick<Config, 'accounts' | 'cloudflare'> & Partial<Pick<Config, 'discovery'>>,
  ) => Promise<readonly BudgetGroup[]>;
  readonly listers: () => readonly AccountLister[];
  /** Resolves when the first attempt to learn the owners of tokens has ended. */
  readonly ownersAsked: () => Promise<void>;
  readonly budgets: () => readonly BudgetView[];
  /** Closes clients and connections that the current settings do not use. Nothing may be in flight there. */
  readonly closeUnused: () => Promise<void>;
  readonly close: () => Promise<void>;
}

export interface ClientPoolOptions extends Pick<ClientOptions, 'version' | 'hooks' | 'clock'> {
  readonly log: Pick<Logger, 'info'>;
  /** Called when an owner has become known, so that `use` returns other groups. */
  readonly onRegroup: () => void;
  /** Called when a file holds another token, which may be able to list other accounts. */
  readonly onReplaced?: () => void;
}

/** A token of the configuration. Kept when it is no longer used, because a reload may add it again. */
interface Opened {
  readonly key: string;
  readonly name: string;
  readonly token: LiveToken;
  /** As reported by Cloudflare; undefined until then. */
  owner: TokenOwner | undefined;
  budget: Budget;
  /** Requests sent with this token, not with a previous one of the same file. */
  sent: SentWindow;
  /** Its budget is still that of the previous token. */
  replaced: boolean;
  client: { readonly settings: string; readonly client: Client } | undefined;
}

interface UsedToken extends TokenUse {
  readonly known: Opened;
  readonly client: Client;
}

export function createClientPool(options: ClientPoolOptions): ClientPool {
  const opened = new Map<string, Opened>();
  const budgets = new Map<string, Budget>();
  const unused = new Set<Client>();
  const connections = createSharedConnections(options.version);
  let used: readonly UsedToken[] = [];
  let groups: readonly BudgetGroup[] = [];
  let reported: readonly NamedBudget[] = [];
  const owners = createOwnerWatch({
    afterAttempt: () => {
      if (isMoving(() => true)) options.onRegroup();
    },
  });

  /** Whether one of these tokens still uses the budget of another owner. */
  const isMoving = (which: (known: Opened) => boolean): boolean =>
    groupByOwner(used, factsOf).some(({ key, tokens }) =>
      tokens.some(({ known }) => which(known) && budgets.get(key) !== known.budget),
    );

  const open = async (
    { token: source, budgetGroup }: TokenConfig,
    { requestBudget }: Config['cloudflare'],
  ): Promise<Opened> => {
    const key = keyOfToken(source);
    const already = opened.get(key);
    if (already !== undefined) return already;
    const token = await openLiveToken(source);
    const known: Opened = {
      key,
      name: nameOfToken(source),
      token: { ...token, refresh: async () => noteChange(known, await token.refresh()) },
      owner: undefined,
      budget: budgetOf(budgetGroup === undefined ? SHARED : namedOwner(budgetGroup), requestBudget),
      sent: createWindow(),
      replaced: false,
      client: undefined,
    };
    opened.set(key, known);
    return known;
  };

  /** A new token in the same file may have another owner. */
  const noteChange = <R extends { readonly changed: boolean }>(known: Opened, refreshed: R): R => {
    if (!refreshed.changed) return refreshed;
    known.owner = undefined;
    known.sent = createWindow();
    known.replaced = isMoving((other) => other === known);
    if (known.replaced) options.onRegroup();
    else owners.watch(unowned(used));
    options.onReplaced?.();
    return refreshed;
  };

  const budgetOf = (owner: string, requestBudget: number): Budget => {
    const known = budgets.get(owner);
    known?.resize(monotonic(), requestBudget);
    const budget = known ?? createBudget(requestBudget);
    budgets.set(owner, budget);
    return budget;
  };

  /** Switches the budget; the token's recent requests and its block move along. */
  const spendFrom = (known: Opened, budget: Budget): void => {
    const before = known.budget;
    if (before === budget) return;
    const now = monotonic();
    known.budget = budget;
    budget.absorb(now, known.sent.times(now));
    const blockedMs = known.replaced ? 0 : before.blockedFor(now);
    if (blockedMs > 0) budget.block(now, blockedMs);
    known.replaced = false;
  };

  const clientOf = (known: Opened, config: Config['cloudflare'], transport: Transport): Client => {
    const settings = JSON.stringify(config);
    if (known.client?.settings === settings) return known.client.client;
    const client = createClient({
      ...options,
      hooks: {
        ...options.hooks,
        onRequest: (request) => {
          known.sent.sent(monotonic());
          options.hooks?.onRequest?.(request);
        },
      },
      config,
      transport,
      token: known.token,
      budget: () => known.budget,
      random: Math.random,
    });
    known.client = { settings, client };
    return client;
  };

  const groupsOf = (requestBudget: number): readonly BudgetGroup[] =>
    groupByOwner(used, factsOf).map(({ key, name, tokens }) => {
      const budget = budgetOf(key, requestBudget);
      for (const { known } of tokens) spendFrom(known, budget);
      return { name, budget, tokens: tokens.map(toTokenGroup) };
    });

  return {
    use: async ({ cloudflare, ...config }) => {
      const before = used.map(({ client }) => client);
      const tokens = tokenUses(config);
      const concurrency = concurrencyPerToken(tokens.length, cloudflare.concurrency);
      const transport = connections.under(cloudflare);
      used = await Promise.all(
        tokens.map(async (use): Promise<UsedToken> => {
          const known = await open(use, cloudflare);
          return { ...use, known, client: clientOf(known, { ...cloudflare, concurrency }, transport) };
        }),
      );
      groups = groupsOf(cloudflare.requestBudget);
      const now = used.map(({ client }) => client);
      for (const client of now) unused.delete(client);
      for (const client of before) if (!now.includes(client)) unused.add(client);
      const named = namedBudgets(used);
      if (used.length > 1 && !isEqual(named, reported)) {
        options.log.info(
          { budgets: named },
          `request budgets: the tokens of each owner share ${cloudflare.requestBudget} requests per 5 minutes`,
        );
      }
      reported = named;
      owners.watch(unowned(used));
      return groups;
    },
    listers: () => used.filter(({ discovers }) => discovers).map(toLister),
    ownersAsked: owners.firstAttempt,
    budgets: () => groups.map(({ budget }) => viewOf(() => budget, { clock: options.clock, monotonic })),
    closeUnused: async () => {
      for (const known of opened.values()) {
        if (known.client !== undefined && unused.has(known.client.client)) known.client = undefined;
      }
      const closing = [...unused];
      unused.clear();
      await Promise.all(closing.map((client) => client.close()));
      await connections.closeUnused();
    },
    close: async () => {
      owners.stop();
      await Promise.all([...used.map(({ client }) => client), ...unused].map((client) => client.close()));
      await connections.close();
    },
  };
}

const monotonic = (): number => performance.now();

const factsOf = ({ budgetGroup, known }: UsedToken): TokenFacts => ({
  key: known.key,
  name: known.name,
  value: known.token.current(),
  budgetGroup,
  owner: known.owner,
});

/** The tokens whose owner decides about their budget. A single token shares it with no other. */
function unowned(tokens: readonly UsedToken[]): readonly OwnedToken[] {
  const ungrouped = tokens.filter(({ budgetGroup }) => budgetGroup === undefined);
  if (ungrouped.length < 2) return [];
  return ungrouped.flatMap(({ accounts: [first], known, client }) => {
    if (first === undefined) return [];
    const asked = known.token.current();
    return {
      owner: () => known.owner,
      verify: (signal) => client.verify(first.id, signal),
      learned: (owner) => {
        if (known.token.current() === asked) known.owner = owner;
      },
    };
  });
}

const toLister = ({ known, client }: UsedToken): AccountLister => ({
  key: known.key,
  name: known.name,
  list: async (signal) => {
    const asked = known.token.current();
    const listed = await client.accounts({ signal, budgetWaitMs: WINDOW_MS });
    // The API lists accounts for user tokens only.
    if (listed.ok && known.token.current() === asked) known.owner = 'user';
    return listed;
  },
});

const toTokenGroup = ({ accounts, known, client }: UsedToken): TokenGroup => ({
  accounts,
  token: known.token,
  client,
});

interface NamedBudget {
  readonly budget: string;
  readonly tokens: readonly string[];
}

function namedBudgets(tokens: readonly UsedToken[]): readonly NamedBudget[] {
  return groupByOwner(tokens, factsOf).map((owner) => ({
    budget: owner.name,
    tokens: owner.tokens.map(({ known }) => known.name),
  }));
}
