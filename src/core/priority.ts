import type { TunnelState } from './snapshot.ts';

export interface PriorityOptions {
  readonly now: number;
  /** How old an observation gets when every tunnel takes its turn. */
  readonly equalIntervalMs: number;
}

/** How much a tunnel's own record counts against the fleet's average, in changes seen. */
const PRIOR_CHANGES = 0.2;
/** A tunnel that never changes waits for no more than this many fair shares: nothing starves. */
const LONGEST_SHARE = 1.75;
/** Where the weights sum up differently than expected, this age comes before any worth. */
const OVERDUE_SHARE = 1.9;
/** A degraded tunnel is about to be down. */
const DEGRADED_WEIGHT = 2;
/** A failover does not show in the list, and is over within seconds. */
const HA_WEIGHT = 3;

/**
 * What it is worth to observe a tunnel of this fleet now: its age in units of the interval that is right for it; infinite for one
 * that is overdue. A change is noticed on average half an interval after it happened; with r changes per time, the sum
 * of all these delays is least, for a given number of requests, where intervals are as 1/√r.
 */
export function createPriority(
  states: readonly TunnelState[],
  { now, equalIntervalMs }: PriorityOptions,
): (state: TunnelState) => number {
  const meanRate = fleetRate(states);
  const { floor, mean } = floorOf(states.map((state) => weightOf(state, meanRate)));
  return (state) => {
    // What failed counts as asked: what cannot be observed must not push aside what can.
    const age = ageOf(state.connectors.failedAt ?? state.detailedAt, now);
    if (age > OVERDUE_SHARE * equalIntervalMs) return Infinity;
    return (age * Math.max(floor, weightOf(state, meanRate))) / (mean * Math.max(1, equalIntervalMs));
  };
}

/** What was observed in the future, by a clock that has been set back since, is as good as not observed. */
export function ageOf(at: number | undefined, now: number): number {
  return at === undefined || at > now ? Infinity : now - at;
}

/** Changes per millisecond of an average tunnel; 0 where nothing has been observed twice. */
function fleetRate(states: readonly TunnelState[]): number {
  let changes = 0;
  let observedMs = 0;
  for (const { churn } of states) {
    changes += churn.changes;
    observedMs += churn.observedMs;
  }
  return observedMs === 0 ? 0 : (changes + PRIOR_CHANGES) / observedMs;
}

function weightOf(state: TunnelState, meanRate: number): number {
  const { changes, observedMs } = state.churn;
  const rate = meanRate === 0 ? 1 : (changes + PRIOR_CHANGES) / (observedMs + PRIOR_CHANGES / meanRate);
  return Math.sqrt(rate) * attention(state);
}

function attention({ tunnel, connectors, configuration }: TunnelState): number {
  const { haMode } = configuration.value ?? {};
  const isHa =
    haMode === 'aws' ||
    haMode === 'local' ||
    connectors.value?.some(({ haStatus }) => haStatus !== undefined);
  if (isHa === true) return HA_WEIGHT;
  return tunnel.status === 'healthy' ? 1 : DEGRADED_WEIGHT;
}

/** The least weight that keeps every interval within the longest share, and the mean of the weights with it. */
function floorOf(weights: readonly number[]): { readonly floor: number; readonly mean: number } {
  let floor = 0;
  let mean = meanOf(weights, floor);
  // Raising the small weights raises the mean, which raises the floor: a few rounds settle it.
  for (let round = 0; round < 6; round += 1) {
    floor = mean / LONGEST_SHARE;
    mean = meanOf(weights, floor);
  }
  return { floor, mean };
}

function meanOf(weights: readonly number[], floor: number): number {
  let sum = 0;
  for (const weight of weights) sum += Math.max(floor, weight);
  return weights.length === 0 ? 1 : sum / weights.length;
}

/** The first of the items, as many as `count`, in order: as if all were sorted, for little more than looking at each. */
export function selectFirst<Item>(
  items: Iterable<Item>,
  count: number,
  compare: (a: Item, b: Item) => number,
): readonly Item[] {
  const first: Item[] = [];
  if (count <= 0) return first;
  for (const item of items) {
    const last = first.length < count ? undefined : first.at(-1);
    if (last !== undefined && compare(item, last) >= 0) continue;
    if (last !== undefined) first.pop();
    first.splice(placeOf(item, first, compare), 0, item);
  }
  return first;
}

/** After its equals: what came first stays first. */
function placeOf<Item>(item: Item, sorted: readonly Item[], compare: (a: Item, b: Item) => number): number {
  let from = 0;
  let to = sorted.length;
  while (from < to) {
    const middle = (from + to) >>> 1;
    const other = sorted[middle];
    if (other !== undefined && compare(item, other) < 0) to = middle;
    else from = middle + 1;
  }
  return from;
}
