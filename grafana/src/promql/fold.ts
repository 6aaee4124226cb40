/**
 * Folds make one series of what several exporters report of a tunnel. Replicas poll at different
 * times, so their data differ for a while after every change. A maximum over their series would
 * show a state that never existed.
 */
import { each, ofAccounts, ofTunnels, type PerExporter } from './select.ts';

/** The labels that identify a tunnel. */
export const TUNNEL = 'account_id, tunnel_id, tunnel_name';
export const CONNECTOR = `${TUNNEL}, connector_id`;

/**
 * For what comes from the list, such as status. Chooses, for each tunnel, the exporter with the
 * newest list.
 */
export function byNewestList(labels: string, vector: PerExporter): string {
  return folded(labels, {
    vector,
    newest: each`${ofTunnels('cloudflare_tunnel_info')} * on (job, instance, account_id) group_left () ${listed()}`,
  });
}

/**
 * For what is observed tunnel by tunnel, such as connections. Chooses, for each tunnel, the
 * exporter with the newest observation. A tunnel that is listed down is not observed, so its list
 * counts as the observation.
 */
export function byNewestObservation(labels: string, vector: PerExporter): string {
  const observed = ofTunnels('cloudflare_tunnel_observed_timestamp_seconds');
  const without = ofTunnels('cloudflare_tunnel_connectors');
  return folded(labels, {
    vector,
    newest: each`${observed} or (${without} == 0) + on (job, instance, account_id) group_left () ${listed()}`,
  });
}

/**
 * Like byNewestObservation, for WARP connectors with an HA status only. Cheap enough for graphs of
 * a whole fleet.
 */
export function byNewestHaObservation(labels: string, vector: PerExporter): string {
  const observed = ofTunnels('cloudflare_tunnel_observed_timestamp_seconds');
  const status = ofTunnels('cloudflare_tunnel_connector_ha_status', 'ha_status="active"');
  return folded(labels, {
    vector,
    newest: each`${observed} and on (job, instance, account_id, tunnel_id) ${status}`,
  });
}

/**
 * For graphs of a whole fleet, for which byNewestList costs seconds. `fold` chooses among the
 * exporters whose list is current, so one that is stuck does not count. Exporters differ for at
 * most one poll.
 */
export function byCurrentLists(fold: (vector: string) => string, vector: PerExporter): string {
  return fold(`
  (${vector.perExporter})
  and on (job, instance, account_id)
  (${listed().perExporter} >= on (account_id) group_left () (max by (account_id) (${listed().perExporter}) - on (account_id) ${patience()}))
`);
}

/** For counters, times and settings. The exporter with the highest value is right. */
export function highest(labels: string, vector: PerExporter): string {
  return `max by (${labels}) (${vector.perExporter})`;
}

export function lowest(labels: string, vector: PerExporter): string {
  return `min by (${labels}) (${vector.perExporter})`;
}

/** For what each exporter does itself, such as requests, and for samples of all exporters. */
export function total(labels: string, vector: PerExporter): string {
  return labels === '' ? `sum(${vector.perExporter})` : `sum by (${labels}) (${vector.perExporter})`;
}

/** Does not fold. For the values of a variable, for which duplicates do no harm. */
export function seriesOf({ perExporter }: PerExporter): string {
  return perExporter;
}

/** Seconds without a complete list after which an account counts as unwatched, as in the alerts. */
export function patience(): string {
  const interval = ofAccounts('cloudflare_tunnel_exporter_list_interval_seconds');
  const age = ofAccounts('cloudflare_tunnel_account_info');
  return `clamp_min(3 * ${highest('account_id', interval)} or 0 * ${highest('account_id', age)}, 150)`;
}

/**
 * When each exporter last had the complete list of each account; 0 if never, even if it had a part
 * of it.
 */
function listed(): PerExporter {
  const success = ofAccounts(
    'cloudflare_tunnel_exporter_collector_last_success_timestamp_seconds',
    'collector="tunnels"',
  );
  const account = ofAccounts('cloudflare_tunnel_account_info');
  const exporter = 'max by (job, instance, account_id)';
  return each`(${exporter} (${success}) or 0 * ${exporter} (${account}))`;
}

/** `newest` has a time per exporter and tunnel. */
function folded(
  labels: string,
  { vector, newest }: { readonly vector: PerExporter; readonly newest: PerExporter },
): string {
  return `max by (${labels}) (
  (${vector.perExporter})
  and on (job, instance, account_id, tunnel_id)
  topk by (account_id, tunnel_id) (1, ${newest.perExporter})
)`;
}
