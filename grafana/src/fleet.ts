import { byCurrentLists, byNewestList, byNewestObservation, highest, total, TUNNEL } from './promql/fold.ts';
import { inOneQuery, sumBy } from './promql/promql.ts';
import { each, grown, grownInRange, ofExporter, ofTunnels, type PerExporter } from './promql/select.ts';
import { mayBeDown } from './problems.ts';
import { statusNumbers, TROUBLE } from './states.ts';

const EXPORTER_TUNNEL = 'job, instance, account_id, tunnel_id';
const STATUS = 'cloudflare_tunnel_status';
const TRANSITIONS = 'cloudflare_tunnel_status_transitions_total';

/** Tunnels by status, the worst first, each with its `name`. Those that may be down do not count as down. */
export function tunnelsByStatus(): string {
  return inOneQuery({
    Down: tunnelsIn('down'),
    Degraded: tunnelsIn('degraded'),
    Unknown: `(${tunnelsIn('unknown')} > 0)`,
    Healthy: tunnelsIn('healthy'),
    'Never run': tunnelsIn('inactive'),
    'Down, as they may be': tunnelsDownAsTheyMayBe(),
  });
}

/** Tunnels in that status. */
function tunnelsIn(status: string): string {
  const some = ofTunnels(STATUS, `status="${status}"`);
  const counted = status === 'down' ? each`${some} unless on (${EXPORTER_TUNNEL}) ${mayBeDown()}` : some;
  return `sum(${byNewestList('account_id, tunnel_id', counted)})`;
}

/** Tunnels that are down and may be; nothing where there are none. */
function tunnelsDownAsTheyMayBe(): string {
  const some = each`${ofTunnels(STATUS, 'status="down"')} and on (${EXPORTER_TUNNEL}) ${mayBeDown()}`;
  return `(sum(${byNewestList('account_id, tunnel_id', some)}) > 0)`;
}

/** Connections to each airport. */
export function connectionsPerAirport(): string {
  const active = ofTunnels('cloudflare_tunnel_active_connections');
  return sumBy('airport', byNewestObservation(`${TUNNEL}, colo, airport`, active));
}

/** The number of the status of each tunnel in trouble, over time. */
export function troubleOverTime(): string {
  return byCurrentLists((vector) => `max by (${TUNNEL}) (${vector})`, trouble());
}

/** Tunnels in trouble by `status`, over time. */
export function troubledByStatus(): string {
  const worst = byCurrentLists((vector) => `topk by (account_id, tunnel_id) (1, ${vector})`, trouble());
  return `count by (status) (${worst})`;
}

/** Tunnels that were down at some time of the range shown. */
export function downInRange(): string {
  const down = ofTunnels(STATUS, 'status="down"');
  return `topk(100, ${highest('account_id, tunnel_id', each`max_over_time(${down}[$__range] @ end())`)} == 1)`;
}

/** The part of the range in which each tunnel was not down: of all that any exporter saw, each time that it saw the tunnel. */
export function availability(): string {
  const down = ofTunnels(STATUS, 'status="down"');
  const seen = total(TUNNEL, each`count_over_time(${down}[$__range])`);
  const neverRun = highest(
    TUNNEL,
    each`min_over_time(${ofTunnels(STATUS, 'status="inactive"')}[$__range]) == 1`,
  );
  const missed = total(TUNNEL, each`sum_over_time(${down}[$__range])`);
  return `(1 - ${missed} / ${seen} unless ${neverRun})`;
}

/** How often each tunnel went down within the range. */
export function outages(): string {
  return highest(TUNNEL, grownInRange(ofTunnels(TRANSITIONS, 'status="down"')));
}

/** The longest time without connections within the range. */
export function longestOutage(): string {
  const inactive = ofTunnels('cloudflare_tunnel_inactive_since_timestamp_seconds');
  const longest = highest(TUNNEL, each`max_over_time((time() - ${inactive})[$__range:$__interval])`);
  return `floor(clamp_max(${longest}, $__range_s))`;
}

/** Changes into each status, but for `inactive`, in each step. */
export function changes(matcher = 'status!="inactive"'): string {
  const transitions = ofTunnels(TRANSITIONS, matcher);
  return sumBy('status', highest(`${TUNNEL}, status`, grown(transitions)));
}

/** Connections that came and, below zero, those that went, of all tunnels, in each step. */
export function churn(): string {
  return inOneQuery({
    Opened: `(${sumOf('cloudflare_tunnel_connections_opened_total')} > 0)`,
    Closed: `-(${sumOf('cloudflare_tunnel_connections_closed_total')} > 0)`,
  });
}

function sumOf(counter: string): string {
  return `sum(${highest(TUNNEL, grown(ofTunnels(counter)))})`;
}

/** Events of each kind in each step: each exporter sees all of its accounts. */
export function events(): string {
  return `${highest('kind', grown(ofExporter('cloudflare_tunnel_exporter_events_total')))} > 0`;
}

function trouble(): PerExporter {
  const [, ...rest] = TROUBLE.toReversed();
  const down = each`(5 * (${ofTunnels(STATUS, 'status="down"')} == 1) unless on (${EXPORTER_TUNNEL}) ${mayBeDown()})`;
  return each`${down}\n  or\n${statusNumbers(rest.toReversed())}`;
}
