import { createRequire } from 'node:module';
import type * as Yaml from 'yaml';
import { suggestion } from './nearest.ts';

/** A value in a YAML file. Its parts are read on demand, because an alias can contain itself. */
export interface YamlValue {
  /** The keys that lead to it: `poll.jitter`, or `accounts[0].id`. */
  readonly name: string;
  /** The name with file and line: `poll.jitter (config.yaml:3)`. */
  readonly location: string;
  readonly kind: 'nothing' | 'text' | 'list' | 'mapping';
  /**
   * A scalar as written: an account id of digits alone must not become a rounded number. '' for
   * other kinds.
   */
  readonly text: string;
  /**
   * The items of a list, each with its own line; none for other kinds. The default name is
   * `accounts[0]`.
   */
  readonly items: (nameOf?: (index: number) => string) => readonly YamlValue[];
  /**
   * The entries of a mapping, each key once; none for other kinds. Reports keys that are repeated
   * or not text.
   */
  readonly entries: () => Iterable<YamlEntry>;
  /** Reports one line that begins with the location. */
  readonly problem: (what: string) => void;
}

export interface YamlEntry extends YamlValue {
  /** As written. */
  readonly key: string;
}

export interface YamlOptions {
  /** The file's name in problems. */
  readonly file: string;
  readonly problem: (line: string) => void;
  /** Two keys with the same canonical form are the same key. Default: the key itself. */
  readonly canonical?: (key: string) => string;
}

/**
 * Loaded when a file is first read: it is 72 modules, and an exporter without files starts without
 * them.
 */
let loaded: typeof Yaml | undefined;
const require = createRequire(import.meta.url);
const yaml = (): typeof Yaml => (loaded ??= require('yaml'));

/**
 * Returns the top-level value of a YAML text; `undefined` if the text is not valid YAML, which is
 * one problem.
 */
export function parseYaml(source: string, options: YamlOptions): YamlValue | undefined {
  const { file, problem, canonical = (key) => key } = options;
  const { LineCounter, isAlias, isMap, isNode, isScalar, isSeq, parseDocument } = yaml();
  const lineCounter = new LineCounter();
  const document = parseDocument(source, {
    lineCounter,
    prettyErrors: false,
    uniqueKeys: false,
    logLevel: 'error',
  });
  // The parser guesses what follows a syntax error, so only the first error is reported.
  const [error] = [...document.errors, ...document.warnings];
  if (error) {
    const { line, col } = lineCounter.linePos(error.pos[0]);
    problem(`${file}:${line}:${col}: ${describeError(error)}`);
    return undefined;
  }

  const resolved = (node: unknown): unknown => (isAlias(node) ? node.resolve(document) : node);
  const lineOf = (node: unknown, otherwise: number): number =>
    isNode(node) && node.range ? lineCounter.linePos(node.range[0]).line : otherwise;
  const isNothing = (node: unknown): boolean =>
    node === null || node === undefined || (isScalar(node) && node.value === null);
  const textOf = (node: unknown): string =>
    isScalar(node) && !isNothing(node) ? (node.source ?? String(node.value)) : '';
  const kindOf = (node: unknown): YamlValue['kind'] => {
    if (isMap(node)) return 'mapping';
    if (isSeq(node)) return 'list';
    return isNothing(node) ? 'nothing' : 'text';
  };

  const valueOf = (node: unknown, name: string, line: number): YamlValue => {
    const value = resolved(node);
    const location = name === '' ? `${file}:${line}` : `${name} (${file}:${line})`;
    return {
      name,
      location,
      kind: kindOf(value),
      text: textOf(value),
      items: (nameOf = (index) => `${name}[${index}]`) =>
        isSeq(value) ? value.items.map((item, i) => valueOf(item, nameOf(i), lineOf(item, line))) : [],
      entries: () => (isMap(value) ? entriesOf(value, name, lineOf(value, line)) : []),
      problem: (what) => problem(`${location}: ${what}`),
    };
  };

  function* entriesOf({ items }: Yaml.YAMLMap, prefix: string, line: number): Generator<YamlEntry> {
    const seen = new Set<string>();
    for (const pair of items) {
      const key = textOf(resolved(pair.key));
      const name = `${prefix}${prefix === '' ? '' : '.'}${printableKey(key)}`;
      const value = valueOf(pair.value, name, lineOf(pair.key, line));
      if (key === '') value.problem('a key must be a word');
      else if (seen.has(canonical(key))) value.problem('given twice');
      else yield { ...value, key };
      seen.add(canonical(key));
    }
  }

  return valueOf(document.contents, '', lineOf(document.contents, 1));
}

function describeError({ code, message }: Yaml.YAMLError): string {
  if (code === 'MULTIPLE_DOCS') return 'must be one YAML document, not several';
  const [reason = ''] = message.split('\n');
  // To YAML, a cron expression such as */5 looks like an alias.
  const hint = /\balias\b/i.test(reason) ? '; put a value that begins with * into quotes' : '';
  return `not valid YAML: ${reason}${hint}`;
}

/** Without a space after the colon, a secret value is part of the key. */
function printableKey(key: string): string {
  return /^[^\s:$]{1,64}$/.test(key) ? key : '?';
}

/** Returns the text of a scalar; reports a value of any other kind. */
export function singleText(value: YamlValue): string | undefined {
  if (value.kind === 'text') return value.text;
  value.problem(NO_TEXT[value.kind]);
  return undefined;
}

const NO_TEXT = {
  nothing: 'has no value; give one or remove the line',
  list: 'takes one value, not a list',
  mapping: 'takes a value, not a mapping',
} as const;

export function reportUnknownKey(entry: YamlEntry, known: readonly string[], name = entry.key): void {
  entry.problem(`unknown key${suggestion(name, known)}`);
}
