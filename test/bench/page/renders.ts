import type { Snapshot } from '../../../src/core/snapshot.ts';
import {
  addUp,
  aTunnelPage,
  concatenate,
  finishLines,
  fillAndRenderPromClient,
  prepareStrings,
} from './contenders.ts';
import { aFleet, changeSome } from './fleet.ts';
import { cpuMs, milliseconds, printTable, processCpuMs, ratio, takeTurns } from './rounds.ts';

/**
 * What it costs to render a page, against a loop that only adds the same strings up, and against
 * prom-client. CPU time of the thread that renders, for that is what blocks. Needs --expose-gc.
 * Arguments: tunnels, rounds.
 */
const TUNNELS = Number(process.argv[2] ?? 10_000);
const ROUNDS = Number(process.argv[3] ?? 7);
const GZIP = { format: 'text', gzip: true, names: undefined } as const;

const fleet = aFleet(TUNNELS);
const prepared = prepareStrings(fleet);
const finished = finishLines(prepared);
const lived = aTunnelPage();
let living: Snapshot = fleet;
const report = await lived.publish(living);
await lived.body(GZIP);

async function afterCollection(measure: () => Promise<number>): Promise<number> {
  globalThis.gc?.();
  return measure();
}

let fresh = aTunnelPage();
const figures = await takeTurns(ROUNDS, {
  full: () => {
    fresh = aTunnelPage();
    return afterCollection(() => cpuMs(() => fresh.publish(fleet)));
  },
  fullGzip: () => afterCollection(() => processCpuMs(() => fresh.body(GZIP))),
  onePercent: () => {
    living = changeSome(living, TUNNELS / 100);
    return afterCollection(() => cpuMs(() => lived.publish(living)));
  },
  onePercentGzip: () => afterCollection(() => processCpuMs(() => lived.body(GZIP))),
  loop: () => afterCollection(() => cpuMs(() => concatenate(prepared))),
  finishedLines: () => afterCollection(() => cpuMs(() => addUp(finished))),
  promClient: () => afterCollection(() => cpuMs(() => fillAndRenderPromClient(fleet))),
});

const [full, onePercent, loop, promClient] = [
  figures('full'),
  figures('onePercent'),
  figures('loop'),
  figures('promClient'),
];
const { length: bytes } = await lived.body({ ...GZIP, gzip: false });
const times = (value: number): string => `${value.toFixed(2)} ×`;
printTable(`rendering ${TUNNELS.toLocaleString('en')} tunnels, median of ${ROUNDS} rounds`, [
  ['series', report.series.toLocaleString('en')],
  ['page', `${(bytes / 1e6).toFixed(1)} MB`],
  ['full render', milliseconds(full.median)],
  ['loop that adds names, labels and values up', milliseconds(loop.median)],
  ['loop that adds finished lines up', milliseconds(figures('finishedLines').median)],
  ['prom-client, fill and render', milliseconds(promClient.median)],
  ['1 % of the tunnels changed', milliseconds(onePercent.median)],
  ['full render / loop (at most 1.5)', times(ratio(full, loop))],
  ['prom-client / full render (at least 2.5)', times(ratio(promClient, full))],
  ['1 % changed / full render (at most 0.15)', times(ratio(onePercent, full))],
  ['prom-client / 1 % changed (at least 20)', times(ratio(promClient, onePercent))],
  ['gzip of a full render beside it, all threads', milliseconds(figures('fullGzip').median)],
  ['gzip after 1 % changed, all threads', milliseconds(figures('onePercentGzip').median)],
]);
