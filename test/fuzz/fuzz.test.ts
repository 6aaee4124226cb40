import { randomInt } from 'node:crypto';
import { expect, onTestFinished, test } from 'vitest';
import { createRandom } from '../../src/simulator/index.ts';
import { OTHER_ACCOUNT } from '../poller/support.ts';
import { INPUTS } from './inputs.ts';
import { aFuzzRig, isAlive } from './rig.ts';
import { startWatchdog } from './watchdog.ts';

/** Given by `npm run fuzz -- --minutes=60 --seed=7`. */
const MINUTES = Number(process.env['FUZZ_MINUTES'] ?? 1);
const SEED = Number(process.env['FUZZ_SEED'] ?? randomInt(2 ** 31));

const BLOCKED_MS = 30_000;
const ALIVE_WITHIN_MS = 1_000;

test(
  'whatever others send, the exporter answers, its page is good, other accounts are untouched, and it recovers',
  async () => {
    const rig = await aFuzzRig();
    await rig.pollAll();
    await rig.pollAll();
    const others = await rig.seriesOf(OTHER_ACCOUNT);
    expect(others.length).toBeGreaterThan(20);
    const watchdog = startWatchdog(BLOCKED_MS);
    onTestFinished(() => watchdog.stop());
    const random = createRandom(SEED);
    const names = Object.keys(INPUTS);
    const until = performance.now() + MINUTES * 60_000;

    /** Returns the longest that /livez took meanwhile. */
    const give = async (number: number): Promise<number> => {
      const name = names[number % names.length] ?? '';
      watchdog.beat(`input ${number} (${name}) of seed ${SEED}`);
      const over = new AbortController();
      let longest = 0;
      const probe = async (): Promise<void> => {
        do {
          const asked = performance.now();
          expect(await isAlive(rig.url)).toBe(true);
          longest = Math.max(longest, performance.now() - asked);
        } while (!over.signal.aborted);
      };
      const probing = probe();
      try {
        await INPUTS[name]?.(random.fork(`input ${number}`), rig);
      } finally {
        over.abort();
        await probing;
      }
      expect(await rig.seriesOf(OTHER_ACCOUNT)).toEqual(others);
      expect(rig.unexpected()).toEqual([]);
      return longest;
    };

    let number = 0;
    try {
      for (; performance.now() < until; number += 1) {
        // A busy machine is slow once; an input that blocks is slow each time.
        let longest = await give(number);
        for (let again = 0; again < 2 && longest > ALIVE_WITHIN_MS; again += 1)
          longest = Math.min(longest, await give(number));
        expect(longest, '/livez within a second').toBeLessThanOrEqual(ALIVE_WITHIN_MS);
      }
    } catch (error) {
      throw new Error(
        `input ${number} (${names[number % names.length] ?? ''}) of seed ${SEED} failed; again with: npm run fuzz -- --seed=${SEED}`,
        { cause: error },
      );
    }
    process.stdout.write(`fuzz: ${number} inputs, seed ${SEED}\n`);
    expect(number).toBeGreaterThan(names.length);
  },
  MINUTES * 60_000 + 120_000,
);
