/** How both formats write things: text format 0.0.4 and OpenMetrics 1.0.0 agree on all of this. */

/** A label value between its quotes. Lone surrogates become U+FFFD when the page is encoded as UTF-8. */
export function escapeLabelValue(value: string): string {
  return /[\\\n"]/.test(value)
    ? value.replace(/[\\\n"]/g, (character) => ESCAPES[character] ?? character)
    : value;
}

const ESCAPES: Readonly<Record<string, string>> = { '\\': '\\\\', '\n': '\\n', '"': '\\"' };

/** A sample value. */
export function formatValue(value: number): string {
  if (value === Infinity) return '+Inf';
  return value === -Infinity ? '-Inf' : String(value);
}
