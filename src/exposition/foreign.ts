import type { Registry } from 'prom-client';
import { encodeHeader } from './header.ts';
import type { PageFormat } from './page.ts';
import { escapeLabelValue, formatValue } from './text.ts';

/** A metric as prom-client gives it. */
export type ForeignMetric = Awaited<ReturnType<Registry['getMetricsAsJSON']>>[number];
type Sample = ForeignMetric['values'][number];

/**
 * prom-client's metrics in either format. Not by prom-client itself: asked for OpenMetrics, it renames its counters for
 * good, in the text format too.
 */
export function encodeForeign(metrics: readonly ForeignMetric[], format: PageFormat): string {
  return metrics.map((metric) => encodeMetric(metric, format)).join('');
}

function encodeMetric({ name, help, type, values }: ForeignMetric, format: PageFormat): string {
  // prom-client types this as an enum and gives the word.
  const header = encodeHeader({ name, help, type: typeOf(String(type)) }, format);
  let lines = header;
  for (const sample of values) {
    lines += `${sampleNameOf(sample) ?? name}${encodeLabels(sample.labels)} ${formatValue(sample.value)}\n`;
  }
  return lines;
}

function typeOf(type: string): 'counter' | 'histogram' | 'summary' | 'gauge' {
  return type === 'counter' || type === 'histogram' || type === 'summary' ? type : 'gauge';
}

/** The samples of histograms and summaries carry a name of their own (`…_bucket`). */
function sampleNameOf(sample: Sample): string | undefined {
  return 'metricName' in sample && typeof sample.metricName === 'string' ? sample.metricName : undefined;
}

/** Done for some hundred samples at every scrape: no list of pairs is made in between. */
function encodeLabels(labels: Readonly<Partial<Record<string, string | number>>>): string {
  let pairs = '';
  for (const label in labels) {
    pairs += `${pairs === '' ? '{' : ','}${label}="${escapeLabelValue(labelText(label, labels[label]))}"`;
  }
  return pairs === '' ? '' : `${pairs}}`;
}

/** OpenMetrics demands that a bucket's bound is written as a float. */
function labelText(label: string, value: string | number | undefined): string {
  if (label !== 'le' || typeof value !== 'number') return String(value ?? '');
  return Number.isInteger(value) ? value.toFixed(1) : String(value);
}
