#!/usr/bin/env node
import { readFileSync } from 'node:fs';
import { about } from './commands/about.ts';
import { check } from './commands/check/check.ts';
import { demo } from './commands/demo.ts';
import { healthcheck } from './commands/healthcheck.ts';
import { once } from './commands/once.ts';
import { run } from './commands/run.ts';
import { loadConfig } from './config/load.ts';
import { createLogger, createSecrets } from './log.ts';

const print = (text: string): void => void process.stdout.write(text);

async function main(argv: readonly string[]): Promise<number> {
  const loaded = loadConfig({
    argv,
    env: process.env,
    readFile: (path) => readFileSync(path, 'utf8'),
    isTerminal: process.stderr.isTTY,
  });
  switch (loaded.kind) {
    case 'help':
      print(loaded.text);
      return 0;
    case 'version':
      print(`cloudflare-tunnel-exporter ${about().version}\n`);
      return 0;
    case 'invalid':
      process.stderr.write(loaded.problems.map((problem) => `${problem}\n`).join(''));
      return 1;
    case 'loaded':
      break;
  }
  const { command, config } = loaded;
  const secrets = createSecrets(loaded.secrets);
  const log = createLogger({ ...config.log, secrets });
  for (const warning of loaded.warnings) log.warn(warning);
  if (config.configCheck) {
    print('The configuration is valid.\n');
    return 0;
  }
  switch (command) {
    case 'run':
      return run(config, { log, secrets });
    case 'once':
      return once(config, { log, secrets });
    case 'check':
      return check(config, print);
    case 'healthcheck':
      return healthcheck(config);
    case 'demo':
      return demo(config, { log, secrets, print });
  }
}

process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  // A reader that has seen enough, such as head, needs no message.
  if (error.code !== 'EPIPE') process.stderr.write(`Cannot write to standard output: ${error.message}\n`);
  process.exit(1);
});

// What still holds the event loop (idle connections, timers) must not hold up the exit.
process.exit(await main(process.argv.slice(2)));
