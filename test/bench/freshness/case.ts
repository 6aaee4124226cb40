import { refreshAge, WINDOW_MS } from '../../../src/core/refresh.ts';
import { pagesOf } from '../../../src/core/walks.ts';
import { type ChangeKind, createScenario, type Scenario, TOKEN } from './scenario.ts';
import { createStrategy, isStrategyName, type Strategy, type StrategyName } from './strategies.ts';

/** One fleet under one strategy. Arguments: tunnels, strategy, budget. Prints its figures as a line of JSON. */
const HOUR = 3_600_000;
const LEARNING_MS = 6 * HOUR;
const MEASURED_MS = 2 * HOUR;

export interface Figures {
  readonly requests: number;
  readonly blockedSeconds: number;
  /** In seconds. */
  readonly ages: Readonly<Partial<Record<ChangeKind, readonly number[]>>>;
  readonly unnoticed: number;
  /** In fair shares: how long every tunnel's turn takes. */
  readonly oldest: number | undefined;
  readonly used: number;
  readonly ranSeconds: number;
}

async function simulate(tunnels: number, name: StrategyName, requestBudget: number): Promise<Figures> {
  const started = performance.now();
  const scenario = createScenario({ tunnels, seed: 7, changesForMs: LEARNING_MS + MEASURED_MS });
  const strategy = createStrategy(name, scenario, requestBudget);
  const fairShareMs = fairShareOf(scenario, requestBudget);
  let blocked = 0;
  let oldestAge: number | undefined;
  // Changes of the last minutes need time to be noticed: two turns of every tunnel.
  const until = LEARNING_MS + MEASURED_MS + Math.min(8 * HOUR, Math.ceil((2 * fairShareMs) / 1000) * 1000);
  for (let elapsed = 0; elapsed <= until; elapsed += 1000) {
    scenario.advanceTo(scenario.start + elapsed);
    await strategy.step();
    if (isBlocked(scenario)) blocked += 1;
    if (elapsed >= LEARNING_MS && elapsed % 60_000 === 0) oldestAge = olderOf(oldestAge, scenario, strategy);
  }
  const measured = scenario.changes.filter(({ at }) => at >= scenario.start + LEARNING_MS);
  return {
    requests: peak(strategy.sentAt().toSorted((a, b) => a - b)),
    blockedSeconds: blocked,
    ages: agesOf(measured),
    unnoticed: measured.filter(({ noticedAt }) => noticedAt === undefined).length,
    oldest: oldestAge === undefined ? undefined : oldestAge / fairShareMs,
    used: strategy.sentAt().length / ((until / WINDOW_MS) * requestBudget),
    ranSeconds: (performance.now() - started) / 1000,
  };
}

function fairShareOf({ simulation, accountIds }: Scenario, requestBudget: number): number {
  const sizesOf = accountIds.map((id) => simulation.fleet.tunnels(id).length);
  return refreshAge({
    serving: sizesOf.reduce((sum, size) => sum + size, 0),
    listRequests: sizesOf.reduce((sum, size) => sum + pagesOf(size), 0),
    pollIntervalMs: 30_000,
    requestBudget,
  });
}

function isBlocked({ simulation, now }: Scenario): boolean {
  return simulation.rateLimit.state(TOKEN, now()).blockedUntil !== undefined;
}

function olderOf(before: number | undefined, scenario: Scenario, strategy: Strategy): number | undefined {
  const at = strategy.oldestAt();
  return at === undefined ? before : Math.max(before ?? 0, scenario.now() - at);
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

const [tunnels = '', name = '', requestBudget = ''] = process.argv.slice(2);
if (!isStrategyName(name)) throw new Error(`no strategy is called ${name}`);
const figures = await simulate(Number(tunnels), name, Number(requestBudget));
process.stdout.write(`${JSON.stringify(figures)}\n`);
