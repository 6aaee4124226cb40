import { setImmediate } from 'node:timers/promises';

let last: Promise<void> = Promise.resolve();

/**
 * Resolves in a later iteration of the event loop. Callers resolve one per iteration, in FIFO
 * order, so that pieces of work of several milliseconds never add up to a pause in which no scrape
 * is answered.
 */
export function yieldToEventLoop(): Promise<void> {
  last = last.then(() => setImmediate());
  return last;
}
