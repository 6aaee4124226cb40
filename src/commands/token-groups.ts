import type { AccountConfig } from '../config/config.ts';

type Group = readonly [AccountConfig, ...AccountConfig[]];

/** Accounts whose token comes from the same place: they share a client and a request budget. */
export function groupByToken(accounts: readonly AccountConfig[]): readonly Group[] {
  const groups = Map.groupBy(accounts, ({ token }) => JSON.stringify(token));
  return [...groups.values()].flatMap(([first, ...rest]): Group[] =>
    first === undefined ? [] : [[first, ...rest]],
  );
}
