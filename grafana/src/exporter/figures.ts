import { maxBy, ofAccounts, ofExporter, ofExportersOnly, rate, sumBy } from '../promql.ts';

/** Cloudflare counts requests in windows of five minutes. */
const WINDOW_SECONDS = 300;

export function ofWindow(counter: string): string {
  return `${rate(counter)} * ${WINDOW_SECONDS}`;
}

/** Of a histogram, per label. */
export function quantile(part: number, { of, by }: { readonly of: string; readonly by: string }): string {
  return `histogram_quantile(${part}, ${sumBy(`le, ${by}`, rate(ofExporter(`${of}_bucket`)))})`;
}

export function budgetUsed(): string {
  const used = sumBy('instance', ofWindow(ofExporter('cloudflare_tunnel_exporter_api_requests_total')));
  return `${used} / ${maxBy('instance', ofExporter('cloudflare_tunnel_exporter_api_budget_requests'))}`;
}

export function oldestObservation(): string {
  return `time() - ${maxBy('account_id', ofAccounts('cloudflare_tunnel_exporter_detail_oldest_observation_timestamp_seconds'))}`;
}

export function sinceSuccess(): string {
  const success = ofAccounts('cloudflare_tunnel_exporter_collector_last_success_timestamp_seconds');
  return `time() - ${maxBy('account_id, collector', success)}`;
}

/** Of a metric that every program may have. */
export function perProcess(metric: string): string {
  return maxBy('instance', ofExportersOnly(ofExporter(metric)));
}
