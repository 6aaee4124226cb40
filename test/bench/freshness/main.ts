import { execFile } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { promisify } from 'node:util';
import pLimit from 'p-limit';
import type { Figures } from './case.ts';
import type { StrategyName } from './strategies.ts';

/**
 * `npm run bench:freshness`: how old a change is when it is noticed. A fleet lives for hours of
 * virtual time, the exporter's own planner and two others observe it under the same simulated rate
 * limit. Prints Markdown tables. Arguments: fleets, such as `1000` (tunnels in four accounts) or
 * `40x25` (accounts by tunnels in each).
 */
const BUDGETS = [600, 1200];
const USUAL_ACCOUNTS = 4;
const FLEETS = ['100', '1000', '5000', '20000', '40x25', '200x5', '200x50', '1000x2'];
const fleets = (process.argv.length > 2 ? process.argv.slice(2) : FLEETS).map(fleetOf);

const COLUMNS = [
  '',
  'requests per 5 min, at most',
  'of the budget',
  'blocked',
  'status changes',
  'restarts',
  'failovers',
  'unnoticed',
  'oldest detail, fair shares',
  'oldest list, fair shares',
  'run time',
];

/** Time is virtual: side by side, cases do not disturb each other. */
const limit = pLimit(availableParallelism());

interface Fleet {
  readonly title: string;
  readonly accounts: number;
  /** Of all accounts together. */
  readonly tunnels: number;
  readonly strategies: readonly StrategyName[];
}

function fleetOf(size: string): Fleet {
  const [first = 0, each] = size.split('x').map(Number);
  return each === undefined
    ? {
        title: `${first.toLocaleString('en')} tunnels`,
        accounts: USUAL_ACCOUNTS,
        tunnels: first,
        strategies: ['planner', 'round-robin', 'naive loop'],
      }
    : {
        title: `${first.toLocaleString('en')} accounts of ${each} tunnels, one token`,
        accounts: first,
        tunnels: first * each,
        strategies: ['planner', 'in turn', 'lists alone'],
      };
}

async function simulate(
  { accounts, tunnels }: Fleet,
  name: StrategyName,
  requestBudget: number,
): Promise<Figures> {
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ['test/bench/freshness/case.ts', String(accounts), String(tunnels), name, String(requestBudget)],
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
  const { requests, blockedSeconds, ages, unnoticed, oldest, oldestList, used, ranSeconds } = figures;
  const cells = [
    name,
    String(requests),
    name === 'naive loop' ? '–' : `${(used * 100).toFixed(0)} %`,
    `${blockedSeconds} s`,
    quantiles(ages.status),
    quantiles(ages.restart),
    quantiles(ages.failover),
    String(unnoticed),
    oldest?.toFixed(2) ?? '–',
    oldestList?.toFixed(2) ?? '–',
    `${ranSeconds.toFixed(0)} s`,
  ];
  return `| ${cells.join(' | ')} |\n`;
}

const tables = fleets.flatMap((fleet) =>
  BUDGETS.map((requestBudget) => ({
    title: `**${fleet.title}, budget ${requestBudget}**`,
    // The naive loop knows no budget: it is the same in every table.
    rows: fleet.strategies
      .filter((name) => name !== 'naive loop' || requestBudget === BUDGETS[0])
      .map((name) => limit(async () => rowOf(name, await simulate(fleet, name, requestBudget)))),
  })),
);
const head = `| ${COLUMNS.join(' | ')} |\n|${'---|'.repeat(COLUMNS.length)}\n`;
for (const { title, rows } of tables) {
  const body = await Promise.all(rows);
  process.stdout.write(`\n${title}\n\n${head}${body.join('')}`);
}
