import { spawnSync } from 'node:child_process';
import { parseArgs } from 'node:util';

/**
 * `npm run fuzz -- --minutes=60 --seed=7`: the fuzz test for longer, or once more. Default: a
 * minute, another seed each time.
 */
const { values } = parseArgs({ options: { minutes: { type: 'string' }, seed: { type: 'string' } } });
const { status } = spawnSync(
  process.execPath,
  ['node_modules/vitest/vitest.mjs', 'run', '--config', 'test/vitest.config.ts', 'test/fuzz'],
  {
    stdio: 'inherit',
    env: {
      ...process.env,
      ...(values.minutes === undefined ? {} : { FUZZ_MINUTES: values.minutes }),
      ...(values.seed === undefined ? {} : { FUZZ_SEED: values.seed }),
    },
  },
);
process.exit(status ?? 1);
