import { execFile } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { promisify } from 'node:util';
import pLimit from 'p-limit';
import type { Figures } from './case.ts';
import { STRATEGIES, type StrategyName } from './strategies.ts';

/**
 * `npm run bench:freshness`: how old a change is when it is noticed. A fleet lives for hours of virtual time, the
 * exporter's own planner and two others observe it under the same simulated rate limit. Prints Markdown tables.
 * Arguments: fleet sizes.
 */
const BUDGETS = [600, 1200];
const sizes = process.argv.length > 2 ? process.argv.slice(2).map(Number) : [100, 1000, 5000, 20_000];
const COLUMNS = [
  '',
  'requests per 5 min, at most',
  'of the budget',
  'blocked',
  'status changes',
  'restarts',
  'failovers',
  'unnoticed',
  'oldest, fair shares',
  'run time',
];

/** Time is virtual: side by side, cases do not disturb each other. */
const limit = pLimit(availableParallelism());

async function simulate(tunnels: number, name: StrategyName, requestBudget: number): Promise<Figures> {
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ['test/bench/freshness/case.ts', String(tunnels), name, String(requestBudget)],
    { maxBuffer: Infinity },
  );
  return JSON.parse(stdout);
}

function quantiles(ages: readonly number[] | undefined): string {
  if (ages === undefined || ages.length === 0) return '–';
  const at = (share: number): string =>
    (ages[Math.min(ages.length - 1, Math.floor(share * ages.length))] ?? 0).toFixed(0);
  return `${at(0.5)} / ${at(0.95)} / ${at(0.99)}`;
}

function rowOf(name: StrategyName, figures: Figures): string {
  const { requests, blockedSeconds, ages, unnoticed, oldest, used, ranSeconds } = figures;
  const cells = [
    name,
    String(requests),
    name === 'naive loop' ? '–' : `${(used * 100).toFixed(0)} %`,
    `${blockedSeconds} s`,
    quantiles(ages.status),
    quantiles(ages.restart),
    quantiles(ages.failover),
    String(unnoticed),
    oldest === undefined ? '–' : oldest.toFixed(2),
    `${ranSeconds.toFixed(0)} s`,
  ];
  return `| ${cells.join(' | ')} |\n`;
}

const tables = sizes.flatMap((tunnels) =>
  BUDGETS.map((requestBudget) => ({
    title: `**${tunnels.toLocaleString('en')} tunnels, budget ${requestBudget}**`,
    // The naive loop knows no budget: it is the same in every table.
    rows: STRATEGIES.filter((name) => name !== 'naive loop' || requestBudget === BUDGETS[0]).map((name) =>
      limit(async () => rowOf(name, await simulate(tunnels, name, requestBudget))),
    ),
  })),
);
const head = `| ${COLUMNS.join(' | ')} |\n|${'---|'.repeat(COLUMNS.length)}\n`;
for (const { title, rows } of tables) {
  const body = await Promise.all(rows);
  process.stdout.write(`\n${title}\n\n${head}${body.join('')}`);
}
