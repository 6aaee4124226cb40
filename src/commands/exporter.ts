import { hostname } from 'node:os';
import { type ClientOptions, createClient } from '../cloudflare/client.ts';
import { createToken } from '../cloudflare/token.ts';
import type { Config } from '../config/config.ts';
import type { Snapshot } from '../core/snapshot.ts';
import { createMetricsPage, type SnapshotPage } from '../exposition/metrics-page.ts';
import type { Logger, Secrets } from '../log.ts';
import type { TokenGroup } from '../poller/pass.ts';
import { createPoller, type Poller } from '../poller/poller.ts';
import { offsetOf } from '../poller/schedule.ts';
import { createSnapshotStore } from '../poller/store.ts';
import { createTelemetry } from '../telemetry.ts';
import { about } from './about.ts';
import { groupByToken } from './token-groups.ts';

/** What every command works with. */
export interface ExporterTools {
  readonly log: Logger;
  /** What the log must not show; grows as token files rotate. */
  readonly secrets: Pick<Secrets, 'add'>;
}

/** Everything between the configuration and the web server, wired together. */
export interface Exporter {
  readonly page: SnapshotPage;
  readonly snapshot: () => Snapshot;
  readonly poller: Poller;
  /** Whether a poll has ended, well or not, and the page shows what came of it. */
  readonly hasPolled: () => boolean;
  /** Resolves when the newest snapshot is on the page. */
  readonly rendered: () => Promise<void>;
  readonly close: () => Promise<void>;
}

export async function createExporter(config: Config, { log, secrets }: ExporterTools): Promise<Exporter> {
  const clock = Date.now;
  const { version, revision } = about();
  const groups: TokenGroup[] = [];
  const telemetry = createTelemetry({
    version,
    revision,
    snapshot: () => store.current(),
    budgets: () => groups.map(({ client }) => client.budget),
  });
  const page = createMetricsPage({
    families: config.metrics,
    context: { types: config.tunnels.types, expected: config.expectedTunnels },
    allows: (name) => isAllowed(name, config.metrics),
    own: telemetry.metrics,
  });
  let rendering = Promise.resolve();
  const render = (snapshot: Snapshot): void => {
    rendering = page.publish(snapshot).then(telemetry.rendered, (error: unknown) => {
      log.error({ err: error }, 'Cannot render the metrics page; the one before stays; please report this');
    });
  };
  const store = createSnapshotStore({
    accounts: config.accounts,
    staleAfterMs: config.poll.staleAfterMs,
    clock,
    onChange: render,
  });
  groups.push(...(await createGroups(config, { version, hooks: telemetry.clientHooks, clock })));
  // A token file may have changed since the configuration was read.
  for (const { token } of groups) secrets.add(token.current() ?? '');
  const offsetMs = offsetOf(hostname(), config.poll.jitterMs);
  let polled = false;
  const pageShowsPoll = async (): Promise<void> => {
    await rendering;
    polled = true;
  };
  const pollFinished: typeof telemetry.pollFinished = (poll) => {
    telemetry.pollFinished(poll);
    void pageShowsPoll();
  };
  const poller = createPoller({
    config,
    groups,
    store,
    clock,
    offsetMs,
    log,
    secrets,
    telemetry: { ...telemetry, pollFinished },
  });
  telemetry.configLoaded({ at: clock(), ok: true });
  render(store.current());
  return {
    page,
    snapshot: store.current,
    poller,
    hasPolled: () => polled,
    rendered: () => rendering,
    close: async () => {
      await poller.stop();
      store.stop();
      await Promise.all(groups.map(({ client }) => client.close()));
    },
  };
}

function isAllowed(name: string, { allow, deny }: Config['metrics']): boolean {
  if (allow.length > 0 && !allow.some((expression) => expression.test(name))) return false;
  return !deny.some((expression) => expression.test(name));
}

function createGroups(
  { accounts, cloudflare }: Config,
  options: Pick<ClientOptions, 'version' | 'hooks' | 'clock'>,
): Promise<readonly TokenGroup[]> {
  return Promise.all(
    groupByToken(accounts).map(async (group) => {
      const token = await createToken(group[0].token);
      return {
        accounts: group,
        token,
        client: createClient({ ...options, config: cloudflare, token, random: Math.random }),
      };
    }),
  );
}
