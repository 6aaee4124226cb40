import {
  byCurrentLists,
  byNewestList,
  byNewestObservation,
  highest,
  lowest,
  total,
  TUNNEL,
} from './promql/fold.ts';
import { firstOf, inOneQuery, sumBy } from './promql/promql.ts';
import {
  each,
  grown,
  grownInRange,
  ofAccounts,
  ofExporter,
  ofTunnels,
  type PerExporter,
} from './promql/select.ts';
import { mayBeDown } from './problems.ts';
import { statusNumbers, TROUBLE } from './states.ts';

const EXPORTER_TUNNEL = 'job, instance, account_id, tunnel_id';
const STATUS = 'cloudflare_tunnel_status';
const TRANSITIONS = 'cloudflare_tunnel_status_transitions_total';
/** The status of tunnels that are down and may be. */
export const INTERMITTENT = 'intermittent';

/**
 * Tunnels by `status`, the worst first; "unknown" only if there are any. Tunnels that are down and may be have the status
 * INTERMITTENT.
 */
export function tunnelsByStatus(): string {
  const down = each`${ofTunnels(STATUS, 'status="down"')} == 1`;
  const excused = each`(${down} and on (${EXPORTER_TUNNEL}) ${mayBeDown()})`;
  const states = [
    each`(${down} unless on (${EXPORTER_TUNNEL}) ${mayBeDown()})`,
    ...['degraded', 'unknown', 'healthy', 'inactive'].map(
      (status) => each`${ofTunnels(STATUS, `status="${status}"`)} == 1`,
    ),
    each`label_replace(${excused}, "status", "${INTERMITTENT}", "", "")`,
  ];
  const all = states.reduce((some, state) => each`${some} or ${state}`);
  const none = `0 * count(${highest('account_id', ofAccounts('cloudflare_tunnel_account_info'))})`;
  // They come first, because a sum has the order in which its groups begin.
  const zeros = ['down', 'degraded', 'healthy', 'inactive'].map(
    (status) => `label_replace(${none}, "status", "${status}", "", "")`,
  );
  return sumBy('status', firstOf(...zeros, byNewestList('account_id, tunnel_id, status', all)));
}

/** Connections to each airport. */
export function connectionsPerAirport(): string {
  const active = ofTunnels('cloudflare_tunnel_active_connections');
  return sumBy('airport', byNewestObservation(`${TUNNEL}, colo, airport`, active));
}

/** The number of the status of each tunnel in trouble, over time. See `order`. */
export function troubleOverTime(): string {
  const worst = byCurrentLists((vector) => `max by (${TUNNEL}) (${vector})`, trouble());
  return `${worst}\n* on (account_id, tunnel_id) group_left (_order) ${order()}`;
}

/**
 * Prometheus sorts the series of a graph by their labels, and `_order` is the first. Tunnels that went down within the range
 * come first, the latest before the others. Then come the others by their last change, then those that are not listed any more.
 */
function order(): string {
  const down = ofTunnels('cloudflare_tunnel_inactive_since_timestamp_seconds');
  const up = ofTunnels('cloudflare_tunnel_active_since_timestamp_seconds');
  const known = ofTunnels('cloudflare_tunnel_info');
  // All have eleven digits, so that they sort as text.
  const keys = [
    each`3e10 - ($__range_s + ${down} @ end())`,
    each`3e10 - ${up} @ end()`,
    each`5e10 * (${known} @ end() or ${known} @ start())`,
  ].map((key) => lowest('account_id, tunnel_id', key));
  return `count_values by (account_id, tunnel_id) ("_order", floor(${firstOf(...keys)}))`;
}

/** Tunnels in trouble by `status`, over time. */
export function troubledByStatus(): string {
  const worst = byCurrentLists((vector) => `topk by (account_id, tunnel_id) (1, ${vector})`, trouble());
  return `count by (status) (${worst})`;
}

/** The part of the range in which each tunnel was not down, of all samples that any exporter has. */
export function availability(): string {
  const down = ofTunnels(STATUS, 'status="down"');
  const seen = total(TUNNEL, each`count_over_time(${down}[$__range])`);
  const missed = total(TUNNEL, each`sum_over_time(${down}[$__range])`);
  return `1 - ${missed} / ${seen}`;
}

/** Without tunnels that have never run. */
export function ofThoseThatRan(vector: string): string {
  const inactive = ofTunnels(STATUS, 'status="inactive"');
  const neverRun = highest(TUNNEL, each`min_over_time(${inactive}[$__range]) == 1`);
  return `${vector} unless ${neverRun}`;
}

/** When each tunnel went down or came up last, if that was within the range; `change` says which of both. */
export function lastUpOrDown(): string {
  const upSince = ofTunnels('cloudflare_tunnel_active_since_timestamp_seconds');
  const both = each`${asChange('went down', downSince())} or ${asChange('came up', upSince)}`;
  return `${byNewestList(`${TUNNEL}, change`, both)} > time() - $__range_s`;
}

/** How often each tunnel was down within the range: at least once if it was down at all, such as all the time. */
export function outages(): string {
  const counted = highest(TUNNEL, grownInRange(ofTunnels(TRANSITIONS, 'status="down"')));
  const down = highest(TUNNEL, each`max_over_time(${ofTunnels(STATUS, 'status="down"')}[$__range])`);
  return `${counted} >= 1 or ${down}`;
}

/** The longest time without connections within the range. */
export function longestOutage(): string {
  const inactive = ofTunnels('cloudflare_tunnel_inactive_since_timestamp_seconds');
  const longest = highest(TUNNEL, each`max_over_time((time() - ${inactive})[$__range:$__interval])`);
  return `floor(clamp_max(${longest}, $__range_s))`;
}

/** Changes into each status in each step, without `inactive`. */
export function changes(matcher = 'status!="inactive"'): string {
  const transitions = ofTunnels(TRANSITIONS, matcher);
  return sumBy('status', highest(`${TUNNEL}, status`, grown(transitions)));
}

/** Connections of all tunnels that opened and, below zero, those that closed, in each step. */
export function churn(): string {
  return inOneQuery({
    Opened: `(${sumOf('cloudflare_tunnel_connections_opened_total')} > 0)`,
    Closed: `-(${sumOf('cloudflare_tunnel_connections_closed_total')} > 0)`,
  });
}

function sumOf(counter: string): string {
  return `sum(${highest(TUNNEL, grown(ofTunnels(counter)))})`;
}

function asChange(change: string, since: PerExporter): PerExporter {
  return each`label_replace(${since}, "change", "${change}", "", "")`;
}

/** Events of each kind in each step. Each exporter counts the events of all its accounts. */
export function events(): string {
  return `${highest('kind', grown(ofExporter('cloudflare_tunnel_exporter_events_total')))} > 0`;
}

/** The number of the status of each tunnel in trouble; of several in a step, the worst. Outages shorter than a step count. */
function trouble(): PerExporter {
  const [worst, ...rest] = TROUBLE.toReversed();
  const inactive = ofTunnels('cloudflare_tunnel_inactive_since_timestamp_seconds');
  const within = each`(${inactive} or last_over_time(${inactive}[$__interval]))`;
  const down = each`(0 * ${withoutNeverRun(within)} + ${worst?.number ?? 0} unless on (${EXPORTER_TUNNEL}) ${mayBeDown()})`;
  return each`label_replace(${down}, "status", "down", "", "")\n  or on (${EXPORTER_TUNNEL})\n${statusNumbers(rest.toReversed())}`;
}

/** A tunnel that has never run is not connected since its creation; Cloudflare does not list it as down. */
function withoutNeverRun(tunnels: PerExporter): PerExporter {
  const inactive = ofTunnels(STATUS, 'status="inactive"');
  return each`(${tunnels} unless on (${EXPORTER_TUNNEL}) ${inactive} == 1)`;
}

/** Since when each tunnel is down. */
export function downSince(): PerExporter {
  return withoutNeverRun(ofTunnels('cloudflare_tunnel_inactive_since_timestamp_seconds'));
}
