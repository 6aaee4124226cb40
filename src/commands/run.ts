import type { Config } from '../config/config.ts';
import { hasFreshData } from '../core/snapshot.ts';
import { intervalOf } from '../poller/schedule.ts';
import { createWebServer } from '../web/server.ts';
import { about } from './about.ts';
import { createExporter, type Exporter, type ExporterTools } from './exporter.ts';
import { onStopSignal } from './signals.ts';

/** However long a scrape takes: a SIGTERM is obeyed within five seconds. */
const STOP_DEADLINE_MS = 4_000;

/** Polls and serves until SIGTERM or SIGINT; resolves to the exit code. */
export async function run(config: Config, tools: ExporterTools): Promise<number> {
  const { log } = tools;
  // From the start: a signal that comes before it is waited for must not be lost, nor kill.
  const stopSignal = onStopSignal();
  const exporter = await createExporter(config, tools);
  let stopping = false;
  const web = createWebServer({
    config: config.web,
    page: exporter.page,
    snapshot: exporter.snapshot,
    readiness: () => (stopping ? { ready: false, reason: 'stopping' } : readiness(exporter)),
    clock: Date.now,
    log,
    version: about().version,
    lateAfterMs: 2 * intervalOf(config.poll.schedule) + config.poll.jitterMs,
  });
  try {
    await web.listen();
  } catch (error) {
    log.error(error instanceof Error ? error.message : String(error));
    await exporter.close();
    return 1;
  }
  log.info({ addresses: web.addresses(), accounts: config.accounts.map(({ id }) => id) }, 'serving metrics');
  exporter.poller.start();

  const signal = await stopSignal;
  log.info({ signal }, 'stopping: in-flight scrapes finish, polling is abandoned');
  stopping = true;
  const deadline = setTimeout(() => void web.close(), STOP_DEADLINE_MS);
  await Promise.all([web.drain(), exporter.close()]);
  clearTimeout(deadline);
  log.info('stopped');
  return 0;
}

function readiness({ hasPolled, snapshot }: Exporter): { readonly ready: boolean; readonly reason: string } {
  if (!hasPolled()) return { ready: false, reason: 'the first poll has not finished yet' };
  if (hasFreshData(snapshot())) return { ready: true, reason: '' };
  return { ready: false, reason: 'no account has fresh data; the log says why, and so does the status page' };
}
