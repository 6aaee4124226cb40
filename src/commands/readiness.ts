import { hasFreshData, isEveryAccountListed, type Snapshot } from '../core/snapshot.ts';
import type { Readiness } from '../web/router.ts';

/** The first lists need not wait for all accounts longer than this. */
const LISTS_DEADLINE_MS = 30_000;
/** The first details need not be waited for longer than this: with them the first scrape shows connections. */
const DETAILS_DEADLINE_MS = 5_000;

export interface ReadinessOptions {
  /** Time since polling started. */
  readonly sinceStartMs: number;
  /** Whether a poll has ended, well or not. */
  readonly hasPolled: boolean;
  /** Why it is not known which accounts there are; `undefined` where it is. */
  readonly accountsUnknown?: string | undefined;
}

/** Whether this exporter is worth scraping: it has something fresh, and has tried every account or given it its time. */
export function readiness(
  snapshot: Snapshot,
  { sinceStartMs, hasPolled, accountsUnknown }: ReadinessOptions,
): Readiness {
  const { accounts } = snapshot;
  if (accounts.size === 0 && accountsUnknown !== undefined)
    return { ready: false, reason: `the accounts are not known yet: ${accountsUnknown}` };
  const isWaitedFor = isEveryAccountListed(snapshot)
    ? !hasPolled && sinceStartMs < DETAILS_DEADLINE_MS
    : sinceStartMs < LISTS_DEADLINE_MS;
  if (isWaitedFor) {
    const listed = accounts
      .values()
      .reduce((count, { list }) => count + (list.answeredAt === undefined ? 0 : 1), 0);
    return { ready: false, reason: `the first poll has listed ${listed} of ${accounts.size} accounts` };
  }
  // A shard without accounts has nothing to do.
  if (accounts.size === 0 || hasFreshData(snapshot)) return { ready: true, reason: '' };
  return { ready: false, reason: 'no account has fresh data; the log says why, and so does the status page' };
}
