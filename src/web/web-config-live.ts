import { withFiles, type ReadFileAsync } from '../config/files.ts';
import { readWebConfig, type WebConfig, type WebConfigReading } from './web-config.ts';

export interface LiveWebConfigOptions {
  readonly readFile: ReadFileAsync;
  readonly log: {
    readonly info: (details: object, message: string) => void;
    readonly error: (details: object, message: string) => void;
  };
  /** Time between two reads of the files. Default: two seconds. */
  readonly intervalMs?: number;
}

/** A web configuration that follows its file and the certificate files that it names. */
export interface LiveWebConfig {
  /** The last valid one. */
  readonly current: () => WebConfig;
  /** Called after each change. */
  readonly onChange: (listener: () => void) => void;
  /** Reads the files again; after the read that is in progress, if there is one. */
  readonly refresh: () => Promise<void>;
  readonly stop: () => void;
}

export type Opened =
  | { readonly ok: true; readonly live: LiveWebConfig }
  | { readonly ok: false; readonly problems: readonly string[] };

/**
 * Opens a web configuration, and reads its files again at an interval. Compares contents: a mounted
 * Secret is a link to a link, so its modification time does not show changes. A configuration that
 * is no longer valid is logged once, and the last valid one stays in use.
 */
export async function openWebConfig(file: string, options: LiveWebConfigOptions): Promise<Opened> {
  const { readFile, log, intervalMs = 2_000 } = options;
  let contents: ReadonlyMap<string, string> = new Map();
  const readAll = async (): Promise<WebConfigReading> => {
    const read = new Map<string, string>();
    const reading = await withFiles(
      (readNow) => readWebConfig(file, readNow),
      (path) => readInto(read, path),
    );
    contents = read;
    return reading;
  };
  /** Reads a file, and records its text, or the error if it cannot be read. */
  const readInto = async (record: Map<string, string>, path: string): Promise<string> => {
    try {
      const text = await readFile(path);
      record.set(path, `text ${text}`);
      return text;
    } catch (error) {
      record.set(path, `error ${String(error)}`);
      throw error;
    }
  };
  const isUnchanged = async (): Promise<boolean> => {
    const now = new Map<string, string>();
    await Promise.allSettled([...contents.keys()].map((path) => readInto(now, path)));
    return [...contents].every(([path, content]) => now.get(path) === content);
  };
  const first = await readAll();
  if (!first.ok) return first;
  let current = first.value;
  let stopped = false;
  let refreshing: Promise<void> | undefined;
  const listeners: (() => void)[] = [];

  const refreshNow = async (): Promise<void> => {
    if (await isUnchanged()) return;
    const reading = await readAll();
    if (stopped) return;
    const problems = reading.ok ? changeProblems(current, reading.value) : reading.problems;
    if (!reading.ok || problems.length > 0) {
      log.error({ problems }, 'Cannot use the changed web configuration; the previous one stays in use');
      return;
    }
    current = reading.value;
    for (const listener of listeners) listener();
    log.info({ file }, 'the changed web configuration is in use');
  };
  const refresh = async (): Promise<void> => {
    await refreshing;
    refreshing ??= refreshNow()
      .catch((error: unknown) =>
        log.error({ err: error }, 'Cannot follow the web configuration; the previous one stays in use'),
      )
      .finally(() => (refreshing = undefined));
    await refreshing;
  };
  const timer = setInterval(() => void refresh(), intervalMs);
  timer.unref();
  return {
    ok: true,
    live: {
      current: () => current,
      onChange: (listener) => void listeners.push(listener),
      refresh,
      stop: () => {
        stopped = true;
        clearInterval(timer);
      },
    },
  };
}

/**
 * Returns the problems of a change while running. The listeners serve either TLS or plain HTTP.
 * Passwords can be added and replaced, but not all removed: an empty or half-written file must not
 * open what was protected.
 */
function changeProblems(from: WebConfig, to: WebConfig): readonly string[] {
  const problems: string[] = [];
  if ((from.tls === undefined) !== (to.tls === undefined)) {
    const what = to.tls ? 'turned on' : 'turned off';
    problems.push(`tls_server_config: TLS cannot be ${what} while running; restart the exporter`);
  }
  if (from.users.size > 0 && to.users.size === 0)
    problems.push('basic_auth_users: passwords cannot be turned off while running; restart the exporter');
  return problems;
}
