import type { Config } from '../config/config.ts';
import type { ReadFile } from '../config/read-text.ts';
import { files, MAX_CONFIG_BYTES } from '../files.ts';
import type { Logger } from '../log.ts';
import { readWebConfig } from '../web/web-config.ts';
import { openWebConfig } from '../web/web-config-live.ts';
import type { Opened } from '../web/web-config-live.ts';

/** What is wrong with the web configuration, a line each. */
export function webConfigProblems(file: string, readFile: ReadFile): readonly string[] {
  const reading = readWebConfig(file, readFile);
  return reading.ok ? [] : reading.problems;
}

/** Opens the web configuration that the server follows; no live one where there is no file. */
export async function followWebConfig({ web }: Pick<Config, 'web'>, log: Logger): Promise<OpenedOrNone> {
  if (web.configFile === undefined) return { ok: true, live: undefined };
  return openWebConfig(web.configFile, {
    readFile: (path) => files.read(path, MAX_CONFIG_BYTES),
    log,
  });
}

type OpenedOrNone = Opened | { readonly ok: true; readonly live: undefined };
