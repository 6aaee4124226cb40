import { readFileSync } from 'node:fs';
import { TUNNEL_LABELS } from '../../src/core/families/family.ts';
import { FAMILIES } from '../../src/core/families/table.ts';
import { goldenFleet } from '../golden/fleet.ts';
import { eventfulSelfMetrics } from '../support/self-metrics.ts';

export interface KnownMetric {
  readonly labels: readonly string[];
  /** Whether it is about the fleet, so that every replica reports the same. */
  readonly fleet: boolean;
}

/** Prometheus' own, of every target. */
const OF_PROMETHEUS = ['up', 'scrape_duration_seconds'];
const ALERT_LABELS = ['alertname', 'severity', ...TUNNEL_LABELS, 'tunnel'];

/**
 * Of the design, and not in this exporter yet. A test fails for each that has come: take it out
 * here.
 */
export const TO_COME: ReadonlyMap<string, KnownMetric> = new Map<string, KnownMetric>();

/** Every series that a query can name, with its labels but for those of the scrape. */
export async function knownMetrics(): Promise<ReadonlyMap<string, KnownMetric>> {
  const known = new Map<string, KnownMetric>();
  for (const name of OF_PROMETHEUS) known.set(name, { labels: [], fleet: false });
  known.set('ALERTS', { labels: [...ALERT_LABELS, 'alertstate'], fleet: false });
  known.set('ALERTS_FOR_STATE', { labels: ALERT_LABELS, fleet: false });
  for (const name of recorded()) known.set(name, { labels: ['account_id'], fleet: false });
  for (const family of FAMILIES) {
    const own = family.scope === 'tunnel' ? TUNNEL_LABELS : [];
    known.set(family.name, { labels: [...own, ...family.labels], fleet: true });
  }
  for (const { name, type, values } of await eventfulSelfMetrics(goldenFleet()).metrics()) {
    const labels = [...new Set(values.flatMap((sample) => Object.keys(sample.labels)))];
    const parts = String(type) === 'histogram' ? ['_bucket', '_sum', '_count'] : [''];
    for (const part of parts) known.set(name + part, { labels, fleet: labels.includes('account_id') });
  }
  return known;
}

/** Series that the alerts' rules record. */
function recorded(): readonly string[] {
  const rules = readFileSync('deploy/prometheus/alerts.yaml', 'utf8');
  return [...rules.matchAll(/- record: (\S+)/g)].map(([, name]) => name ?? '');
}
