import type { Config } from '../config/config.ts';
import type { LoadResult } from '../config/load.ts';
import type { Secrets } from '../config/secrets.ts';
import type { Logger } from '../log/logger.ts';
import { isEqual } from '../core/equal.ts';
import { watchedFields } from './watched-accounts.ts';

export interface ReloaderOptions {
  /** The configuration at the start. Settings that cannot change at run time are taken from it. */
  readonly initial: Config;
  readonly load: () => Promise<LoadResult>;
  readonly apply: (config: Config) => Promise<void>;
  /** Called when the configuration is invalid and the current one stays. */
  readonly failed: () => void;
  readonly log: Pick<Logger, 'error' | 'warn' | 'info' | 'level'>;
  readonly secrets: Pick<Secrets, 'replaceConfigured'>;
}

export interface Reloader {
  /** Runs reloads one after the other. Resolves to the problems, one line each. */
  readonly reload: () => Promise<readonly string[]>;
  /** Prevents further reloads. Resolves when the current one has ended. */
  readonly stop: () => Promise<void>;
}

export function createReloader(options: ReloaderOptions): Reloader {
  const { initial, load, apply, failed, log, secrets } = options;
  let last: Promise<unknown> = Promise.resolve();
  let stopped = false;

  const reloadNow = async (): Promise<readonly string[]> => {
    if (stopped) return ['the exporter is stopping'];
    const loaded = await load();
    if (loaded.kind !== 'loaded') {
      const problems = loaded.kind === 'invalid' ? loaded.problems : [];
      for (const problem of problems) log.error(problem);
      log.error('the configuration is not reloaded: the previous settings stay in use');
      failed();
      return problems;
    }
    secrets.replaceConfigured(loaded.secrets);
    for (const warning of loaded.warnings) log.warn(warning);
    const { config } = loaded;
    for (const setting of fixedOf(initial, config)) {
      log.warn(`${setting}: a change takes effect with the next start, not by reloading`);
    }
    await apply({ ...config, web: initial.web });
    log.level = config.log.level;
    log.info(watchedFields(config), 'configuration reloaded');
    return [];
  };

  return {
    reload: () => {
      const reloaded = last.then(reloadNow).catch((error: unknown) => {
        log.error({ err: error }, 'Unexpected error while reloading; please report this');
        failed();
        return ['unexpected error while reloading; see the log'];
      });
      last = reloaded;
      return reloaded;
    },
    stop: async () => {
      stopped = true;
      await last;
    },
  };
}

/** Changed settings that cannot change at run time. */
function fixedOf({ web, log }: Config, next: Config): readonly string[] {
  const pairs: readonly (readonly [string, unknown, unknown])[] = [
    ['web.listen-address', web.listenAddresses, next.web.listenAddresses],
    ['web.telemetry-path', web.telemetryPath, next.web.telemetryPath],
    ['web.max-requests', web.maxRequests, next.web.maxRequests],
    ['web.config.file', web.configFile, next.web.configFile],
    ['web.enable-lifecycle', web.enableLifecycle, next.web.enableLifecycle],
    ['log.format', log.format, next.log.format],
  ];
  return pairs.filter(([, before, after]) => !isEqual(before, after)).map(([setting]) => setting);
}
