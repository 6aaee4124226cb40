import type { AccountConfig, TokenSource } from '../config/config.ts';

type Group = readonly [AccountConfig, ...AccountConfig[]];

/** Accounts whose token comes from the same place: they share a client. */
export function groupByToken(accounts: readonly AccountConfig[]): readonly Group[] {
  const groups = Map.groupBy(accounts, ({ token }) => JSON.stringify(token));
  return [...groups.values()].flatMap(([first, ...rest]): Group[] =>
    first === undefined ? [] : [[first, ...rest]],
  );
}

/** The file or variable that a token comes from, for people; never the token. */
export function nameOfToken(source: TokenSource): string {
  return source.kind === 'file' ? source.path : 'CLOUDFLARE_API_TOKEN';
}
