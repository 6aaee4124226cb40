import type { Registry } from 'prom-client';
import type { PageFormat, PageRequest } from './page.ts';
import { encodeHeader, escapeLabelValue, formatValue } from './text-format.ts';

export type PromClientMetric = Awaited<ReturnType<Registry['getMetricsAsJSON']>>[number];
type Sample = PromClientMetric['values'][number];

export interface SelfMetricsOptions {
  readonly collect: () => Promise<readonly PromClientMetric[]>;
  readonly allows: (name: string) => boolean;
}

interface Collected {
  readonly at: number;
  readonly metrics: Promise<readonly PromClientMetric[]>;
  /** Without `name[]`, in each format requested so far. */
  readonly encoded: Map<PageFormat, Uint8Array>;
}

/** Maximum age of metrics that scrapes share. */
const MAX_SHARED_AGE_MS = 1000;

/**
 * Returns the end of the page: the self-metrics, collected at every scrape, and the end mark of OpenMetrics. Scrapes that
 * overlap share them, because in a flood of scrapes collecting would take longer than everything else.
 */
export function createSelfMetricsEncoder({
  collect,
  allows,
}: SelfMetricsOptions): (request: PageRequest) => Promise<Uint8Array> {
  let newest: Collected | undefined;
  const recent = (overlaps: boolean): Collected => {
    const now = performance.now();
    if (newest === undefined || !overlaps || now - newest.at > MAX_SHARED_AGE_MS)
      newest = { at: now, metrics: collect(), encoded: new Map() };
    return newest;
  };
  return async ({ format, names, overlaps = false }) => {
    const { metrics, encoded } = recent(overlaps);
    const known = names === undefined ? encoded.get(format) : undefined;
    if (known !== undefined) return known;
    const shown = (await metrics).filter(({ name }) => allows(name) && (names?.has(name) ?? true));
    const part = Buffer.from(encodePromClientMetrics(shown, format) + (format === 'text' ? '' : '# EOF\n'));
    if (names === undefined) encoded.set(format, part);
    return part;
  };
}

/**
 * Encodes prom-client's metrics in either format. prom-client's own encoder is not used: once asked for OpenMetrics, it
 * renames its counters in the text format, too.
 */
export function encodePromClientMetrics(metrics: readonly PromClientMetric[], format: PageFormat): string {
  return metrics.map((metric) => encodeMetric(metric, format)).join('');
}

function encodeMetric({ name, help, type, values }: PromClientMetric, format: PageFormat): string {
  // prom-client's type is an enum, and its value is the word.
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

/** Samples of histograms and summaries have their own names (`…_bucket`). */
function sampleNameOf(sample: Sample): string | undefined {
  return 'metricName' in sample && typeof sample.metricName === 'string' ? sample.metricName : undefined;
}

/** Builds no list of pairs, because this runs for some hundred samples at every scrape. */
function encodeLabels(labels: Readonly<Partial<Record<string, string | number>>>): string {
  let pairs = '';
  for (const label in labels) {
    pairs += `${pairs === '' ? '{' : ','}${label}="${escapeLabelValue(labelText(label, labels[label]))}"`;
  }
  return pairs === '' ? '' : `${pairs}}`;
}

/** OpenMetrics requires a bucket's bound to be written as a float. */
function labelText(label: string, value: string | number | undefined): string {
  if (label !== 'le' || typeof value !== 'number') return String(value ?? '');
  return Number.isInteger(value) ? value.toFixed(1) : String(value);
}
