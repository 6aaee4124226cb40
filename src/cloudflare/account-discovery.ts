import { setTimeout as sleep } from 'node:timers/promises';
import { type AccountList, afterList, assumed, namesOf, NEVER_LISTED } from '../core/discovery.ts';
import type { Account, Failure, FailureReason, Result } from '../core/model.ts';
import { isStopped } from './errors.ts';

export interface AccountLister {
  /** Equal for equal tokens. May contain a secret. */
  readonly key: string;
  /** For messages. Never a token. */
  readonly name: string;
  readonly list: (signal: AbortSignal) => Promise<Result<readonly Account[]>>;
}

/** Lists the accounts of tokens repeatedly. Retries a failed list with increasing delays. */
export interface AccountDiscovery {
  /** Lists now and then every ten minutes. */
  readonly start: () => void;
  /** Lists once. Resolves to whether every list was complete, after `onListed` has ended. */
  readonly once: () => Promise<boolean>;
  /** Lists again now, or right after the running lists. */
  readonly listSoon: () => void;
  /** Those that stay keep their accounts. New ones are assumed to list the given accounts. */
  readonly reconfigure: (tokens: readonly AssumedToken[]) => void;
  readonly listOf: (key: string) => AccountList;
  /** Prevents further lists. Resolves when the running ones have ended. */
  readonly stop: () => Promise<void>;
}

export interface AssumedToken {
  readonly key: string;
  readonly accounts: readonly Account[];
}

export interface AccountDiscoveryOptions {
  readonly listers: () => readonly AccountLister[];
  /** Called after lists, successful or not. */
  readonly onListed: () => Promise<void>;
  /** Wall clock, milliseconds. */
  readonly clock: () => number;
  readonly log: Readonly<Record<'warn' | 'info', (message: string) => void>>;
  /** Monotonic clock in milliseconds. Default: performance.now. */
  readonly monotonic?: () => number;
  /** In [0, 1): jitter of retries. Default: Math.random. */
  readonly random?: () => number;
  /** Resolves when the time has passed or the signal aborts. Default: a timer. */
  readonly pause?: (milliseconds: number, signal: AbortSignal) => Promise<void>;
}

const INTERVAL_MS = 10 * 60_000;
const FIRST_RETRY_MS = 5_000;
/** Retries are delayed by up to this part more, so that several exporters spread out. */
const RETRY_JITTER = 0.25;
/** How often a lasting failure is logged again. */
const REMIND_MS = 10 * 60_000;

interface Known {
  list: AccountList;
  failures: number;
  /** Monotonic. */
  dueAt: number;
  reported: { readonly reason: FailureReason; readonly at: number } | undefined;
}

export function createAccountDiscovery(options: AccountDiscoveryOptions): AccountDiscovery {
  const { listers, onListed, clock, log, monotonic = () => performance.now() } = options;
  const { random = Math.random, pause = timerPause } = options;
  const known = new Map<string, Known>();
  const stopping = new AbortController();
  let wake = new AbortController();
  let running: Promise<void> | undefined;

  const reportFailure = (token: Known, name: string, { reason, message }: Failure): void => {
    const now = monotonic();
    const { reported } = token;
    if (reported?.reason === reason && now - reported.at < REMIND_MS) return;
    token.reported = { reason, at: now };
    const { size } = token.list.accounts;
    const kept = size === 1 ? 'the known account stays' : `the ${size} known accounts stay`;
    const meanwhile = size === 0 ? '' : `; ${kept}`;
    log.warn(`Cannot list the accounts of ${name}: ${message}${meanwhile}`);
  };

  const reportSuccess = (token: Known, name: string): void => {
    if (token.reported !== undefined) log.info(`the accounts of ${name} can be listed again`);
    token.reported = undefined;
    const missing = [...token.list.accounts.values()].filter(({ missed }) => missed > 0);
    if (missing.length === 0) return;
    log.info(
      `no longer among the accounts of ${name}, and dropped if the next list does not contain them either: ${namesOf(missing)}`,
    );
  };

  const listOne = async ({ key, name, list }: AccountLister): Promise<boolean> => {
    const result = await list(stopping.signal);
    const token = known.get(key);
    if (token === undefined || stopping.signal.aborted) return false;
    const waitFor = (milliseconds: number): void => {
      // Unless listSoon was called meanwhile.
      if (token.dueAt === Infinity) token.dueAt = monotonic() + milliseconds;
    };
    if (!result.ok && isStopped(result.failure)) {
      // New settings have stopped the request.
      waitFor(FIRST_RETRY_MS);
      return false;
    }
    token.list = afterList(token.list, result, clock());
    token.failures = result.ok ? 0 : token.failures + 1;
    const retryMs = FIRST_RETRY_MS * 2 ** (token.failures - 1) * (1 + RETRY_JITTER * random());
    waitFor(result.ok ? INTERVAL_MS : Math.min(retryMs, INTERVAL_MS));
    if (result.ok) reportSuccess(token, name);
    else reportFailure(token, name, result.failure);
    return result.ok;
  };

  const listAll = async (due: readonly AccountLister[]): Promise<boolean> => {
    for (const { key } of due) {
      const token = known.get(key);
      if (token !== undefined) token.dueAt = Infinity;
    }
    const complete = await Promise.all(due.map(listOne));
    if (due.length > 0 && !stopping.signal.aborted) await onListed();
    return complete.every(Boolean);
  };

  const dueAt = (key: string): number => known.get(key)?.dueAt ?? Infinity;

  const run = async (): Promise<void> => {
    while (!stopping.signal.aborted) {
      wake = new AbortController();
      const now = monotonic();
      await listAll(listers().filter(({ key }) => dueAt(key) <= now));
      const next = Math.min(INTERVAL_MS, ...listers().map(({ key }) => dueAt(key) - monotonic()));
      if (!stopping.signal.aborted) await pause(Math.max(0, next), wake.signal);
    }
  };

  return {
    start: () => {
      running ??= run();
    },
    once: () => listAll(listers()),
    listSoon: () => {
      for (const token of known.values()) token.dueAt = -Infinity;
      wake.abort();
    },
    reconfigure: (tokens) => {
      const keys = new Set(tokens.map(({ key }) => key));
      for (const key of known.keys()) if (!keys.has(key)) known.delete(key);
      for (const { key, accounts } of tokens) {
        if (known.has(key)) continue;
        known.set(key, { list: assumed(accounts), failures: 0, dueAt: -Infinity, reported: undefined });
      }
    },
    listOf: (key) => known.get(key)?.list ?? NEVER_LISTED,
    stop: async () => {
      stopping.abort();
      wake.abort();
      await running;
    },
  };
}

async function timerPause(milliseconds: number, signal: AbortSignal): Promise<void> {
  await sleep(milliseconds, undefined, { signal }).catch(() => undefined);
}
