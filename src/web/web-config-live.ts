import { withFiles, type ReadFileAsync } from '../config/files.ts';
import { readWebConfig } from './web-config.ts';
import type { WebConfig, WebConfigReading } from './web-config.ts';

export interface LiveWebConfigOptions {
  readonly readFile: ReadFileAsync;
  readonly log: {
    readonly info: (details: object, message: string) => void;
    readonly error: (details: object, message: string) => void;
  };
  /** How often the files are looked at; default two seconds. */
  readonly everyMs?: number;
}

/** A web configuration that follows its file, and the certificates that it names. */
export interface LiveWebConfig {
  /** The last good one. */
  readonly current: () => WebConfig;
  /** Called after each change. */
  readonly onChange: (listener: () => void) => void;
  /** Looks at the files now; at the latest when the look that is going on has ended. */
  readonly refresh: () => Promise<void>;
  readonly stop: () => void;
}

export type Opened =
  | { readonly ok: true; readonly live: LiveWebConfig }
  | { readonly ok: false; readonly problems: readonly string[] };

const DEFAULT_EVERY_MS = 2_000;

/**
 * Opens the file and looks at it again on a schedule. By content: a mounted Secret is a link to a
 * link, whose times tell little. What has become bad is logged once, and the last good
 * configuration stays.
 */
export async function openWebConfig(file: string, options: LiveWebConfigOptions): Promise<Opened> {
  const { readFile, log, everyMs = DEFAULT_EVERY_MS } = options;
  let seen: ReadonlyMap<string, string> = new Map();
  const read = async (): Promise<WebConfigReading> => {
    const contents = new Map<string, string>();
    const reading = await withFiles(
      (readNow) => readWebConfig(file, readNow),
      (path) => noted(contents, path),
    );
    seen = contents;
    return reading;
  };
  /** Reads a file, and notes its text; where it cannot be read, why. */
  const noted = async (contents: Map<string, string>, path: string): Promise<string> => {
    try {
      const text = await readFile(path);
      contents.set(path, `text ${text}`);
      return text;
    } catch (error) {
      contents.set(path, `no text: ${String(error)}`);
      throw error;
    }
  };
  const isAsSeen = async (): Promise<boolean> => {
    const now = new Map<string, string>();
    await Promise.allSettled([...seen.keys()].map((path) => noted(now, path)));
    return [...seen].every(([path, content]) => now.get(path) === content);
  };
  const first = await read();
  if (!first.ok) return first;
  let current = first.value;
  let stopped = false;
  let looking: Promise<void> | undefined;
  const listeners: (() => void)[] = [];

  const look = async (): Promise<void> => {
    if (await isAsSeen()) return;
    const reading = await read();
    if (stopped) return;
    const problems = reading.ok ? switchProblems(current, reading.value) : reading.problems;
    if (!reading.ok || problems.length > 0) {
      log.error({ problems }, 'Cannot use the changed web configuration; the one before stays');
      return;
    }
    current = reading.value;
    for (const listener of listeners) listener();
    log.info({ file }, 'the changed web configuration is in use');
  };
  const refresh = async (): Promise<void> => {
    await looking;
    looking ??= look()
      .catch((error: unknown) =>
        log.error({ err: error }, 'Cannot follow the web configuration; the one before stays'),
      )
      .finally(() => (looking = undefined));
    await looking;
  };
  const timer = setInterval(() => void refresh(), everyMs);
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
 * Whether connections are encrypted is settled when the listeners open. Passwords can be added and
 * replaced while running, but not removed altogether: an empty or half-written file must not open
 * what was closed.
 */
function switchProblems(from: WebConfig, to: WebConfig): readonly string[] {
  const problems: string[] = [];
  if ((from.tls === undefined) !== (to.tls === undefined)) {
    const what = to.tls ? 'turned on' : 'turned off';
    problems.push(`tls_server_config: TLS cannot be ${what} while running; restart the exporter`);
  }
  if (from.users.size > 0 && to.users.size === 0)
    problems.push('basic_auth_users: passwords cannot be turned off while running; restart the exporter');
  return problems;
}
