import type { Config } from '../config/config.ts';
import { accountChanges, type AccountList, listedTwice } from '../core/discovery.ts';
import type { Account } from '../core/model.ts';
import type { Logger } from '../log.ts';
import { namesOf } from '../poller/account-discovery.ts';
import { plural } from './check/findings.ts';

export interface DiscoveryLog {
  /** Lists of accounts have ended. Reports what that changed, and what is odd about it; each once. */
  readonly listed: (config: WatchedConfig, listed: Listed) => void;
}

type WatchedConfig = Pick<Config, 'accounts' | 'expectedTunnels' | 'shard'>;

export interface Listed {
  /** The accounts that were watched before. */
  readonly before: readonly Account[];
  readonly lists: readonly AccountList[];
}

export function createDiscoveryLog(log: Pick<Logger, 'info' | 'warn'>): DiscoveryLog {
  const reported = new Set<string>();
  const once = (level: 'info' | 'warn', line: string): void => {
    if (!reported.has(line)) log[level](line);
    reported.add(line);
  };

  return {
    listed: ({ accounts, expectedTunnels, shard }, { before, lists }) => {
      const { taken, dropped, renamed } = accountChanges(before, accounts);
      if (taken.length > 0) log.info(`${plural(taken.length, 'account')} taken in: ${namesOf(taken)}`);
      if (dropped.length > 0)
        log.warn(
          `${plural(dropped.length, 'account')} dropped, which two complete lists were without: ${namesOf(dropped)}`,
        );
      if (renamed.length > 0) log.info(`${plural(renamed.length, 'account')} renamed: ${namesOf(renamed)}`);

      const twice = listedTwice(lists);
      if (twice.length > 0)
        once('info', `listed by several tokens, and watched with the first of them: ${namesOf(twice)}`);
      if (lists.some(({ failure, listedAt }) => failure !== undefined || listedAt === undefined)) return;
      const found = lists.reduce((count, list) => count + list.accounts.size, 0);
      if (accounts.length === 0)
        once(
          'warn',
          shard.total === 1
            ? `every account found is excluded (${found}): nothing is watched`
            : `shard ${shard.index} of ${shard.total} has none of the ${plural(found, 'account')} found, and watches nothing`,
        );
      const watched = new Set(accounts.map(({ id }) => id));
      for (const { accountId, tunnel } of expectedTunnels) {
        if (accountId === undefined || watched.has(accountId)) continue;
        once('warn', `the expected tunnel ${tunnel} is in account ${accountId}, which no token can list`);
      }
    },
  };
}
