import { setImmediate } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { yieldToEventLoop } from '../src/yield-to-event-loop.ts';

test('callers resolve one per iteration of the event loop, in order', async () => {
  const order: string[] = [];
  const work = async (name: string): Promise<void> => {
    await yieldToEventLoop();
    order.push(name);
  };
  const all = Promise.all([work('a'), work('b'), work('c')]);
  const others = async (): Promise<void> => {
    for (let round = 0; round < 3; round += 1) {
      await setImmediate();
      order.push('-');
    }
  };
  await Promise.all([all, others()]);
  expect(order.filter((name) => name !== '-')).toEqual(['a', 'b', 'c']);
  expect(order.join('')).not.toMatch(/[abc]{2}/);
});
