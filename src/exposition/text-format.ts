import type { PageFormat } from './page.ts';

export interface Header {
  /** As in text format 0.0.4: counters with `_total`, infos with `_info`. */
  readonly name: string;
  readonly help: string;
  readonly type: 'gauge' | 'counter' | 'info' | 'stateset' | 'histogram' | 'summary';
}

/**
 * Returns the HELP and TYPE lines of a family. OpenMetrics names a counter or an info without its suffix. Both formats
 * call a state set a gauge, because OpenMetrics' own type requires a label with the metric's name.
 */
export function encodeHeader({ name, help, type }: Header, format: PageFormat): string {
  return format === 'text'
    ? `# HELP ${name} ${escapeHelp(help)}\n# TYPE ${name} ${TEXT_TYPES[type]}\n`
    : `# HELP ${openMetricsName(name, type)} ${escapeHelp(help).replaceAll('"', '\\"')}\n# TYPE ${openMetricsName(name, type)} ${OPENMETRICS_TYPES[type]}\n`;
}

const TEXT_TYPES: Readonly<Record<Header['type'], string>> = {
  gauge: 'gauge',
  counter: 'counter',
  info: 'gauge',
  stateset: 'gauge',
  histogram: 'histogram',
  summary: 'summary',
};
const OPENMETRICS_TYPES: Readonly<Record<Header['type'], string>> = { ...TEXT_TYPES, info: 'info' };

function openMetricsName(name: string, type: Header['type']): string {
  if (type === 'counter') return name.replace(/_total$/, '');
  return type === 'info' ? name.replace(/_info$/, '') : name;
}

function escapeHelp(help: string): string {
  return help.replaceAll('\\', '\\\\').replaceAll('\n', '\\n');
}

/**
 * Escapes a label value, the same in both formats. Lone surrogates become U+FFFD when the page is encoded as UTF-8.
 */
export function escapeLabelValue(value: string): string {
  return /[\\\n"]/.test(value)
    ? value.replace(/[\\\n"]/g, (character) => ESCAPES[character] ?? character)
    : value;
}

const ESCAPES: Readonly<Record<string, string>> = { '\\': '\\\\', '\n': '\\n', '"': '\\"' };

/** Formats a sample value, the same in both formats. */
export function formatValue(value: number): string {
  if (value === Infinity) return '+Inf';
  return value === -Infinity ? '-Inf' : String(value);
}
