import { setTimeout as sleep } from 'node:timers/promises';
import { shownProxy } from '../config/proxy.ts';
import type { Config } from '../config/config.ts';
import { readConfigText } from '../config/files.ts';
import type { LoadResult } from '../config/load.ts';
import { intervalOf } from '../poller/schedule.ts';
import { createWebServer } from '../web/server.ts';
import { openWebConfig } from '../web/web-config-live.ts';
import { about } from './about.ts';
import { createExporter, type ExporterTools } from './exporter.ts';
import { readiness } from './readiness.ts';
import { createReloader } from './reload.ts';
import { watchedFields } from './watched-accounts.ts';
import { onReloadSignal, onStopSignal } from './signals.ts';

/** However long a scrape takes: a SIGTERM is obeyed within five seconds. */
const STOP_DEADLINE_MS = 4_000;
/** What closing connections may take beyond that. */
const CLOSING_MS = 500;

export interface RunTools extends ExporterTools {
  /** The configuration as it is now, for a reload. */
  readonly load: () => Promise<LoadResult>;
}

/** Polls and serves until SIGTERM or SIGINT; resolves to the exit code. */
export async function run(initial: Config, tools: RunTools): Promise<number> {
  const { log, secrets, load } = tools;
  // From the start: a signal that comes before it is waited for must not be lost, nor kill.
  const stopSignal = onStopSignal();
  const reloadSignals = onReloadSignal();
  const { configFile } = initial.web;
  const webConfig =
    configFile === undefined ? undefined : await openWebConfig(configFile, { readFile: readConfigText, log });
  if (webConfig?.ok === false) {
    // It was good a moment ago.
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
    version: about().version,
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
  reloadSignals.obey(() => void reloader.reload());

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
