/**
 * Folds: what several exporters report of the same tunnel becomes one series. Replicas poll at different times, so their data
 * differ for a while after every change; a maximum over their series would show a state that never was.
 */
import { each, ofAccounts, ofTunnels, type PerExporter } from './select.ts';

/** The labels that identify a tunnel. */
export const TUNNEL = 'account_id, tunnel_id, tunnel_name';
export const CONNECTOR = `${TUNNEL}, connector_id`;

/** Of what comes from the list of tunnels, such as status: the exporter of each tunnel with the newest list counts. */
export function byNewestList(labels: string, vector: PerExporter): string {
  return folded(labels, {
    vector,
    newest: each`${ofTunnels('cloudflare_tunnel_info')} * on (job, instance, account_id) group_left () ${listed()}`,
  });
}

/**
 * Of what is observed tunnel by tunnel, such as connections: the exporter with the newest observation counts. A tunnel that is
 * listed down is not observed; its list is the observation.
 */
export function byNewestObservation(labels: string, vector: PerExporter): string {
  const observed = ofTunnels('cloudflare_tunnel_observed_timestamp_seconds');
  const without = ofTunnels('cloudflare_tunnel_connectors');
  return folded(labels, {
    vector,
    newest: each`${observed} or (${without} == 0) + on (job, instance, account_id) group_left () ${listed()}`,
  });
}

/** As byNewestObservation, of the WARP connectors with an HA status only: cheap enough for graphs of a whole fleet. */
export function byNewestHaObservation(labels: string, vector: PerExporter): string {
  const observed = ofTunnels('cloudflare_tunnel_observed_timestamp_seconds');
  const status = ofTunnels('cloudflare_tunnel_connector_ha_status', 'ha_status="active"');
  return folded(labels, {
    vector,
    newest: each`${observed} and on (job, instance, account_id, tunnel_id) ${status}`,
  });
}

/**
 * Of a whole fleet over time, where byNewestList costs seconds: every exporter whose list is current has a say, `fold`
 * chooses among them, and one that is stuck has none. While exporters differ, for a poll at most, the chosen one counts.
 */
export function byCurrentLists(fold: (vector: string) => string, vector: PerExporter): string {
  return fold(`
  (${vector.perExporter})
  and on (job, instance, account_id)
  (${listed().perExporter} >= on (account_id) group_left () (max by (account_id) (${listed().perExporter}) - on (account_id) ${patience()}))
`);
}

/** Of counters, times and settings, where the exporter that knows most is right. */
export function highest(labels: string, vector: PerExporter): string {
  return `max by (${labels}) (${vector.perExporter})`;
}

export function lowest(labels: string, vector: PerExporter): string {
  return `min by (${labels}) (${vector.perExporter})`;
}

/** Of what each exporter does itself, such as requests, and of samples that every exporter took. */
export function total(labels: string, vector: PerExporter): string {
  return labels === '' ? `sum(${vector.perExporter})` : `sum by (${labels}) (${vector.perExporter})`;
}

/** Not folded: for the values of a variable, where double ones do no harm. */
export function seriesOf({ perExporter }: PerExporter): string {
  return perExporter;
}

/** Seconds without a complete list after which an account counts as unwatched, as the alerts have it. */
export function patience(): string {
  const interval = ofAccounts('cloudflare_tunnel_exporter_list_interval_seconds');
  const age = ofAccounts('cloudflare_tunnel_account_info');
  return `clamp_min(3 * ${highest('account_id', interval)} or 0 * ${highest('account_id', age)}, 150)`;
}

/** When each exporter last had the complete list of each account; 0 where it never had, though it may have had a part of it. */
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
