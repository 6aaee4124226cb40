import type { TokenOwner } from './token-owners.ts';

/** What decides whose request budget a token spends. */
export interface TokenFacts {
  /** Tells where the token comes from. May hold a secret. */
  readonly key: string;
  /** The same for people. */
  readonly name: string;
  /** A secret. */
  readonly value: string | undefined;
  readonly budgetGroup: string | undefined;
  /** As Cloudflare says; undefined until it has. */
  readonly owner: TokenOwner | undefined;
}

export interface BudgetOwner<T> {
  /** The same for the same owner at another time. May hold a secret. */
  readonly key: string;
  /** The budget group, the only token, or `user tokens`. */
  readonly name: string;
  readonly tokens: readonly [T, ...T[]];
}

/** Nothing tells whose a user's token is: all of them share a budget, and so does a token until its owner is known. */
export const SHARED = 'user tokens';

export const namedOwner = (budgetGroup: string): string => `group ${budgetGroup}`;

/** Groups tokens by the owner of the budget that they spend. */
export function groupByOwner<T>(
  tokens: readonly T[],
  factsOf: (token: T) => TokenFacts,
): readonly BudgetOwner<T>[] {
  const facts = new Map(tokens.map((token) => [token, factsOf(token)]));
  const all = [...facts.values()];
  const groups = Map.groupBy(facts, ([, token]) => ownerOf(token, all));
  return [...groups].flatMap(([key, members]) => {
    const [first, ...others] = members;
    if (first === undefined) return [];
    const [token, { budgetGroup, name }] = first;
    return {
      key,
      name: budgetGroup ?? (others.length === 0 ? name : SHARED),
      tokens: [token, ...others.map(([other]) => other)],
    };
  });
}

function ownerOf({ key, value, budgetGroup, owner }: TokenFacts, tokens: readonly TokenFacts[]): string {
  if (budgetGroup !== undefined) return namedOwner(budgetGroup);
  if (owner !== 'account') return SHARED;
  // One token in two files has one owner.
  const same = tokens.find((other) => other.owner === 'account' && other.value === value);
  return `token ${(same ?? { key }).key}`;
}
