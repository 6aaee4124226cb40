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

  const positional = (value: string, before: (typeof tokens)[number] | undefined): void => {
    if (before?.kind === 'option' && isFollowedByFlag(before)) return;
    if (before?.kind === 'option' && before.value === undefined) {
      const { rawName } = before;
      if (BY_FLAG.get(rawName.slice(2))?.isSwitch === true && /^(?:true|false)$/i.test(value)) {
        problems.push(`${rawName} (flag): write ${rawName}=${value}`);
        return;
      }
      // Most likely the value of an unknown flag.
      if (!isKnown(rawName) && !isCommand(value)) return;
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
    if (token.kind === 'positional') positional(token.value, tokens[index - 1]);
    if (token.kind !== 'option') continue;
    const { rawName, value } = token;
    const location = `${rawName} (flag)`;
    if (rawName === '--help' || rawName === '-h') help = true;
    else if (rawName === '--version') version = true;
    else {
      const negated = rawName.startsWith('--no-') && BY_FLAG.get(rawName.slice(5))?.isSwitch === true;
      const setting = rawName.startsWith('--') ? BY_FLAG.get(rawName.slice(negated ? 5 : 2)) : undefined;
      const earlier = given.get(setting?.flag ?? '') ?? [];
      if (!setting)
        problems.push(`${location}: unknown flag${suggestion(rawName.replace(/^-+/, ''), FLAGS, '--')}`);
      else if (setting.allowed === 'environment')
        problems.push(
          `${location}: never give the token as an argument, where every process can read it; use ${setting.variables.at(-1) ?? ''} or --${setting.flag}-file`,
        );
      else if (negated && value !== undefined) problems.push(`${location}: takes no value`);
      else if (!setting.isSwitch && (typeof value !== 'string' || isFollowedByFlag(token)))
        problems.push(`${location}: needs a value`);
      else if (earlier.length > 0 && !setting.isList) problems.push(`${location}: given twice`);
      else given.set(setting.flag, [...earlier, { text: String(value ?? !negated), location }]);
    }
  }
  return { command: command ?? 'run', help, version, given, problems };
}

/** Whether parseArgs took the flag after this one for its value. */
function isFollowedByFlag({ value, inlineValue }: { value: unknown; inlineValue: boolean | undefined }) {
  return inlineValue === false && typeof value === 'string' && value.startsWith('--');
}

function isKnown(rawName: string): boolean {
  return /^(?:-h|--help|--version)$/.test(rawName) || BY_FLAG.has(rawName.replace(/^--(?:no-)?/, ''));
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
