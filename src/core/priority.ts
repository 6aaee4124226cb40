import { meanRateOf, rateOf } from './churn.ts';
import type { TunnelState } from './snapshot.ts';

/** The longest interval of a tunnel that never changes, as a multiple of the equal interval. */
const MAX_INTERVAL_FACTOR = 1.75;
/** Tunnels observed longer ago than this multiple of the equal interval always come first. */
const OVERDUE_FACTOR = 1.9;
/** A degraded tunnel is likely to be down soon. */
const DEGRADED_WEIGHT = 2;
/** A failover is not visible in lists and takes only seconds. */
const HA_WEIGHT = 3;

/**
 * Returns the priority of observing a tunnel now: the age of its last observation divided by its
 * target interval; Infinity if it is overdue. `equalIntervalMs` is the interval if it is the same
 * for all tunnels. A change is noticed half an interval after it happened on average. For a given
 * number of requests, intervals proportional to 1/√r minimize the sum of these delays, where r is
 * the rate of changes.
 */
export function createPriority(
  states: readonly TunnelState[],
  { now, equalIntervalMs }: { readonly now: number; readonly equalIntervalMs: number },
): (state: TunnelState) => number {
  const meanRate = meanRateOf(states.values().map(({ churn }) => churn));
  const { floor, mean } = floorOf(states.map((state) => weightOf(state, meanRate)));
  return (state) => {
    // Failures count as attempts, so that tunnels that cannot be observed do not displace others.
    const age = ageOf(state.connectors.failedAt ?? state.detailedAt, now);
    if (age > OVERDUE_FACTOR * equalIntervalMs) return Infinity;
    return (age * Math.max(floor, weightOf(state, meanRate))) / (mean * Math.max(1, equalIntervalMs));
  };
}

/** Infinity for undefined, and for times in the future (the clock was set back). */
export function ageOf(at: number | undefined, now: number): number {
  return at === undefined || at > now ? Infinity : now - at;
}

function weightOf(state: TunnelState, meanRate: number): number {
  return Math.sqrt(rateOf(state.churn, meanRate)) * attention(state);
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

/** The weight that keeps every interval below the longest, and the mean with it. */
function floorOf(weights: readonly number[]): { readonly floor: number; readonly mean: number } {
  let floor = 0;
  let mean = meanOf(weights, floor);
  // Raising small weights raises the mean, which raises the floor. Six rounds converge.
  for (let round = 0; round < 6; round += 1) {
    floor = mean / MAX_INTERVAL_FACTOR;
    mean = meanOf(weights, floor);
  }
  return { floor, mean };
}

function meanOf(weights: readonly number[], floor: number): number {
  let sum = 0;
  for (const weight of weights) sum += Math.max(floor, weight);
  return weights.length === 0 ? 1 : sum / weights.length;
}

/** Returns the first `count` items in sorted order, without sorting the others. */
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
    first.splice(positionOf(item, first, compare), 0, item);
  }
  return first;
}

/** The position after equal items, which keeps the order stable. */
function positionOf<Item>(
  item: Item,
  sorted: readonly Item[],
  compare: (a: Item, b: Item) => number,
): number {
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
