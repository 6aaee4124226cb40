import { appendFileSync } from 'node:fs';

/**
 * Loaded into the exporter's process before it (`node --import`). Appends a line each second to the
 * file that BENCH_PAUSES names: the longest time between two ticks of the event loop in that
 * second, and the most CPU time that its thread used between two ticks, in milliseconds. Other
 * programs on the machine make the first longer, not the second. Not by monitorEventLoopDelay,
 * which loses the pause during which it is reset.
 */
const TICK_MS = 2;

const cpuMs = (): number => {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1000;
};

let last = { wall: performance.now(), cpu: cpuMs() };
let longest = { wall: 0, cpu: 0 };

setInterval(() => {
  const now = { wall: performance.now(), cpu: cpuMs() };
  longest = {
    wall: Math.max(longest.wall, now.wall - last.wall - TICK_MS),
    cpu: Math.max(longest.cpu, now.cpu - last.cpu),
  };
  last = now;
}, TICK_MS).unref();

setInterval(() => {
  appendFileSync(
    process.env['BENCH_PAUSES'] ?? '/dev/null',
    `${longest.wall.toFixed(1)} ${longest.cpu.toFixed(1)}\n`,
  );
  longest = { wall: 0, cpu: 0 };
}, 1000).unref();
