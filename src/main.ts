#!/usr/bin/env node
// oxlint-disable-next-line import/no-unassigned-import -- it acts before the others are evaluated
import './node-version.ts';
import { hostname } from 'node:os';
import { setFlagsFromString } from 'node:v8';
import { buildInfo } from './commands/build-info.ts';
import { delayExit } from './commands/delay-exit.ts';
import { createSecrets } from './config/secrets.ts';
import { loadConfig, type LoadResult } from './config/load.ts';
import { files, readConfigText, withFiles } from './config/files.ts';
import { createLogger } from './log/logger.ts';
import { webConfigProblems } from './web/web-config.ts';

// V8 collects garbage when its heap has grown by this much since the last collection. By default
// the heap can grow fourfold: at 10,000 tunnels more than half of the memory was garbage
// (docs/performance.md).
setFlagsFromString('--heap-growing-percent=40');

/**
 * Resolves when everything printed so far is written. Never resolves if writing fails: that ends
 * the process below.
 */
let printed: Promise<unknown> = Promise.resolve();

function print(text: string): void {
  const written = new Promise<void>((resolve) => {
    process.stdout.write(text, (error) => {
      if (!error) resolve();
    });
  });
  printed = Promise.all([printed, written]);
}

async function main(argv: readonly string[]): Promise<number> {
  const load = (): Promise<LoadResult> =>
    withFiles(
      (readFile) =>
        loadConfig({
          argv,
          env: process.env,
          readFile,
          isTerminal: process.stderr.isTTY,
          hostName: hostname(),
          checkWebConfig: webConfigProblems,
        }),
      readConfigText,
    );
  const loaded = await load();
  switch (loaded.kind) {
    case 'help':
      print(loaded.text);
      return 0;
    case 'version':
      print(`cloudflare-tunnel-exporter ${buildInfo().version}\n`);
      return 0;
    case 'invalid':
      process.stderr.write(loaded.problems.map((problem) => `${problem}\n`).join(''));
      await delayExit({ argv, env: process.env });
      return 1;
    case 'loaded':
      break;
  }
  const { command, config } = loaded;
  const secrets = createSecrets(loaded.secrets);
  const log = createLogger({ ...config.log, secrets });
  // Also handles unhandled rejections. The state of the process is unknown, so it exits. Node's own
  // report of the error could show a secret.
  process.on('uncaughtException', (error: unknown) => {
    log.error({ err: error }, 'unexpected error: the exporter ends; please report this');
    process.exit(1);
  });
  // Node would write warnings to standard error without redaction.
  process.removeAllListeners('warning');
  process.on('warning', ({ name, message }) => log.warn({ warning: name }, message));
  for (const warning of loaded.warnings) log.warn(warning);
  if (config.configCheck) {
    print('The configuration is valid.\n');
    return 0;
  }
  // Each command loads only what it needs: `run` starts faster and takes less memory without the
  // simulator of `demo`.
  switch (command) {
    case 'run': {
      const { run } = await import('./commands/run.ts');
      const code = await run(config, { log, secrets, load });
      if (code !== 0) await delayExit({ argv, env: process.env });
      return code;
    }
    case 'once': {
      const { once } = await import('./commands/once.ts');
      return once(config, { log, secrets });
    }
    case 'check': {
      const { check } = await import('./commands/check/check.ts');
      return check(config, (text) => print(secrets.redact(text)));
    }
    case 'healthcheck': {
      const { healthcheck } = await import('./commands/healthcheck.ts');
      return healthcheck(config);
    }
    case 'demo': {
      const { demo } = await import('./commands/demo.ts');
      return demo(config, { log, secrets, load, print });
    }
  }
}

process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  // A reader such as head closes the pipe when it has read enough.
  if (error.code !== 'EPIPE') process.stderr.write(`Cannot write to standard output: ${error.message}\n`);
  process.exit(1);
});

const code = await main(process.argv.slice(2));
await printed;
// process.exit would wait for a thread that reads from a mount that hangs. Runs after the listener
// that flushes the log.
process.on('exit', () => {
  if (files.isStuck()) process.kill(process.pid, 'SIGKILL');
});
// Idle connections and timers must not delay the exit.
process.exit(code);
