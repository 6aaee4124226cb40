import type { Command } from './command.ts';
import { ALL_SETTINGS } from './settings.ts';
import type { Setting } from './setting.ts';

const COMMAND_HELP: Readonly<Record<Command, string>> = {
  run: 'poll on a schedule and serve metrics until stopped (default)',
  once: 'one full pass, the metrics to stdout; exit 1 where an account failed',
  check: 'test token, permissions and budget; exit 1 with what to do where something is missing',
  healthcheck: 'ask the local /livez; exit 0 or 1',
  demo: 'run against a simulated Cloudflare API; no account needed',
};

/** The text of `--help`: one line per setting, with its default and its variables. */
export function usage(): string {
  const settings = ALL_SETTINGS.map((setting) => ({
    flag: setting.allowed === 'environment' ? '(environment only)' : flagOf(setting),
    text: [
      setting.help,
      setting.shownDefault === '' ? undefined : `(${defaultOf(setting)})`,
      `[${setting.variables.join(', ')}]`,
    ]
      .filter((part) => part !== undefined)
      .join(' '),
  }));
  const rows = [
    ...settings,
    { flag: '-h, --help', text: 'Show this text.' },
    { flag: '--version', text: 'Show the version.' },
  ];
  const width = Math.max(...rows.map(({ flag }) => flag.length));
  return [
    'Usage: cloudflare-tunnel-exporter [command] [flags]',
    '',
    'Commands:',
    ...Object.entries(COMMAND_HELP).map(([command, help]) => `  ${command.padEnd(12)}  ${help}`),
    '',
    'Flags win over [variables], variables over the file, the file over (defaults):',
    ...rows.map(({ flag, text }) => `  ${flag.padEnd(width)}  ${text}`),
    '',
  ].join('\n');
}

function flagOf({ flag, isSwitch, placeholder }: Setting<unknown>): string {
  return isSwitch ? `--[no-]${flag}` : `--${flag}=${placeholder}`;
}

function defaultOf({ shownDefault }: Setting<unknown>): string {
  return shownDefault === 'required' ? 'required' : `default ${shownDefault}`;
}
