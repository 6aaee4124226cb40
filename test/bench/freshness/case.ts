import { LIST_SHARE, refreshAge, WINDOW_MS, pagesOf } from '../../../src/core/intervals.ts';
import { type ChangeKind, createScenario, type Scenario, TOKEN } from './scenario.ts';
import { createStrategy, isStrategyName, type StrategyName } from './strategies.ts';

/**
 * One fleet under one strategy. Arguments: accounts, tunnels, strategy, budget. Prints its figures
 * as a line of JSON.
 */
const HOUR = 3_600_000;
const POLL_MS = 30_000;
const LEARNING_MS = 6 * HOUR;
const MEASURED_MS = 2 * HOUR;

export interface Figures {
  readonly requests: number;
  readonly blockedSeconds: number;
  /** In seconds. */
  readonly ages: Readonly<Partial<Record<ChangeKind, readonly number[]>>>;
  readonly unnoticed: number;
  /** In fair shares: the time to observe every tunnel once. */
  readonly oldest: number | undefined;
  /** The same of lists: the interval if all accounts were equal. */
  readonly oldestList: number | undefined;
  readonly used: number;
  readonly ranSeconds: number;
}

interface Case {
  readonly accounts: number;
  readonly tunnels: number;
  readonly name: StrategyName;
  readonly requestBudget: number;
}

async function simulate({ accounts, tunnels, name, requestBudget }: Case): Promise<Figures> {
  const started = performance.now();
  const scenario = createScenario({ tunnels, accounts, seed: 7, changesForMs: LEARNING_MS + MEASURED_MS });
  const strategy = createStrategy(name, scenario, requestBudget);
  const { equalIntervalMs, listShareMs } = fairSharesOf(scenario, requestBudget);
  let blocked = 0;
  let oldestAge: number | undefined;
  let oldestListAge: number | undefined;
  // Changes of the last minutes need time to be noticed: observing every tunnel twice.
  const until =
    LEARNING_MS + MEASURED_MS + Math.min(8 * HOUR, Math.ceil((2 * equalIntervalMs) / 1000) * 1000);
  for (let elapsed = 0; elapsed <= until; elapsed += 1000) {
    scenario.advanceTo(scenario.start + elapsed);
    await strategy.step();
    if (isBlocked(scenario)) blocked += 1;
    if (elapsed < LEARNING_MS || elapsed % 10_000 !== 0) continue;
    oldestAge = olderOf(oldestAge, strategy.oldestAt(), scenario.now());
    oldestListAge = olderOf(oldestListAge, strategy.oldestListAt(), scenario.now());
  }
  const measured = scenario.changes.filter(({ at }) => at >= scenario.start + LEARNING_MS);
  return {
    requests: peak(strategy.sentAt().toSorted((a, b) => a - b)),
    blockedSeconds: blocked,
    ages: agesOf(measured),
    unnoticed: measured.filter(({ noticedAt }) => noticedAt === undefined).length,
    oldest: oldestAge === undefined ? undefined : oldestAge / equalIntervalMs,
    oldestList: oldestListAge === undefined ? undefined : oldestListAge / listShareMs,
    used: strategy.sentAt().length / ((until / WINDOW_MS) * requestBudget),
    ranSeconds: (performance.now() - started) / 1000,
  };
}

/** How old details and lists get if all tunnels, and all accounts, are equal. */
function fairSharesOf({ simulation, accountIds }: Scenario, requestBudget: number) {
  const sizes = accountIds.map((id) => simulation.fleet.tunnels(id).length);
  const lists = sizes.reduce((sum, size) => sum + pagesOf(size), 0);
  const listsPerMs = Math.min(lists / POLL_MS, (LIST_SHARE * requestBudget) / WINDOW_MS);
  return {
    equalIntervalMs: refreshAge({
      serving: sizes.reduce((sum, size) => sum + size, 0),
      listsPerMs,
      pollIntervalMs: POLL_MS,
      requestBudget,
    }),
    listShareMs: lists / listsPerMs,
  };
}

function isBlocked({ simulation, now }: Scenario): boolean {
  return simulation.rateLimit.state(TOKEN, now()).blockedUntil !== undefined;
}

function olderOf(before: number | undefined, at: number | undefined, now: number): number | undefined {
  return at === undefined ? before : Math.max(before ?? 0, now - at);
}

/** In seconds, by kind, ascending. */
function agesOf(changes: Scenario['changes']): Figures['ages'] {
  const ages: Partial<Record<ChangeKind, number[]>> = {};
  for (const { kind, at, noticedAt } of changes) {
    if (noticedAt !== undefined) (ages[kind] ??= []).push((noticedAt - at) / 1000);
  }
  for (const list of Object.values(ages)) list.sort((a, b) => a - b);
  return ages;
}

/** The most requests in any five minutes. */
function peak(times: readonly number[]): number {
  let most = 0;
  let first = 0;
  for (const [index, at] of times.entries()) {
    while ((times[first] ?? at) <= at - WINDOW_MS) first += 1;
    most = Math.max(most, index - first + 1);
  }
  return most;
}

const [accounts = '', tunnels = '', name = '', requestBudget = ''] = process.argv.slice(2);
if (!isStrategyName(name)) throw new Error(`no strategy is called ${name}`);
const figures = await simulate({
  accounts: Number(accounts),
  tunnels: Number(tunnels),
  name,
  requestBudget: Number(requestBudget),
});
process.stdout.write(`${JSON.stringify(figures)}\n`);
