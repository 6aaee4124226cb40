import { parseArgs } from 'node:util';
import { suggestion } from './nearest.ts';
import { quote } from './quote.ts';
import type { Given, GivenByFlag, Setting } from './setting.ts';
import { ALL_SETTINGS } from './settings.ts';

export const COMMANDS = ['run', 'once', 'check', 'healthcheck', 'demo'] as const;
export type Command = (typeof COMMANDS)[number];

export function isCommand(word: string): word is Command {
  return COMMANDS.some((command) => command === word);
}

export interface CommandLine {
  readonly command: Command;
  readonly help: boolean;
  readonly version: boolean;
  readonly given: GivenByFlag;
  readonly problems: readonly string[];
}

const BY_FLAG: ReadonlyMap<string, Setting<unknown>> = new Map(
  ALL_SETTINGS.map((setting) => [setting.flag, setting]),
);
const FLAGS = [
  ...ALL_SETTINGS.filter(({ allowed }) => allowed !== 'environment').map(({ flag }) => flag),
  'help',
  'version',
];
const OPTIONS = {
  ...Object.fromEntries(
    ALL_SETTINGS.map(({ flag, isSwitch }) => [
      flag,
      isSwitch ? ({ type: 'boolean' } as const) : ({ type: 'string', multiple: true } as const),
    ]),
  ),
  help: { type: 'boolean', short: 'h' },
  version: { type: 'boolean' },
} as const;

/**
 * Parses the arguments after node and the script, and collects all problems. No problem repeats the
 * value of an unknown flag: it could be a token.
 */
export function parseCommandLine(argv: readonly string[]): CommandLine {
  const { tokens } = parseArgs({
    args: [...argv],
    options: OPTIONS,
    strict: false,
    allowPositionals: true,
    allowNegative: true,
    tokens: true,
  });
  const given = new Map<string, readonly Given[]>();
  const problems: string[] = [];
  let command: Command | undefined;
  let help = false;
  let version = false;

  const readFlag = (flag: FlagToken): void => {
    if (HELP.includes(flag.rawName)) help = true;
    else if (flag.rawName === '--version') version = true;
    else {
      const { setting, negated } = settingOf(flag.rawName);
      const location = `${flag.rawName} (flag)`;
      const earlier = given.get(setting?.flag ?? '') ?? [];
      const problem =
        flagProblem(flag) ?? (earlier.length > 0 && setting?.isList === false ? 'given twice' : undefined);
      if (problem !== undefined) problems.push(`${location}: ${problem}`);
      else if (setting)
        given.set(setting.flag, [...earlier, { text: flag.value ?? String(!negated), location }]);
    }
  };
  const readArgument = (value: string, flag: FlagToken | undefined): void => {
    if (flag && isFollowedByFlag(flag)) return;
    if (flag && flag.value === undefined) {
      const { setting, negated } = settingOf(flag.rawName);
      if (setting?.isSwitch === true && !negated && /^(?:true|false)$/i.test(value)) {
        problems.push(`${flag.rawName} (flag): write ${flag.rawName}=${value}`);
        return;
      }
      // Most likely the value of an unknown flag.
      if (!setting && !isCommand(value) && ![...HELP, '--version'].includes(flag.rawName)) return;
    }
    if (command !== undefined)
      problems.push(`${quote(value)} (argument): unexpected, the command is ${command}`);
    else if (isCommand(value)) command = value;
    else {
      command = 'run';
      problems.push(
        `${quote(value)} (argument): unknown command; use one of ${COMMANDS.join(', ')}${suggestion(value, COMMANDS)}`,
      );
    }
  };

  for (const [index, token] of tokens.entries()) {
    const before = tokens[index - 1];
    if (token.kind === 'option') readFlag(token);
    if (token.kind === 'positional')
      readArgument(token.value, before?.kind === 'option' ? before : undefined);
  }
  return { command: command ?? 'run', help, version, given, problems };
}

interface FlagToken {
  /** As written: `--poll.jitter`, `--no-metrics.features`, `-h`. */
  readonly rawName: string;
  readonly value: string | undefined;
  /** Whether the value follows `=`. */
  readonly inlineValue: boolean | undefined;
}

const HELP: readonly string[] = ['--help', '-h'];

/** Returns the setting of a flag, and whether the flag is its `--no-` form. */
function settingOf(rawName: string): { setting: Setting<unknown> | undefined; negated: boolean } {
  if (!rawName.startsWith('--')) return { setting: undefined, negated: false };
  const negatable = rawName.startsWith('--no-') ? BY_FLAG.get(rawName.slice(5)) : undefined;
  return negatable?.isSwitch === true
    ? { setting: negatable, negated: true }
    : { setting: BY_FLAG.get(rawName.slice(2)), negated: false };
}

function flagProblem(flag: FlagToken): string | undefined {
  const { setting, negated } = settingOf(flag.rawName);
  if (!setting) return `unknown flag${suggestion(flag.rawName.replace(/^-+/, ''), FLAGS, '--')}`;
  if (setting.allowed === 'environment')
    return `never give the token as an argument, where every process can read it; use ${setting.variables.at(-1) ?? ''} or --${setting.flag}-file`;
  if (negated && flag.value !== undefined) return 'takes no value';
  if (!setting.isSwitch && (flag.value === undefined || isFollowedByFlag(flag))) return 'needs a value';
  return undefined;
}

/** Whether parseArgs took the flag after this one for its value. */
function isFollowedByFlag({ value, inlineValue }: FlagToken): boolean {
  return inlineValue === false && value?.startsWith('--') === true;
}

const COMMAND_HELP: Readonly<Record<Command, string>> = {
  run: 'poll on a schedule and serve metrics until stopped (default)',
  once: 'poll once and print the metrics; exit 1 if an account failed',
  check: 'test token, permissions and request budget; exit 1 with what to do if something is missing',
  healthcheck: 'ask the local /livez; exit 0 or 1',
  demo: 'run against a simulated Cloudflare API; no account needed',
};

/** Returns the text of `--help`: one line per setting, with its default and its variables. */
export function usage(): string {
  const rows = [
    ...ALL_SETTINGS.map((setting) => [flagColumn(setting), descriptionOf(setting)] as const),
    ['-h, --help', 'Show this text.'] as const,
    ['--version', 'Show the version.'] as const,
  ];
  const width = Math.max(...rows.map(([flag]) => flag.length));
  return [
    'Usage: cloudflare-tunnel-exporter [command] [flags]',
    '',
    'Commands:',
    ...Object.entries(COMMAND_HELP).map(([command, help]) => `  ${command.padEnd(12)}  ${help}`),
    '',
    'Flags win over [variables], variables over the file, the file over (defaults):',
    ...rows.map(([flag, description]) => `  ${flag.padEnd(width)}  ${description}`),
    '',
  ].join('\n');
}

function flagColumn({ flag, allowed, isSwitch, placeholder }: Setting<unknown>): string {
  if (allowed === 'environment') return '(environment only)';
  return isSwitch ? `--[no-]${flag}` : `--${flag}=${placeholder}`;
}

function descriptionOf({ help, shownDefault, variables }: Setting<unknown>): string {
  const shown = shownDefault === '' ? '' : ` (default ${shownDefault})`;
  return `${help}${shown} [${variables.join(', ')}]`;
}
