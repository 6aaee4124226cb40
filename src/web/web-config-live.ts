import type { ReadFile } from '../config/read-text.ts';
import { readWebConfig } from './web-config.ts';
import type { WebConfig } from './web-config.ts';

export interface LiveWebConfigOptions {
  readonly readFile: ReadFile;
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
  /** Looks at the files now. */
  readonly refresh: () => void;
  readonly stop: () => void;
}

export type Opened =
  | { readonly ok: true; readonly live: LiveWebConfig }
  | { readonly ok: false; readonly problems: readonly string[] };

const DEFAULT_EVERY_MS = 2_000;

/**
 * Opens the file and looks at it again on a schedule. By content: a mounted Secret is a link to a link, whose times tell
 * little. What has become bad is logged once, and the last good configuration stays.
 */
export function openWebConfig(file: string, options: LiveWebConfigOptions): Opened {
  const { readFile, log, everyMs = DEFAULT_EVERY_MS } = options;
  let seen: ReadonlyMap<string, string> = new Map();
  const read = (): ReturnType<typeof readWebConfig> => {
    const contents = new Map<string, string>();
    const reading = readWebConfig(file, (path) => {
      contents.set(path, contentOf(path, readFile));
      return readFile(path);
    });
    seen = contents;
    return reading;
  };
  const first = read();
  if (!first.ok) return first;
  let current = first.value;
  const listeners: (() => void)[] = [];

  const refresh = (): void => {
    if ([...seen].every(([path, content]) => contentOf(path, readFile) === content)) return;
    const reading = read();
    const problems = reading.ok ? switchProblems(current, reading.value) : reading.problems;
    if (!reading.ok || problems.length > 0) {
      log.error({ problems }, 'Cannot use the changed web configuration; the one before stays');
      return;
    }
    current = reading.value;
    for (const listener of listeners) listener();
    log.info({ file }, 'the changed web configuration is in use');
  };
  const timer = setInterval(refresh, everyMs);
  timer.unref();
  return {
    ok: true,
    live: {
      current: () => current,
      onChange: (listener) => void listeners.push(listener),
      refresh,
      stop: () => clearInterval(timer),
    },
  };
}

/**
 * Whether connections are encrypted is settled when the listeners open. Passwords can be added and replaced while running, but
 * not removed altogether: an empty or half-written file must not open what was closed.
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

/** A file's text; where it cannot be read, why. */
function contentOf(path: string, readFile: ReadFile): string {
  try {
    return `text ${readFile(path)}`;
  } catch (error) {
    return `no text: ${String(error)}`;
  }
}
