import type { PageFormat } from '../../src/exposition/page.ts';

export interface ParsedSample {
  readonly name: string;
  readonly labels: ReadonlyMap<string, string>;
  readonly value: number;
}

export interface ParsedFamily {
  /** As its TYPE line has it: OpenMetrics counters without `_total`, infos without `_info`. */
  readonly name: string;
  readonly type: string;
  readonly help: string;
  readonly samples: readonly ParsedSample[];
}

/**
 * Reads a metrics page back, and throws at whatever we must never write though some readers would
 * take it: a missing last newline, samples outside their family's block, series or families twice,
 * unknown escapes, `# EOF` elsewhere than at the end of OpenMetrics.
 */
export function parseExposition(page: Uint8Array, format: PageFormat): readonly ParsedFamily[] {
  const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(page);
  // An empty page is valid in the text format.
  if (format === 'text' && text === '') return [];
  if (!text.endsWith('\n')) throw new Error('the page does not end with a newline');
  const lines = text.slice(0, -1).split('\n');
  if (format === 'openmetrics' && lines.pop() !== '# EOF')
    throw new Error('the page does not end with # EOF');
  const families = blocksOf(lines).map((block) => parseBlock(block, format));
  refuseTwice(
    families.flatMap(({ name, type }) => sampleNames(name, type, format)),
    'name',
  );
  refuseTwice(families.flatMap(({ samples }) => samples).map(seriesOf), 'series');
  return families;
}

/** A key that is equal only for equal series. */
export function seriesOf({ name, labels }: Pick<ParsedSample, 'name' | 'labels'>): string {
  return JSON.stringify([name, ...[...labels].toSorted(([a], [b]) => (a < b ? -1 : 1))]);
}

interface Block {
  readonly help: string;
  readonly type: string | undefined;
  readonly samples: readonly string[];
}

/** A family's block begins with its HELP line. */
function blocksOf(lines: readonly string[]): readonly Block[] {
  const starts = lines.flatMap((line, index) => (line.startsWith('# HELP ') ? [index] : []));
  if ((starts[0] ?? lines.length) !== 0) throw new Error(`not in a family's block: ${lines[0] ?? ''}`);
  return starts.map((start, index) => {
    const [help = '', type, ...samples] = lines.slice(start, starts[index + 1]);
    return { help, type, samples };
  });
}

const SUFFIXES: Readonly<Record<string, readonly string[]>> = {
  histogram: ['_bucket', '_sum', '_count'],
  summary: ['', '_sum', '_count'],
};

function sampleNames(name: string, type: string, format: PageFormat): readonly string[] {
  const own = format === 'openmetrics' && type === 'counter' ? ['_total'] : [];
  const info = format === 'openmetrics' && type === 'info' ? ['_info'] : [];
  const suffixes = SUFFIXES[type] ?? (own.length + info.length > 0 ? [...own, ...info] : ['']);
  return suffixes.map((suffix) => name + suffix);
}

const TYPES: Readonly<Record<PageFormat, readonly string[]>> = {
  text: ['gauge', 'counter', 'histogram', 'summary'],
  openmetrics: ['gauge', 'counter', 'histogram', 'summary', 'info'],
};

function parseBlock({ help, type, samples }: Block, format: PageFormat): ParsedFamily {
  const [, name = '', helpText = ''] = matched(/^# HELP ([a-zA-Z_:][\w:]*) (.+)$/su, help);
  const [, typedName, typeName = ''] = matched(/^# TYPE (\S+) (\S+)$/, type ?? '');
  if (typedName !== name) throw new Error(`HELP and TYPE name different families: ${help}`);
  if (!TYPES[format].includes(typeName)) throw new Error(`no type of this format: ${type ?? ''}`);
  const names = sampleNames(name, typeName, format);
  const family = {
    name,
    type: typeName,
    help: unescape(helpText, format === 'text' ? { '\\': '\\', n: '\n' } : ESCAPES),
    samples: samples.map(parseSample),
  };
  for (const sample of family.samples) {
    if (!names.includes(sample.name)) throw new Error(`not in its family's block: ${sample.name}`);
    if (typeName === 'info' && sample.value !== 1) throw new Error(`an info that is not 1: ${sample.name}`);
    if (typeName === 'counter' && !(sample.value >= 0)) throw new Error(`negative counter: ${sample.name}`);
  }
  return family;
}

const VALUE = /^(?:NaN|[+-]Inf|-?\d+(?:\.\d+)?(?:e[+-]?\d+)?)$/;

/**
 * Names and labels do not hold spaces outside of quotes; label values hold anything but a raw
 * newline or quote.
 */
function parseSample(line: string): ParsedSample {
  const [, name = '', , labelText = '', valueText = ''] = matched(
    /^([a-zA-Z_:][\w:]*)(\{((?:[^"]|"(?:[^"\\]|\\.)*")*)\})? (\S+)$/su,
    line,
  );
  matched(VALUE, valueText);
  return { name, labels: parseLabels(labelText), value: Number(valueText.replace('Inf', 'Infinity')) };
}

function parseLabels(text: string): ReadonlyMap<string, string> {
  const labels = new Map<string, string>();
  const pair = /([a-zA-Z_]\w*)="((?:[^"\\]|\\.)*)"(,(?=[a-zA-Z_])|$)/suy;
  while (pair.lastIndex < text.length) {
    const [, name = '', value = ''] = pair.exec(text) ?? [];
    if (name === '') throw new Error(`labels out of form: ${text}`);
    if (labels.has(name)) throw new Error(`label twice: ${name}`);
    labels.set(name, unescape(value, ESCAPES));
  }
  return labels;
}

const ESCAPES: Readonly<Record<string, string>> = { '\\': '\\', n: '\n', '"': '"' };

function unescape(text: string, escapes: Readonly<Record<string, string>>): string {
  if (escapes === ESCAPES && /(?<!\\)(?:\\\\)*"/.test(text)) throw new Error(`quote not escaped: ${text}`);
  return text.replaceAll(/\\(.?)/gsu, (_, escaped: string) => {
    const meant = Object.hasOwn(escapes, escaped) ? escapes[escaped] : undefined;
    if (meant === undefined) throw new Error(`unknown escape \\${escaped} in ${text}`);
    return meant;
  });
}

function matched(expression: RegExp, text: string): RegExpExecArray {
  const match = expression.exec(text);
  if (match === null) throw new Error(`out of form: ${text.slice(0, 200)}`);
  return match;
}

function refuseTwice(values: readonly string[], what: string): void {
  const seen = new Set<string>();
  for (const value of values) {
    if (seen.has(value)) throw new Error(`${what} twice: ${value.slice(0, 500)}`);
    seen.add(value);
  }
}
