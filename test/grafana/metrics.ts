import { TUNNEL_LABELS } from '../../src/core/families/family.ts';
import { FAMILIES } from '../../src/core/families/table.ts';
import { goldenFleet } from '../golden/fleet.ts';
import { eventfulTelemetry } from '../support/telemetry.ts';

export interface KnownMetric {
  readonly labels: readonly string[];
  /** Of the fleet: every replica of the exporter tells the same. */
  readonly fleet: boolean;
}

/** Prometheus' own, of every target. */
const OF_PROMETHEUS = ['up', 'scrape_duration_seconds'];

/** Every series that a query can name, with its labels but for those of the scrape. */
export async function knownMetrics(): Promise<ReadonlyMap<string, KnownMetric>> {
  const known = new Map<string, KnownMetric>();
  for (const name of OF_PROMETHEUS) known.set(name, { labels: [], fleet: false });
  for (const family of FAMILIES) {
    const own = family.scope === 'tunnel' ? TUNNEL_LABELS : [];
    known.set(family.name, { labels: [...own, ...family.labels], fleet: true });
  }
  for (const { name, type, values } of await eventfulTelemetry(goldenFleet()).metrics()) {
    const labels = [...new Set(values.flatMap((sample) => Object.keys(sample.labels)))];
    const parts = String(type) === 'histogram' ? ['_bucket', '_sum', '_count'] : [''];
    for (const part of parts) known.set(name + part, { labels, fleet: labels.includes('account_id') });
  }
  return known;
}
