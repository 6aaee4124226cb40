import type { Report } from './accounts.ts';
import { parseAuthorities } from './authorities.ts';
import type { Command } from './command-line.ts';
import type { Config } from './config.ts';
import type { Environment } from './environment.ts';
import { proxyFor, secretsOfProxy } from './proxy.ts';
import { quotePath } from './quote.ts';
import { readText, type ReadFile } from './files.ts';
import type { Setting } from './setting.ts';
import { SETTINGS } from './settings.ts';
import type { Settled } from './sources.ts';

export interface WayInput {
  readonly command: Command;
  readonly apiUrl: string;
  readonly env: Environment;
  readonly get: <T>(setting: Setting<T>) => Settled<T>;
  readonly readFile: ReadFile;
  readonly report: Report;
  readonly secret: (value: string) => void;
}

type WayToApi = Pick<Config['cloudflare'], 'authorities' | 'proxy'>;

/** The proxy for the API, and whom to trust on the way. `demo` and `healthcheck` ask this machine only. */
export function readWayToApi(input: WayInput): WayToApi {
  const { command, apiUrl, env, report, secret } = input;
  const file = input.get(SETTINGS.caFile);
  if (command === 'demo' || command === 'healthcheck') return {};
  const proxy = proxyFor(apiUrl, env);
  if (!proxy.ok) report.problem(proxy.problem);
  else if (proxy.value !== undefined) secretsOfProxy(proxy.value).forEach(secret);
  return {
    authorities:
      file.value === undefined ? [] : readAuthorities({ path: file.value, location: file.location }, input),
    proxy: proxy.ok ? proxy.value : undefined,
  };
}

function readAuthorities(
  { path, location }: { readonly path: string; readonly location: string },
  { readFile, report }: WayInput,
): readonly string[] {
  const text = readText(path, readFile);
  if (!text.ok) {
    report.problem(`${location}: ${text.problem}`);
    return [];
  }
  const parsed = parseAuthorities(text.value);
  if (!parsed.ok) report.problem(`${location}: ${quotePath(path)} ${parsed.problem}`);
  return parsed.ok ? parsed.value : [];
}
