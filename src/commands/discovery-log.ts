import type { Config } from '../config/config.ts';
import { accountChanges, type AccountList, listedTwice, namesOf } from '../core/discovery.ts';
import type { Account } from '../core/model.ts';
import type { Logger } from '../log/logger.ts';
import { plural } from './check/inspect.ts';

export interface DiscoveryLog {
  /** Logs what new lists of accounts changed, and problems with them; each problem once. */
  readonly listed: (config: WatchedConfig, listed: Listed) => void;
}

type WatchedConfig = Pick<Config, 'accounts' | 'expectedTunnels' | 'shard'>;

export interface Listed {
  /** The accounts watched before. */
  readonly before: readonly Account[];
  readonly lists: readonly AccountList[];
}

export interface DiscoveryLogOptions {
  readonly log: Pick<Logger, 'debug' | 'info' | 'warn'>;
  /** Whether the exporter keeps running. A single poll, as of a cron job, logs changes at debug level. */
  readonly isRunning: () => boolean;
}

export function createDiscoveryLog({ log, isRunning }: DiscoveryLogOptions): DiscoveryLog {
  const news = (line: string): void => log[isRunning() ? 'info' : 'debug'](line);
  const reported = new Set<string>();
  const once = (write: (line: string) => void, line: string): void => {
    if (!reported.has(line)) write(line);
    reported.add(line);
  };
  const warn = (line: string): void => log.warn(line);

  return {
    listed: ({ accounts, expectedTunnels, shard }, { before, lists }) => {
      const { taken, dropped, renamed } = accountChanges(before, accounts);
      if (taken.length > 0) news(`${plural(taken.length, 'account')} added: ${namesOf(taken)}`);
      if (dropped.length > 0)
        warn(
          `${plural(dropped.length, 'account')} removed, because two complete lists lack ${dropped.length === 1 ? 'it' : 'them'}: ${namesOf(dropped)}`,
        );
      if (renamed.length > 0) news(`${plural(renamed.length, 'account')} renamed: ${namesOf(renamed)}`);

      const twice = listedTwice(lists);
      if (twice.length > 0)
        once(news, `listed by several tokens, watched with the first of them: ${namesOf(twice)}`);
      if (lists.some(({ failure, listedAt }) => failure !== undefined || listedAt === undefined)) return;
      const found = lists.reduce((count, list) => count + list.accounts.size, 0);
      if (accounts.length === 0)
        once(
          warn,
          shard.total === 1
            ? `every account found is excluded (${found}): nothing is watched`
            : `shard ${shard.index} of ${shard.total} has none of the ${plural(found, 'account')} found, and watches nothing`,
        );
      const watched = new Set(accounts.map(({ id }) => id));
      for (const { accountId, tunnel } of expectedTunnels) {
        if (accountId === undefined || watched.has(accountId)) continue;
        once(warn, `the expected tunnel ${tunnel} is in account ${accountId}, which no token can list`);
      }
    },
  };
}
