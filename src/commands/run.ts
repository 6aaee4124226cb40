import { setTimeout as sleep } from 'node:timers/promises';
import { shownProxy } from '../config/proxy.ts';
import type { Config } from '../config/config.ts';
import { readConfigText } from '../config/files.ts';
import type { LoadResult } from '../config/load.ts';
import { hasFreshData, isEveryAccountListed, type Snapshot } from '../core/snapshot.ts';
import { intervalOf } from '../poller/schedule.ts';
import type { Readiness } from '../web/router.ts';
import { createWebServer } from '../web/server.ts';
import { openWebConfig } from '../web/web-config-live.ts';
import { buildInfo } from './build-info.ts';
import { createExporter, type ExporterTools } from './exporter.ts';
import { createReloader } from './reload.ts';
import { watchedFields } from './watched-accounts.ts';
import { onReloadSignal, onStopSignal } from './signals.ts';

/** For scrapes in flight after SIGTERM; with CLOSING_MS, the process ends within five seconds. */
const STOP_DEADLINE_MS = 4_000;
/** How long closing connections may take after that. */
const CLOSING_MS = 500;

export interface RunTools extends ExporterTools {
  readonly load: () => Promise<LoadResult>;
}

/** Polls and serves until SIGTERM or SIGINT; resolves to the exit code. */
export async function run(initial: Config, tools: RunTools): Promise<number> {
  const { log, secrets, load } = tools;
  // Installed first: a signal during the start must neither be lost nor kill the process.
  const stopSignal = onStopSignal();
  const reloadSignals = onReloadSignal();
  const { configFile } = initial.web;
  const webConfig =
    configFile === undefined ? undefined : await openWebConfig(configFile, { readFile: readConfigText, log });
  if (webConfig?.ok === false) {
    // It was valid when the configuration was loaded.
    for (const problem of webConfig.problems) log.error(problem);
    return 1;
  }
  let config = initial;
  let stopping = false;
  const startedAt = performance.now();
  const exporter = await createExporter(config, tools);
  const reloader = createReloader({
    initial,
    load,
    apply: async (next) => {
      await exporter.reconfigure(next);
      config = next;
    },
    failed: exporter.reloadFailed,
    log,
    secrets,
  });
  const web = createWebServer({
    config: initial.web,
    page: exporter.page,
    snapshot: exporter.snapshot,
    events: exporter.events,
    readiness: () =>
      stopping
        ? { ready: false, reason: 'stopping' }
        : readiness(exporter.snapshot(), {
            sinceStartMs: performance.now() - startedAt,
            hasPolled: exporter.hasPolled(),
            accountsUnknown: exporter.discovery()?.unknown,
          }),
    edgeReadiness: exporter.edgeReadiness,
    reload: initial.web.enableLifecycle ? reloader.reload : undefined,
    clock: Date.now,
    log,
    webConfig: webConfig?.live,
    version: buildInfo().version,
    showsOriginIps: () => config.metrics.originIp,
    lateAfterMs: () => 2 * intervalOf(config.poll.schedule) + config.poll.jitterMs,
  });
  try {
    await web.listen();
  } catch (error) {
    log.error(error instanceof Error ? error.message : String(error));
    await exporter.close();
    return 1;
  }
  const { proxy } = config.cloudflare;
  const through = proxy === undefined ? {} : { proxy: shownProxy(proxy) };
  log.info({ addresses: web.addresses(), ...watchedFields(config), ...through }, 'serving metrics');
  exporter.start();
  reloadSignals.listen(() => void reloader.reload());

  const signal = await stopSignal;
  log.info({ signal }, 'stopping: in-flight scrapes finish, polling is abandoned');
  stopping = true;
  const deadline = setTimeout(() => void web.close(), STOP_DEADLINE_MS);
  const stopped = Promise.all([web.drain(), reloader.stop().then(exporter.close)]).then(() => true);
  const inTime = await Promise.race([stopped, sleep(STOP_DEADLINE_MS + CLOSING_MS, false)]);
  clearTimeout(deadline);
  webConfig?.live.stop();
  if (inTime) log.info('stopped');
  else log.error('stopped by force: a reload, a poll or a file read did not end in time');
  return 0;
}

/** How long readiness waits for the first list of every account. */
const LISTS_DEADLINE_MS = 30_000;
/** How long readiness waits for the first details, so that the first scrape shows connections. */
const DETAILS_DEADLINE_MS = 5_000;

export interface ReadinessOptions {
  readonly sinceStartMs: number;
  readonly hasPolled: boolean;
  /** Why the accounts are not known yet; undefined if they are. */
  readonly accountsUnknown?: string | undefined;
}

/** Ready if some account has fresh data and every account was listed or had its time. */
export function readiness(
  snapshot: Snapshot,
  { sinceStartMs, hasPolled, accountsUnknown }: ReadinessOptions,
): Readiness {
  const { accounts } = snapshot;
  if (accounts.size === 0 && accountsUnknown !== undefined)
    return { ready: false, reason: `the accounts are not known yet: ${accountsUnknown}` };
  const isWaiting = isEveryAccountListed(snapshot)
    ? !hasPolled && sinceStartMs < DETAILS_DEADLINE_MS
    : sinceStartMs < LISTS_DEADLINE_MS;
  if (isWaiting) {
    const listed = accounts
      .values()
      .reduce((count, { list }) => count + (list.answeredAt === undefined ? 0 : 1), 0);
    return { ready: false, reason: `the first poll has listed ${listed} of ${accounts.size} accounts` };
  }
  // A shard may have no accounts.
  if (accounts.size === 0 || hasFreshData(snapshot)) return { ready: true, reason: '' };
  return { ready: false, reason: 'no account has fresh data; the log says why, and so does the status page' };
}
