import { createClockWatch } from '../cloudflare/clock-skew.ts';
import type { Config } from '../config/config.ts';
import type { Secrets } from '../config/secrets.ts';
import { type DiscoveryStatus, discoveryStatus } from '../core/discovery.ts';
import type { EventHistory } from '../core/events.ts';
import { edgeReadiness, type EdgeReadiness } from '../core/sidecar-state.ts';
import type { Snapshot } from '../core/snapshot.ts';
import type { MetricsPage } from '../exposition/page.ts';
import { createEventLog } from '../log/event-log.ts';
import type { Logger } from '../log/logger.ts';
import { createAccountDiscovery } from '../cloudflare/account-discovery.ts';
import type { BudgetGroup } from '../poller/loop.ts';
import { createSnapshotStore } from '../poller/store.ts';
import { createSelfMetrics } from '../self-metrics/self-metrics.ts';
import { buildInfo } from './build-info.ts';
import { createClientPool } from './client-pool.ts';
import { createDiscoveryLog } from './discovery-log.ts';
import { createEventRecorder } from './event-recorder.ts';
import { isEqual } from '../core/equal.ts';
import { createPolling, type Polling } from './polling.ts';
import { createServedPage } from './served-page.ts';
import { keyOfToken, listsOf, watchedAccounts } from './watched-accounts.ts';

export interface ExporterTools {
  readonly log: Logger;
  /** Values that the log must not show; updated when token files rotate. */
  readonly secrets: Pick<Secrets, 'add' | 'replaceConfigured'>;
}

export interface Exporter {
  readonly page: MetricsPage;
  readonly snapshot: () => Snapshot;
  readonly events: () => EventHistory;
  /** The state of account discovery; undefined if the configuration names all accounts. */
  readonly discovery: () => DiscoveryStatus | undefined;
  readonly start: () => void;
  /** Discovers accounts and polls once. Resolves to whether every account was found and answered. */
  readonly pollOnce: () => Promise<boolean>;
  /** Whether a poll has ended, successfully or not; later scrapes show its result. */
  readonly hasPolled: () => boolean;
  /** Whether the edge sees the sidecar's connector; undefined without a sidecar. */
  readonly edgeReadiness: () => EdgeReadiness | undefined;
  /** Applies other settings; what they do not concern continues. Must not overlap with `close`. */
  readonly reconfigure: (config: Config) => Promise<void>;
  readonly reloadFailed: () => void;
  readonly close: () => Promise<void>;
}

export async function createExporter(initial: Config, { log, secrets }: ExporterTools): Promise<Exporter> {
  const clock = Date.now;
  const { version, revision } = buildInfo();
  const selfMetrics = createSelfMetrics({
    version,
    revision,
    snapshot: () => store.current(),
    budgets: () => pool.budgets(),
    discovery: () => exporter.discovery(),
  });
  const pool = createClientPool({
    version,
    hooks: {
      ...selfMetrics.clientHooks,
      onClockSkew: createClockWatch({ log, monotonic: () => performance.now() }),
    },
    clock,
    log,
    onRegroup: () => void serialized(regroup),
    onReplaced: () => discovery.listSoon(),
  });
  const discovery = createAccountDiscovery({
    listers: () => pool.listers(),
    onListed: () =>
      serialized(watchDiscovered).catch((error: unknown) => {
        log.error({ err: error }, 'Cannot apply the discovered accounts; please report this');
      }),
    clock,
    log,
  });
  const discoveryLog = createDiscoveryLog({ log, isRunning: () => started });
  const page = createServedPage(initial, {
    selfMetrics: selfMetrics.metrics,
    rendered: selfMetrics.rendered,
    failed: (error) => {
      log.error(
        { err: error },
        'Cannot render the metrics page; the previous page stays; please report this',
      );
    },
  });
  const store = createSnapshotStore({
    accounts: initial.accounts,
    staleAfterMs: initial.poll.staleAfterMs,
    clock,
    onChange: (snapshot) => {
      events.observe(snapshot);
      page.render(snapshot);
    },
    onError: (error) => {
      log.error({ err: error }, 'Cannot hide stale data; please report this');
    },
  });
  const events = createEventRecorder({
    initial: store.current(),
    config: initial,
    blocks: () =>
      groups
        .map(({ tokens }) => ({
          accounts: tokens.flatMap(({ accounts }) =>
            accounts.map(({ id }) => store.current().accounts.get(id) ?? { id, name: '' }),
          ),
          until: tokens[0]?.client.budget.blockedUntil(),
        }))
        .filter(({ accounts }) => accounts.length > 0),
    log: createEventLog({ log, clock }),
    counted: selfMetrics.eventSeen,
  });
  let groups: readonly BudgetGroup[] = [];
  let loaded = initial;
  /** `loaded` with the discovered accounts. */
  let config = initial;
  let polled = false;
  let started = false;
  let closed = false;
  let lastChange: Promise<unknown> = Promise.resolve();

  /** Runs changes of what is polled one after the other. */
  const serialized = async <T>(change: () => Promise<T>): Promise<T> => {
    const changed = lastChange.then(change);
    lastChange = changed.catch(() => undefined);
    return changed;
  };

  /** Restarts polling with the current owners' budgets. `once` groups the tokens itself before it polls. */
  const regroup = async (): Promise<void> => {
    if (!started || closed) return;
    await polling.stop();
    polling = await openPolling();
    polling.start();
  };

  const openPolling = async (): Promise<Polling> => {
    groups = await pool.use(config);
    for (const { token } of groups.flatMap(({ tokens }) => tokens)) {
      // A token file may have changed since the configuration was read.
      secrets.add(token.current() ?? '', token);
    }
    const pollFinished: typeof selfMetrics.pollFinished = (poll) => {
      selfMetrics.pollFinished(poll);
      polled ||= exporter.discovery()?.unknown === undefined;
    };
    return createPolling({
      config,
      groups,
      store,
      clock,
      log,
      secrets,
      selfMetrics: { ...selfMetrics, pollFinished },
    });
  };

  const withDiscovered = (next: Config): Config => ({
    ...next,
    accounts: watchedAccounts(next, discovery.listOf),
  });

  /** Sets the tokens that discover accounts. A token's current accounts are its first list. */
  const setDiscovery = (next: Config): void => {
    const named = new Set(next.accounts.map(({ id }) => id));
    discovery.reconfigure(
      (next.discovery?.tokens ?? []).map(({ token }) => {
        const key = keyOfToken(token);
        const accounts = config.accounts.filter(
          (account) => keyOfToken(account.token) === key && !named.has(account.id),
        );
        return { key, accounts };
      }),
    );
  };

  const apply = async (next: Config): Promise<void> => {
    const pollingChanges = !isEqual(pollingSettings(config), pollingSettings(next));
    const selectionChanges = !isEqual(config.tunnels, next.tunnels);
    const keepsSidecar = isEqual(sidecarIdentity(config), sidecarIdentity(next));
    // Answers to requests under the old settings must not get into the new snapshot.
    if (pollingChanges) await polling.stop();
    config = next;
    page.reconfigure(next);
    events.reconfigure(next, () => {
      store.reconfigure(
        {
          accounts: next.accounts,
          types: next.tunnels.types,
          selection: next.tunnels,
          configurations: next.tunnels.configurations,
          routes: next.tunnels.routes,
          selectsOthers: selectionChanges,
          hasSidecar: next.sidecar !== undefined && keepsSidecar,
        },
        next.poll.staleAfterMs,
      );
    });
    if (!pollingChanges) return;
    polling = await openPolling();
    await pool.closeUnused();
    if (started) polling.start();
  };

  /** Applies the lists of accounts, which may have changed. */
  const watchDiscovered = async (): Promise<void> => {
    if (closed) return;
    const before = config.accounts;
    const next = withDiscovered(loaded);
    if (!isEqual(before, next.accounts)) await apply(next);
    discoveryLog.listed(next, { before, lists: listsOf(loaded, discovery.listOf) });
  };

  setDiscovery(initial);
  let polling = await openPolling();
  selfMetrics.configLoaded({ at: clock(), ok: true });
  page.render(store.current());

  const exporter: Exporter = {
    page,
    snapshot: store.current,
    events: events.history,
    discovery: () => loaded.discovery && discoveryStatus(listsOf(loaded, discovery.listOf)),
    start: () => {
      started = true;
      discovery.start();
      polling.start();
    },
    pollOnce: async () => {
      const found = await discovery.once();
      await pool.ownersAsked();
      polling = await openPolling();
      const isComplete = await polling.once();
      return isComplete && found;
    },
    hasPolled: () => polled,
    edgeReadiness: () =>
      config.sidecar &&
      edgeReadiness(store.current().sidecar, {
        now: clock(),
        staleAfterMs: config.poll.staleAfterMs,
        minConnections: config.sidecar.minConnections,
      }),
    reconfigure: async (next) => {
      setDiscovery(next);
      loaded = next;
      await apply(withDiscovered(next));
      discovery.listSoon();
      selfMetrics.configLoaded({ at: clock(), ok: true });
    },
    reloadFailed: () => selfMetrics.configLoaded({ at: clock(), ok: false }),
    close: async () => {
      closed = true;
      // Stops polling at once. A change that is in progress may start polling again, so it is
      // stopped after it, too.
      await Promise.all([discovery.stop(), polling.stop()]);
      await lastChange;
      await polling.stop();
      store.stop();
      events.close();
      await pool.close();
    },
  };
  return { ...exporter, reconfigure: (next) => serialized(() => exporter.reconfigure(next)) };
}

/** The settings whose change restarts polling. The names of accounts are not among them. */
function pollingSettings({ accounts, discovery, cloudflare, poll, tunnels, sidecar }: Config): unknown {
  const nameless = accounts.map((account) => ({ ...account, name: '' }));
  return { accounts: nameless, tokens: discovery?.tokens, cloudflare, poll, tunnels, sidecar };
}

function sidecarIdentity({ sidecar }: Config): unknown {
  return sidecar && { url: sidecar.cloudflaredUrl, tunnel: sidecar.tunnel };
}
