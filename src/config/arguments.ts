import { parseArgs } from 'node:util';
import { COMMANDS, isCommand } from './command.ts';
import type { Command } from './command.ts';
import type { GivenByFlag } from './sources.ts';
import { suggestion } from './nearest.ts';
import { quote } from './quote.ts';
import type { Given, Setting } from './setting.ts';
import { ALL_SETTINGS } from './settings.ts';

export interface Arguments {
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

/** Flags and command, as far as they can be understood. No line repeats the value of a flag that we do not know. */
export function readArguments(argv: readonly string[]): Arguments {
  const { tokens } = parseArgs({
    args: [...argv],
    options: OPTIONS,
    strict: false,
    allowPositionals: true,
    allowNegative: true,
    tokens: true,
  });
  const given = new Map<string, Given[]>();
  const problems: string[] = [];
  let command: Command | undefined;
  let help = false;
  let version = false;

  const positional = (value: string, after: (typeof tokens)[number] | undefined): void => {
    if (after?.kind === 'option' && isTakenFlag(after)) return;
    if (after?.kind === 'option' && after.value === undefined) {
      const flag = after.rawName.slice(2);
      if (BY_FLAG.get(flag)?.isSwitch === true && /^(?:true|false)$/i.test(value)) {
        problems.push(`${after.rawName} (flag): write ${after.rawName}=${value}`);
        return;
      }
      // Most likely the value of a flag that we do not know, which could be a token.
      if (!isKnown(after.rawName) && !isCommand(value)) return;
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
    const at = `${rawName} (flag)`;
    if (rawName === '--help' || rawName === '-h') {
      help = true;
      continue;
    }
    if (rawName === '--version') {
      version = true;
      continue;
    }
    const unnegated = rawName.replace(/^--no-/, '');
    const negated = BY_FLAG.get(unnegated)?.isSwitch === true;
    const setting = BY_FLAG.get(negated ? unnegated : rawName.slice(2));
    if (!setting || !rawName.startsWith('--')) {
      problems.push(`${at}: unknown flag${suggestion(rawName.replace(/^-+/, ''), FLAGS, '--')}`);
    } else if (setting.allowed === 'environment') {
      problems.push(
        `${at}: never give the token as an argument, where every process can read it; use ${setting.variables.at(-1) ?? ''} or --${setting.flag}-file`,
      );
    } else if (setting.isSwitch) {
      if (negated && value !== undefined) problems.push(`${at}: takes no value`);
      add(setting, { text: negated ? 'false' : String(value ?? true), at });
    } else if (typeof value !== 'string' || isTakenFlag(token)) {
      problems.push(`${at}: needs a value`);
    } else add(setting, { text: value, at });
  }

  function add(setting: Setting<unknown>, value: Given): void {
    const before = given.get(setting.flag) ?? [];
    if (before.length > 0 && !setting.isList) problems.push(`${value.at}: given twice`);
    else given.set(setting.flag, [...before, value]);
  }

  return { command: command ?? 'run', help, version, given, problems };
}

/** Whether parseArgs took the next flag for this one's value. */
function isTakenFlag({ value, inlineValue }: { value: unknown; inlineValue: boolean | undefined }): boolean {
  return inlineValue === false && typeof value === 'string' && value.startsWith('--');
}

function isKnown(rawName: string): boolean {
  return /^(?:-h|--help|--version)$/.test(rawName) || BY_FLAG.has(rawName.replace(/^--(?:no-)?/, ''));
}
