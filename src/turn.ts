import { setImmediate } from 'node:timers/promises';

let last: Promise<void> = Promise.resolve();

/**
 * Resolves in a turn of the event loop that no other caller has: work of some milliseconds, done after it, does not add
 * up with that of others to a pause in which no scrape is answered. What waits comes in order.
 */
export function turn(): Promise<void> {
  last = last.then(() => setImmediate());
  return last;
}
