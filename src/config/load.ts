import { STALE_INTERVALS } from '../core/intervals.ts';
import { parseLists, type FileLists } from './accounts.ts';
import { authoritiesOf } from './authorities.ts';
import { parseCommandLine, usage, type Command } from './command-line.ts';
import { parseConfigFile, type ConfigFile } from './config-file.ts';
import type { Config } from './config.ts';
import { formatDuration } from './duration.ts';
import { readEnvironment, type Environment } from './environment.ts';
import { readText, type ReadFile } from './files.ts';
import { proxyOf } from './proxy.ts';
import { onOneLine } from './quote.ts';
import {
  locationsOf,
  resolve,
  resolveSettings,
  type Context,
  type Report,
  type Resolved,
  type Source,
} from './resolve.ts';
import { createSecrets } from './secrets.ts';
import type { Setting } from './setting.ts';
import { ALL_SETTINGS, SETTINGS } from './settings.ts';
import { targetOf, type DemoTarget } from './target.ts';
import { timetableOf } from './timetable.ts';
import { secretsOfTunnelToken } from './tunnel-token.ts';

export interface LoadInput {
  readonly argv: readonly string[];
  readonly env: Environment;
  readonly readFile: ReadFile;
  /** Whether the log goes to a terminal: decides the default of `--log.format`. */
  readonly isTerminal: boolean;
  /** Decides the default of `--shard.index`. */
  readonly hostName?: string;
  /** The problems of `--web.config.file`, one line each. Without it the file is only read. */
  readonly checkWebConfig?: (file: string, readFile: ReadFile) => readonly string[];
  /** Without it a demo's configuration has no accounts, and the command adds them. */
  readonly demo?: DemoTarget;
}

export type LoadResult =
  | { readonly kind: 'help'; readonly text: string }
  | { readonly kind: 'version' }
  /** One line each, naming key and source; no line holds a token. */
  | { readonly kind: 'invalid'; readonly problems: readonly string[] }
  | {
      readonly kind: 'loaded';
      readonly command: Command;
      readonly config: Config;
      /** Lines like the problems, to be logged. */
      readonly warnings: readonly string[];
      /** All secrets of the configuration, for the log's redaction. */
      readonly secrets: readonly string[];
    };

/** Fast enough to watch, and the most that the simulated API allows. */
const DEMO = { schedule: '*/5 * * * * *', requestBudget: 1200 };

/** Validates flags, environment and file. Returns every problem; never throws. */
export function loadConfig(input: LoadInput): LoadResult {
  const { env, readFile } = input;
  const commandLine = parseCommandLine(input.argv);
  if (commandLine.help) return { kind: 'help', text: usage() };
  if (commandLine.version) return { kind: 'version' };

  const { command } = commandLine;
  const problems = [...commandLine.problems];
  const warnings: string[] = [];
  const secrets = new Set(tokensIn(env));
  const report: Report = {
    problem: (line, setting) => {
      // A running exporter keeps its settings when the file becomes bad, so its health check must
      // not fail.
      const isMinor = command === 'healthcheck' && setting !== SETTINGS.listenAddresses;
      (isMinor ? warnings : problems).push(line);
    },
    warning: (line) => void warnings.push(line),
    secret: (text) => void (text !== '' && secrets.add(text)),
  };

  const environment = readEnvironment(env);
  const outside: readonly Source[] = [
    { kind: 'flag', given: commandLine.given },
    { kind: 'environment', given: environment.given },
  ];
  const file = fileOf(resolve(SETTINGS.configFile, outside), readFile);
  for (const problem of [...environment.problems, ...file.problems]) report.problem(problem);
  const sources: readonly Source[] = [...outside, { kind: 'file', given: file.given }];

  const usesAccess = command !== 'demo' && command !== 'healthcheck';
  const lists = parseLists(file, report);
  const settings = resolveSettings({ sources, isUsed: ({ isAccess }) => usesAccess || !isAccess, report });
  if (command === 'demo') {
    const unused = ALL_SETTINGS.filter(({ isAccess }) => isAccess);
    for (const location of unused.flatMap((setting) => locationsOf(setting, sources)))
      report.warning(`${location}: ignored, demo brings its own account and API`);
  }
  const context: Context = { settings, readFile, report };
  const config = configOf({ command, input, lists }, context);
  // `once` serves nothing, and a running exporter keeps its web configuration.
  if (command !== 'once' && command !== 'healthcheck') checkWebConfig(input.checkWebConfig, context);
  if (command !== 'healthcheck') warnOfStaleSeries(config, context);

  const { redact } = createSecrets(secrets);
  const printable = (lines: readonly string[]): readonly string[] =>
    lines.map((line) => onOneLine(redact(line)));
  return problems.length > 0
    ? { kind: 'invalid', problems: printable(problems) }
    : { kind: 'loaded', command, config, warnings: printable(warnings), secrets: [...secrets] };
}

/** Returns what the variables of tokens hold, valid or not. */
function tokensIn(env: Environment): readonly string[] {
  const given = ({ variables }: Setting<unknown>): readonly string[] =>
    variables.map((name) => env[name]?.trim() ?? '').filter((token) => token !== '');
  return [...given(SETTINGS.apiToken), ...given(SETTINGS.tunnelToken).flatMap(secretsOfTunnelToken)];
}

function fileOf({ value: path, location }: Resolved<string | undefined>, readFile: ReadFile): ConfigFile {
  const nothing = { given: new Map(), accounts: [], tokens: [], expectedTunnels: [] };
  if (path === undefined) return { ...nothing, problems: [], isWhole: true };
  const text = readText(path, readFile);
  return text.ok
    ? parseConfigFile(path, text.value)
    : { ...nothing, problems: [`${location}: ${text.problem}`], isWhole: false };
}

interface ConfigOptions {
  readonly command: Command;
  readonly input: LoadInput;
  readonly lists: FileLists;
}

function configOf({ command, input, lists }: ConfigOptions, context: Context): Config {
  const { settings, report } = context;
  const target = targetOf({ command, lists, hostName: input.hostName ?? '', demo: input.demo }, context);
  const withDemoDefault = <T>({ value, source }: Resolved<T>, demo: T): T =>
    command === 'demo' && source === undefined ? demo : value;
  return {
    configFile: settings.configFile.value,
    configCheck: settings.configCheck.value,
    accounts: target.accounts,
    discovery: target.discovery,
    expectedTunnels: target.expectedTunnels,
    cloudflare: {
      apiUrl: target.apiUrl,
      requestBudget: withDemoDefault(settings.requestBudget, DEMO.requestBudget),
      concurrency: settings.concurrency.value,
      requestTimeoutMs: settings.requestTimeout.value,
      authorities: authoritiesOf(context),
      proxy: proxyOf(target.apiUrl, input.env, report),
    },
    poll: {
      schedule: withDemoDefault(settings.schedule, DEMO.schedule),
      jitterMs: settings.jitter.value,
      staleAfterMs: settings.staleAfter.value,
    },
    tunnels: {
      types: target.types,
      include: settings.include.value,
      exclude: settings.exclude.value,
      intermittent: settings.intermittent.value,
      ids: target.tunnelIds,
      configurations: settings.configurations.value,
      routes: settings.routes.value,
    },
    sidecar: target.sidecar,
    shard: target.shard,
    metrics: {
      originIp: settings.originIp.value,
      features: settings.features.value,
      hostnames: settings.hostnames.value,
      routes: settings.routeLabels.value,
      allow: settings.allow.value,
      deny: settings.deny.value,
    },
    events: { history: settings.eventsHistory.value },
    web: {
      listenAddresses: settings.listenAddresses.value,
      telemetryPath: settings.telemetryPath.value,
      maxRequests: settings.maxRequests.value,
      configFile: settings.webConfigFile.value,
      enableLifecycle: settings.enableLifecycle.value,
    },
    log: {
      level: settings.logLevel.value,
      format: settings.logFormat.value ?? (input.isTerminal ? 'logfmt' : 'json'),
    },
  };
}

function checkWebConfig(check: LoadInput['checkWebConfig'], context: Context): void {
  const { settings, readFile, report } = context;
  const { value: path, location } = settings.webConfigFile;
  if (path === undefined) return;
  const text = readText(path, readFile);
  if (!text.ok) report.problem(`${location}: ${text.problem}`);
  else for (const line of check?.(path, readFile) ?? []) report.problem(line);
}

/** Warns if series become stale between two polls. */
function warnOfStaleSeries({ poll, sidecar }: Config, { settings, report }: Context): void {
  const { typicalGapMs, longestGapMs } = timetableOf(poll.schedule);
  // What cloudflared's edge shows is as old as the last poll; lists are kept for some of their
  // intervals at least.
  const keptMs =
    sidecar === undefined ? Math.max(poll.staleAfterMs, STALE_INTERVALS * typicalGapMs) : poll.staleAfterMs;
  if (keptMs > longestGapMs) return;
  report.warning(
    `${settings.staleAfter.location}: ${formatDuration(poll.staleAfterMs)} is not longer than the ${formatDuration(longestGapMs)} between two polls of ${poll.schedule}, so series will come and go`,
  );
}
