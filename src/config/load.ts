import { readAccounts, readExpectedTunnels, readTokens } from './accounts.ts';
import type { Report } from './accounts.ts';
import { parseCommandLine, usage } from './command-line.ts';
import type { Command } from './command-line.ts';
import { STALE_INTERVALS } from '../core/lists.ts';
import type { Config } from './config.ts';
import { formatDuration } from './duration.ts';
import { readEnvironment } from './environment.ts';
import type { Environment } from './environment.ts';
import { parseConfigFile } from './config-file.ts';
import type { ConfigFile } from './config-file.ts';
import { onOneLine } from './quote.ts';
import { readText } from './files.ts';
import type { ReadFile } from './files.ts';
import { timetableOf } from './timetable.ts';
import type { Setting } from './setting.ts';
import { SETTINGS } from './settings.ts';
import { settle } from './sources.ts';
import type { Settled, Source } from './sources.ts';
import { readTarget, type DemoTarget } from './target.ts';
import { createSecrets } from './secrets.ts';
import { secretsOfTunnelToken } from './tunnel-token.ts';
import { readWayToApi } from './way-to-api.ts';

export { COMMANDS } from './command-line.ts';
export type { Command } from './command-line.ts';

export interface LoadInput {
  /** Arguments after node and the script. */
  readonly argv: readonly string[];
  readonly env: Environment;
  readonly readFile: ReadFile;
  /** Whether the log goes to a terminal: decides the default of `--log.format`. */
  readonly isTerminal: boolean;
  /** Decides the default of `--shard.index`. */
  readonly hostName?: string;
  /** Problems of `--web.config.file`, a line each; without it the file is not looked into. */
  readonly checkWebConfig?: (file: string, readFile: ReadFile) => readonly string[];
  /** What `demo` polls instead of the user's accounts. Without it a demo's config has none, for the command to fill in. */
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
      /** `config.configCheck` says that only a check was asked for. */
      readonly config: Config;
      /** Lines like the problems, to be logged. */
      readonly warnings: readonly string[];
      /** The token values known by now, for the log's redaction. */
      readonly secrets: readonly string[];
    };

/** Lively enough to watch, and all that the simulated API allows. */
const DEMO = { schedule: '*/5 * * * * *', requestBudget: 1200 };

/** Flags, environment and file → one validated configuration, or every problem at once. Never throws. */
export function loadConfig(input: LoadInput): LoadResult {
  const args = parseCommandLine(input.argv);
  if (args.help) return { kind: 'help', text: usage() };
  if (args.version) return { kind: 'version' };

  const { command } = args;
  const problems: string[] = [...args.problems];
  const warnings: string[] = [];
  const secrets = new Set(tokensIn(input.env));
  // A running exporter keeps its settings when the file goes bad; its health check must not fail over that.
  const minor = command === 'healthcheck' ? warnings : problems;
  const report: Report = {
    problem: (line) => void minor.push(line),
    warning: (line) => void warnings.push(line),
  };

  const environment = readEnvironment(input.env);
  minor.push(...environment.problems);
  const outside: readonly Source[] = [
    { kind: 'flag', given: args.given },
    { kind: 'environment', given: environment.given },
  ];
  const file = fileOf(settle(SETTINGS.configFile, outside).settled, input.readFile);
  minor.push(...file.problems);
  const sources: readonly Source[] = [...outside, { kind: 'file', given: file.given }];

  const get = <T>(setting: Setting<T>, to = minor): Settled<T> => {
    const { settled, reading } = settle(setting, sources);
    to.push(...reading.problems);
    warnings.push(...reading.warnings);
    return settled;
  };
  const value = <T>(setting: Setting<T>): T => get(setting).value;
  /** What names the setting in each source that has it. */
  const placesOf = ({ flag }: Setting<unknown>): readonly string[] =>
    sources.flatMap(({ given }) => given.get(flag)?.slice(0, 1) ?? []).map(({ location }) => location);

  const secret = (text: string): void => void (text !== '' && secrets.add(text));
  const listed = readAccounts(file.accounts, report);
  const tokens = readTokens(file.tokens, report);
  const declared = readExpectedTunnels(file.expectedTunnels, report);
  const watched = readTarget({
    command,
    get,
    placesOf,
    listed,
    tokens,
    declared,
    isComplete: file.isWhole,
    demo: input.demo,
    hostName: input.hostName ?? '',
    readFile: input.readFile,
    report,
    secret,
  });

  const config: Config = {
    configFile: value(SETTINGS.configFile),
    configCheck: value(SETTINGS.configCheck),
    accounts: watched.accounts,
    discovery: watched.discovery,
    expectedTunnels: watched.expectedTunnels,
    cloudflare: {
      apiUrl: watched.apiUrl,
      requestBudget: inDemo(SETTINGS.requestBudget, DEMO.requestBudget),
      concurrency: value(SETTINGS.concurrency),
      requestTimeoutMs: value(SETTINGS.requestTimeout),
      ...readWayToApi({
        command,
        apiUrl: watched.apiUrl,
        env: input.env,
        get,
        readFile: input.readFile,
        report,
        secret,
      }),
    },
    poll: poll(),
    tunnels: {
      types: watched.types,
      include: value(SETTINGS.include),
      exclude: value(SETTINGS.exclude),
      intermittent: value(SETTINGS.intermittent),
      ids: watched.tunnelIds,
      configurations: value(SETTINGS.configurations),
      routes: value(SETTINGS.routes),
    },
    sidecar: watched.sidecar,
    shard: watched.shard,
    metrics: {
      originIp: value(SETTINGS.originIp),
      features: value(SETTINGS.features),
      hostnames: value(SETTINGS.hostnames),
      routes: value(SETTINGS.routeLabels),
      allow: value(SETTINGS.allow),
      deny: value(SETTINGS.deny),
    },
    events: { history: value(SETTINGS.eventsHistory) },
    web: {
      listenAddresses: get(SETTINGS.listenAddresses, problems).value,
      telemetryPath: value(SETTINGS.telemetryPath),
      maxRequests: value(SETTINGS.maxRequests),
      configFile: webConfigFile(),
      enableLifecycle: value(SETTINGS.enableLifecycle),
    },
    log: {
      level: value(SETTINGS.logLevel),
      format: value(SETTINGS.logFormat) ?? (input.isTerminal ? 'logfmt' : 'json'),
    },
  };

  function webConfigFile(): string | undefined {
    const { value: path, location } = get(SETTINGS.webConfigFile);
    // `once` serves nothing, and a running exporter keeps what it has.
    if (path === undefined || command === 'once' || command === 'healthcheck') return path;
    const text = readText(path, input.readFile);
    if (!text.ok) report.problem(`${location}: ${text.problem}`);
    else for (const line of input.checkWebConfig?.(path, input.readFile) ?? []) report.problem(line);
    return path;
  }

  /** The demo's own default where nothing was given. */
  function inDemo<T>(setting: Setting<T>, demo: T): T {
    const given = get(setting);
    return given.from === undefined && command === 'demo' ? demo : given.value;
  }

  function poll(): Config['poll'] {
    const schedule = inDemo(SETTINGS.schedule, DEMO.schedule);
    const staleAfter = get(SETTINGS.staleAfter);
    const { typicalGapMs, longestGapMs } = timetableOf(schedule);
    // What cloudflared's edge shows is as old as the last poll; lists are kept for some of their intervals at least.
    const keptMs =
      watched.sidecar === undefined
        ? Math.max(staleAfter.value, STALE_INTERVALS * typicalGapMs)
        : staleAfter.value;
    if (keptMs <= longestGapMs && command !== 'healthcheck') {
      report.warning(
        `${staleAfter.location}: ${formatDuration(staleAfter.value)} is not longer than the ${formatDuration(longestGapMs)} between two polls of ${schedule}, so series will come and go`,
      );
    }
    return { schedule, jitterMs: value(SETTINGS.jitter), staleAfterMs: staleAfter.value };
  }

  const { redact } = createSecrets(secrets);
  const printable = (lines: readonly string[]): readonly string[] =>
    lines.map((line) => onOneLine(redact(line)));
  return problems.length > 0
    ? { kind: 'invalid', problems: printable(problems) }
    : { kind: 'loaded', command, config, warnings: printable(warnings), secrets: [...secrets] };
}

/** Whatever the variables of the tokens hold, be it usable or not. */
function tokensIn(env: Environment): readonly string[] {
  const given = ({ variables }: Setting<unknown>): readonly string[] =>
    variables.map((name) => env[name]?.trim() ?? '').filter((token) => token !== '');
  return [...given(SETTINGS.apiToken), ...given(SETTINGS.tunnelToken).flatMap(secretsOfTunnelToken)];
}

function fileOf({ value: path, location }: Settled<string | undefined>, readFile: ReadFile): ConfigFile {
  const nothing = { given: new Map(), accounts: [], tokens: [], expectedTunnels: [] };
  if (path === undefined) return { ...nothing, problems: [], isWhole: true };
  const text = readText(path, readFile);
  return text.ok
    ? parseConfigFile(path, text.value)
    : { ...nothing, problems: [`${location}: ${text.problem}`], isWhole: false };
}
