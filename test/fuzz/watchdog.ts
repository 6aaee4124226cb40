import { writeSync } from 'node:fs';
import { Worker } from 'node:worker_threads';

export interface Watchdog {
  /** The current activity, for the report. */
  readonly beat: (what: string) => void;
  readonly stop: () => Promise<void>;
}

/**
 * Ends the process, with a report, if there is no beat for so long: a blocked event loop cannot
 * report itself.
 */
export function startWatchdog(maxMs: number): Watchdog {
  const worker = new Worker(
    `const { parentPort, workerData } = require('node:worker_threads');
     let what = 'start', timer;
     const arm = () => { clearTimeout(timer); timer = setTimeout(() => {
       require('node:fs').writeSync(2, '\\nThe event loop is blocked by ' + what + '\\n');
       process.kill(process.pid, 'SIGKILL');
     }, workerData); };
     arm();
     parentPort.on('message', (message) => { what = message; arm(); });`,
    { eval: true, workerData: maxMs },
  );
  worker.on('error', (error) => writeSync(2, `the watchdog ended: ${String(error)}\n`));
  return {
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a worker of node, not a window
    beat: (what) => worker.postMessage(what),
    stop: async () => {
      await worker.terminate();
    },
  };
}
