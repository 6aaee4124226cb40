import { highest, total } from '../promql/fold.ts';
import { namedIfAny } from '../promql/names.ts';
import { age } from '../promql/promql.ts';
import { each, ofAccounts, ofExporter, ofExportersOnly, type PerExporter, rate } from '../promql/select.ts';

/** Cloudflare counts requests in windows of five minutes. */
export const WINDOW = '5m';

/**
 * The increase of a counter in the last window. A shorter window would show bursts, which the
 * budget allows.
 */
export function inWindow(counter: PerExporter): PerExporter {
  return each`increase(${counter}[${WINDOW}])`;
}

/** A quantile of a histogram, per label; absent while nothing is counted. */
export function quantile(part: number, { of, by }: { readonly of: string; readonly by: string }): string {
  return `histogram_quantile(${part}, ${total(`le, ${by}`, rate(ofExporter(`${of}_bucket`)))}) >= 0`;
}

/** Requests of each exporter in the last five minutes, as a part of its own budget for five minutes. */
export function budgetUsed(): string {
  const used = total('instance', inWindow(ofExporter('cloudflare_tunnel_exporter_api_requests_total')));
  return `${used} / ${highest('instance', ofExporter('cloudflare_tunnel_exporter_api_budget_requests'))}`;
}

/** Age of the oldest observation per account, by the exporter with the least. */
export function oldestObservation(): string {
  const oldest = ofAccounts('cloudflare_tunnel_exporter_detail_oldest_observation_timestamp_seconds');
  return namedIfAny(age(highest('account_id', oldest)));
}

/** Seconds since the last success per account and collector, by the exporter with the least. */
export function sinceSuccess(...matchers: readonly string[]): string {
  const success = ofAccounts(
    'cloudflare_tunnel_exporter_collector_last_success_timestamp_seconds',
    ...matchers,
  );
  return age(highest('account_id, collector', success));
}

/** A metric of each exporter that other programs have, too. */
export function perProcess(metric: string): string {
  return highest('instance', ofExportersOnly(ofExporter(metric)));
}

export function perInstance(metric: string): string {
  return highest('instance', ofExporter(metric));
}
