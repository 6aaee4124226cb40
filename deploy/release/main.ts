/** Runs one step of a release: npm run release -- <step>. */
import { spawnSync } from 'node:child_process';
import { readProject } from './project.ts';
import { STEPS, type StepName } from './steps.ts';

/** Runs a command; what it prints on either output is shown and returned. */
function execute([program = '', ...args]: readonly string[]): string {
  const command = [program, ...args].join(' ');
  process.stderr.write(`$ ${command}\n`);
  const { status, stdout } = spawnSync('sh', ['-c', 'exec "$0" "$@" 2>&1', program, ...args], {
    encoding: 'utf8',
    maxBuffer: 2 ** 27,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  process.stderr.write(stdout);
  if (status !== 0) throw new Error(`this failed: ${command}`);
  return stdout;
}

const [name = '', ...more] = process.argv.slice(2);
if (!Object.hasOwn(STEPS, name) || more.length > 0) {
  process.stderr.write(`Usage: npm run release -- <step>; steps: ${Object.keys(STEPS).join(', ')}\n`);
  process.exit(1);
}
try {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- it is a key, as was asked above
  STEPS[name as StepName]({ project: readProject(), env: process.env, execute });
} catch (error) {
  process.stderr.write(`${name}: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exit(1);
}
