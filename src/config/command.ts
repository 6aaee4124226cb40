export const COMMANDS = ['run', 'once', 'check', 'healthcheck', 'demo'] as const;
export type Command = (typeof COMMANDS)[number];

export function isCommand(word: string): word is Command {
  return COMMANDS.some((command) => command === word);
}
