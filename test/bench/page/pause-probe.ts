import { appendFileSync } from 'node:fs';

/**
 * Loaded into the exporter's process before it (`node --import`): appends, each second, the longest pause of the event
 * loop in it, in milliseconds, to the file that BENCH_PAUSES names. Not by monitorEventLoopDelay, which loses the pause
 * during which it is reset.
 */
const TICK_MS = 2;
let last = performance.now();
let longest = 0;

setInterval(() => {
  const now = performance.now();
  longest = Math.max(longest, now - last - TICK_MS);
  last = now;
}, TICK_MS).unref();

setInterval(() => {
  appendFileSync(process.env['BENCH_PAUSES'] ?? '/dev/null', `${longest.toFixed(1)}\n`);
  longest = 0;
}, 1000).unref();
