import { hostname } from 'node:os';
import type { Config } from '../config/config.ts';
import { type DiscoveryStatus, discoveryStatus } from '../core/discovery.ts';
import type { EventHistory } from '../core/events.ts';
import { edgeReadiness, type EdgeReadiness } from '../core/sidecar.ts';
import type { Snapshot } from '../core/snapshot.ts';
import { createEventLog } from '../log/event-log.ts';
import type { MetricsPage } from '../exposition/page.ts';
import type { Secrets } from '../config/secrets.ts';
import type { Logger } from '../log/logger.ts';
import { createAccountDiscovery } from '../poller/account-discovery.ts';
import type { BudgetGroup, TokenGroup } from '../poller/budget-group.ts';
import { createPoller, type Poller } from '../poller/poller.ts';
import { offsetOf } from '../poller/schedule.ts';
import { createSnapshotStore } from '../poller/store.ts';
import { createCloudflared } from '../sidecar/cloudflared.ts';
import { createSidecar, type Sidecar } from '../sidecar/sidecar.ts';
import { createSelfMetrics } from '../self-metrics/self-metrics.ts';
import { about } from './about.ts';
import { createClientPool } from './client-pool.ts';
import { createClockWatch } from '../cloudflare/clock-skew.ts';
import { createEventRecorder } from './event-recorder.ts';
import { isSame } from './is-same.ts';
import { createDiscoveryLog } from './discovery-log.ts';
import { createServedPage } from './served-page.ts';
import { keyOfToken } from './token-groups.ts';
import { listsOf, watchedAccounts } from './watched-accounts.ts';

/** What every command works with. */
export interface ExporterTools {
  readonly log: Logger;
  /** What the log must not show; follows the token files as they rotate. */
  readonly secrets: Pick<Secrets, 'add' | 'replaceConfigured'>;
}

/** Everything between the configuration and the web server, wired together. */
export interface Exporter {
  readonly page: MetricsPage;
  readonly snapshot: () => Snapshot;
  /** What changed. */
  readonly events: () => EventHistory;
  /** What came of looking for accounts; `undefined` where all of them are named. */
  readonly discovery: () => DiscoveryStatus | undefined;
  /** Starts to look for accounts and to poll. */
  readonly start: () => void;
  /** One full pass, and what the sidecar is told; resolves to whether all accounts were found and answered. */
  readonly pollOnce: () => Promise<boolean>;
  /** Whether a poll has ended, well or not; every scrape from then on shows what came of it. */
  readonly hasPolled: () => boolean;
  /** Whether the edge sees the connector beside us; `undefined` where there is none. */
  readonly edgeReadiness: () => EdgeReadiness | undefined;
  /**
   * Goes on with other settings. What stays the same goes on as it was: counters, budgets, and polling itself. Must not
   * overlap with `close`.
   */
  readonly reconfigure: (config: Config) => Promise<void>;
  /** The configuration could not be loaded again. */
  readonly reloadFailed: () => void;
  readonly close: () => Promise<void>;
}

/** What asks, and ends when the settings that it asks under do. */
interface Asking {
  readonly poller: Poller;
  readonly sidecar: Sidecar | undefined;
}

export async function createExporter(initial: Config, { log, secrets }: ExporterTools): Promise<Exporter> {
  const clock = Date.now;
  const { version, revision } = about();
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
    onRegroup: () => void inTurn(regroup),
    onReplaced: () => discovery.listSoon(),
  });
  const discovery = createAccountDiscovery({
    listers: () => pool.listers(),
    onListed: () =>
      inTurn(watchDiscovered).catch((error: unknown) => {
        log.error({ err: error }, 'Cannot watch other accounts than before; please report this');
      }),
    clock,
    log,
  });
  const discoveryLog = createDiscoveryLog({ log, goesOn: () => started });
  const page = createServedPage(initial, {
    own: selfMetrics.metrics,
    rendered: selfMetrics.rendered,
    failed: (error) => {
      log.error({ err: error }, 'Cannot render the metrics page; the one before stays; please report this');
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
  /** As loaded. */
  let settings = initial;
  /** The same with the accounts that were found. */
  let config = initial;
  let polled = false;
  let started = false;
  let closed = false;
  let last: Promise<unknown> = Promise.resolve();

  /** Changes of what is asked, one after the other. */
  const inTurn = async <T>(change: () => Promise<T>): Promise<T> => {
    const changed = last.then(change);
    last = changed.catch(() => undefined);
    return changed;
  };

  /** Goes on with the same settings, and with budgets by owner of the tokens. `once` does so before it begins. */
  const regroup = async (): Promise<void> => {
    if (!started || closed) return;
    await stop(asking);
    asking = await ask();
    start(asking);
  };

  const ask = async (): Promise<Asking> => {
    groups = await pool.use(config);
    const tokens = groups.flatMap((group) => group.tokens);
    // A token file may have changed since the configuration was read.
    for (const { token } of tokens) secrets.add(token.current() ?? '', token);
    const sidecar = openSidecar(tokens);
    const pollFinished: typeof selfMetrics.pollFinished = (poll) => {
      selfMetrics.pollFinished(poll);
      polled ||= exporter.discovery()?.unknown === undefined;
      void sidecar?.checkEdge();
    };
    const offsetMs = offsetOf(hostname(), config.poll.jitterMs);
    const options = {
      config,
      groups,
      store,
      clock,
      offsetMs,
      log,
      secrets,
    };
    return { poller: createPoller({ ...options, selfMetrics: { ...selfMetrics, pollFinished } }), sidecar };
  };

  const openSidecar = ([group]: readonly TokenGroup[]): Sidecar | undefined => {
    if (config.sidecar === undefined || group === undefined) return undefined;
    const { cloudflaredUrl, tunnel, minConnections } = config.sidecar;
    return createSidecar({
      cloudflared: createCloudflared(cloudflaredUrl),
      connector: (id, signal) => group.client.connector(tunnel, id, signal),
      state: () => store.current().sidecar,
      observe: store.applySidecar,
      minConnections,
      clock,
      log,
    });
  };

  const withDiscovered = (loaded: Config): Config => ({
    ...loaded,
    accounts: watchedAccounts(loaded, discovery.listOf),
  });

  /** Tokens that are to find accounts. Those that they were used for until now are the first. */
  const expectAccounts = (loaded: Config): void => {
    const named = new Set(loaded.accounts.map(({ id }) => id));
    discovery.reconfigure(
      (loaded.discovery?.tokens ?? []).map(({ token }) => {
        const key = keyOfToken(token);
        const accounts = config.accounts.filter(
          (account) => keyOfToken(account.token) === key && !named.has(account.id),
        );
        return { key, accounts };
      }),
    );
  };

  const goOnWith = async (next: Config): Promise<void> => {
    const asksOtherwise = !isSame(askedUnder(config), askedUnder(next));
    const selectsOthers = !isSame(config.tunnels, next.tunnels);
    const keepsSidecar = isSame(besideUs(config), besideUs(next));
    // Before the snapshot changes: what the old settings asked for must not come back into it.
    if (asksOtherwise) await stop(asking);
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
          selectsOthers,
          hasSidecar: next.sidecar !== undefined && keepsSidecar,
        },
        next.poll.staleAfterMs,
      );
    });
    if (!asksOtherwise) return;
    asking = await ask();
    await pool.closeUnused();
    if (started) start(asking);
  };

  /** The accounts that are listed now may be others than before. */
  const watchDiscovered = async (): Promise<void> => {
    if (closed) return;
    const before = config.accounts;
    const next = withDiscovered(settings);
    if (!isSame(before, next.accounts)) await goOnWith(next);
    discoveryLog.listed(next, { before, lists: listsOf(settings, discovery.listOf) });
  };

  expectAccounts(initial);
  let asking = await ask();
  selfMetrics.configLoaded({ at: clock(), ok: true });
  page.render(store.current());

  const exporter: Exporter = {
    page,
    snapshot: store.current,
    events: events.history,
    discovery: () => settings.discovery && discoveryStatus(listsOf(settings, discovery.listOf)),
    start: () => {
      started = true;
      discovery.start();
      start(asking);
    },
    pollOnce: async () => {
      const found = await discovery.once();
      await pool.ownersAsked();
      asking = await ask();
      const { poller, sidecar } = asking;
      await sidecar?.checkCloudflared();
      const whole = await poller.pollOnce();
      await sidecar?.checkEdge();
      return whole && found;
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
      expectAccounts(next);
      settings = next;
      await goOnWith(withDiscovered(next));
      discovery.listSoon();
      selfMetrics.configLoaded({ at: clock(), ok: true });
    },
    reloadFailed: () => selfMetrics.configLoaded({ at: clock(), ok: false }),
    close: async () => {
      closed = true;
      // Polling stops at once, whatever is going on; what a change begins meanwhile stops after it.
      await Promise.all([discovery.stop(), stop(asking)]);
      await last;
      await stop(asking);
      store.stop();
      events.close();
      await pool.close();
    },
  };
  return { ...exporter, reconfigure: (next) => inTurn(() => exporter.reconfigure(next)) };
}

function start({ poller, sidecar }: Asking): void {
  poller.start();
  sidecar?.start();
}

async function stop({ poller, sidecar }: Asking): Promise<void> {
  await Promise.all([poller.stop(), sidecar?.stop()]);
}

/** The settings that polling depends on. Others can change while it goes on, and so can names of accounts. */
function askedUnder({ accounts, discovery, cloudflare, poll, tunnels, sidecar }: Config): unknown {
  const nameless = accounts.map((account) => ({ ...account, name: '' }));
  return { accounts: nameless, tokens: discovery?.tokens, cloudflare, poll, tunnels, sidecar };
}

/** The cloudflared that is asked, and for which tunnel. */
function besideUs({ sidecar }: Config): unknown {
  return sidecar && { url: sidecar.cloudflaredUrl, tunnel: sidecar.tunnel };
}
