import { type ChangeKind, createScenario, type Scenario, TOKEN } from './scenario.ts';
import { createStrategy, type Strategy, type StrategyName } from './strategies.ts';

/**
 * `npm run bench:freshness`: how old a change is when it is noticed. A fleet lives for hours of virtual time, the
 * exporter's own planner and two others observe it under the same simulated rate limit. Prints Markdown tables.
 * Arguments: fleet sizes.
 */
const HOUR = 3_600_000;
const LEARNING_MS = 6 * HOUR;
const MEASURED_MS = 2 * HOUR;
const WINDOW_MS = 300_000;
const BUDGETS = [600, 1200];
const STRATEGIES: readonly StrategyName[] = ['planner', 'round-robin', 'naive loop'];
const sizes = process.argv.length > 2 ? process.argv.slice(2).map(Number) : [100, 1000, 5000, 20_000];

interface Figures {
  readonly requests: number;
  readonly blockedSeconds: number;
  /** In seconds. */
  readonly ages: ReadonlyMap<ChangeKind, readonly number[]>;
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
    requests: peak(strategy.sentAt()),
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
  const lists = sizesOf.reduce((sum, size) => sum + Math.max(1, Math.ceil(size / 1000)), 0);
  const perMs = requestBudget / WINDOW_MS - lists / 30_000;
  return Math.max(30_000, sizesOf.reduce((sum, size) => sum + size, 0) / perMs);
}

function isBlocked({ simulation, now }: Scenario): boolean {
  return simulation.rateLimit.state(TOKEN, now()).blockedUntil !== undefined;
}

function olderOf(before: number | undefined, scenario: Scenario, strategy: Strategy): number | undefined {
  const at = strategy.oldestAt();
  return at === undefined ? before : Math.max(before ?? 0, scenario.now() - at);
}

function agesOf(changes: Scenario['changes']): ReadonlyMap<ChangeKind, readonly number[]> {
  const ages = new Map<ChangeKind, number[]>();
  for (const { kind, at, noticedAt } of changes) {
    if (noticedAt === undefined) continue;
    const known = ages.get(kind) ?? [];
    ages.set(kind, known);
    known.push((noticedAt - at) / 1000);
  }
  return new Map([...ages].map(([kind, list]) => [kind, list.toSorted((a, b) => a - b)]));
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

function quantiles(ages: readonly number[] | undefined): string {
  if (ages === undefined || ages.length === 0) return '–';
  const at = (share: number): string =>
    (ages[Math.min(ages.length - 1, Math.floor(share * ages.length))] ?? 0).toFixed(0);
  return `${at(0.5)} / ${at(0.95)} / ${at(0.99)}`;
}

for (const tunnels of sizes) {
  for (const requestBudget of BUDGETS) {
    process.stdout.write(`\n${tunnels.toLocaleString('en')} tunnels, budget ${requestBudget}\n\n`);
    process.stdout.write(
      '| | requests per 5 min, at most | of the budget | blocked | status changes | restarts | failovers | unnoticed | oldest, fair shares | run time |\n|---|---|---|---|---|---|---|---|---|---|\n',
    );
    for (const name of STRATEGIES) {
      if (name === 'naive loop' && requestBudget !== BUDGETS[0]) continue;
      const { requests, blockedSeconds, ages, unnoticed, oldest, used, ranSeconds } = await simulate(
        tunnels,
        name,
        requestBudget,
      );
      const cells = [
        name,
        String(requests),
        name === 'naive loop' ? '–' : `${(used * 100).toFixed(0)} %`,
        `${blockedSeconds} s`,
        quantiles(ages.get('status')),
        quantiles(ages.get('restart')),
        quantiles(ages.get('failover')),
        String(unnoticed),
        oldest === undefined ? '–' : oldest.toFixed(2),
        `${ranSeconds.toFixed(0)} s`,
      ];
      process.stdout.write(`| ${cells.join(' | ')} |\n`);
    }
  }
}
