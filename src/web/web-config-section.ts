import { createLineCounter, isAlias, isMap, isNode, isScalar, isSeq, parseDocument } from '../config/yaml.ts';
import type { YAMLMap } from 'yaml';
import { suggestion } from '../config/nearest.ts';
import { quote } from '../config/quote.ts';

/** A mapping of the file. Reads one key at a time; what is wrong is told once, with key and line. */
export interface Section {
  /** Names the key and its line, or the section's where the key is not given: `basic_auth_users (web.yml:3)`. */
  readonly at: (key?: string) => string;
  readonly problem: (key: string | undefined, what: string) => void;
  /** In the file's order, also those without a value. */
  readonly keys: () => readonly string[];
  /** `undefined` where there is no value or an empty one, as the format has it. */
  readonly text: (key: string) => string | undefined;
  readonly flag: (key: string) => boolean | undefined;
  /** What the words stand for. */
  readonly choice: <T>(key: string, words: Choices<T>) => T | undefined;
  readonly list: (key: string) => readonly string[] | undefined;
  readonly choices: <T>(key: string, words: Choices<T>) => readonly T[] | undefined;
  /** `known` refuses every other key; without it a key is the user's own word. */
  readonly section: (key: string, known?: readonly string[]) => Section;
}

/** The words that a key knows, and what to say of some others that the format has. */
export interface Choices<T> {
  readonly known: ReadonlyMap<string, T>;
  readonly refused?: ReadonlyMap<string, string>;
}

interface Item {
  readonly at: string;
  readonly value: unknown;
}

const SWITCH: ReadonlyMap<string, boolean> = new Map([
  ...['true', 'yes', 'on'].map((word) => [word, true] as const),
  ...['false', 'no', 'off'].map((word) => [word, false] as const),
]);

/** The file's top level; a syntax error is one problem and an empty section. */
export function readYaml(source: string, { file, known, problem }: YamlOptions): Section {
  const lines = createLineCounter();
  const document = parseDocument(source, {
    lineCounter: lines,
    prettyErrors: false,
    uniqueKeys: false,
    logLevel: 'error',
  });
  const resolved = (node: unknown): unknown => (isAlias(node) ? node.resolve(document) : node);
  const place = (name: string, node: unknown, otherwise: string): string => {
    const range = isNode(node) ? node.range : undefined;
    return range ? `${name} (${file}:${lines.linePos(range[0]).line})` : otherwise;
  };

  function itemsOf(map: YAMLMap, { prefix, at, known: allowed }: Naming): ReadonlyMap<string, Item> {
    const items = new Map<string, Item>();
    for (const pair of map.items) {
      const key = textOf(resolved(pair.key));
      const itemAt = place(`${prefix}${shown(key)}`, pair.key, at);
      if (key === undefined || key === '') problem(`${itemAt}: a key must be a word`);
      else if (items.has(key)) problem(`${itemAt}: given twice`);
      else if (allowed && !allowed.includes(key))
        problem(`${itemAt}: unknown key${suggestion(key, allowed)}`);
      else {
        const value = resolved(pair.value);
        // A file that is only half written looks like this, and must not turn anything off.
        if (isNothing(value)) problem(`${itemAt}: has no value; give one, or leave the key out`);
        items.set(key, { at: itemAt, value });
      }
    }
    return items;
  }

  function sectionOf(node: unknown, naming: Naming): Section {
    if (!isNothing(node) && !isMap(node)) problem(`${naming.at}: must be a mapping`);
    const items = isMap(node) ? itemsOf(node, naming) : new Map<string, Item>();
    const at = (key?: string): string => (key === undefined ? naming.at : (items.get(key)?.at ?? naming.at));
    const report = (key: string | undefined, what: string): void => problem(`${at(key)}: ${what}`);
    const text = (key: string): string | undefined => {
      const item = items.get(key);
      const value = textOf(item?.value);
      if (item && value === undefined) report(key, 'takes one value');
      return value === '' ? undefined : value;
    };
    const list = (key: string): readonly string[] | undefined => {
      const item = items.get(key);
      if (!item || isNothing(item.value)) return undefined;
      const texts: readonly (string | undefined)[] = isSeq(item.value)
        ? item.value.items.map((entry) => textOf(resolved(entry)))
        : [undefined];
      if (texts.some((entry) => entry === undefined || entry === '')) report(key, 'must be a list of words');
      return texts.filter((entry) => entry !== undefined);
    };
    const meaning = <T>(key: string, word: string, { known: words, refused }: Choices<T>): T | undefined => {
      const value = words.get(word);
      const names = [...words.keys()];
      const others =
        names.length > 8
          ? `is not a name that docs/web-config.md lists${suggestion(word, names)}`
          : `is not one of ${names.join(', ')}`;
      if (value === undefined) report(key, `${quote(word)} ${refused?.get(word) ?? others}`);
      return value;
    };
    return {
      at,
      problem: report,
      keys: () => [...items.keys()],
      text,
      flag: (key) => {
        const word = text(key);
        const value = SWITCH.get(word?.toLowerCase() ?? '');
        if (word !== undefined && value === undefined) report(key, `${quote(word)} is not true or false`);
        return value;
      },
      choice: (key, words) => {
        const word = text(key);
        return word === undefined ? undefined : meaning(key, word, words);
      },
      list,
      choices: (key, words) =>
        list(key)?.flatMap((word) => {
          const value = meaning(key, word, words);
          return value === undefined ? [] : [value];
        }),
      section: (key, allowed) =>
        sectionOf(items.get(key)?.value, {
          prefix: `${naming.prefix}${key}.`,
          at: at(key),
          known: allowed,
        }),
    };
  }

  // What follows a syntax error is guesswork of the parser, so only the first is told.
  const [error] = [...document.errors, ...document.warnings];
  if (error) {
    const { line, col } = lines.linePos(error.pos[0]);
    const [reason = ''] = error.message.split('\n');
    const what =
      error.code === 'MULTIPLE_DOCS' ? 'must be one YAML document, not several' : `not valid YAML: ${reason}`;
    problem(`${file}:${line}:${col}: ${what}`);
  }
  return sectionOf(error ? undefined : resolved(document.contents), { prefix: '', at: file, known });
}

export interface YamlOptions {
  /** As the user calls it. */
  readonly file: string;
  readonly known: readonly string[];
  readonly problem: (line: string) => void;
}

interface Naming {
  readonly prefix: string;
  readonly at: string;
  readonly known: readonly string[] | undefined;
}

/** Without a space after its colon a user's hash is part of the key. */
function shown(key = '?'): string {
  return /^[^\s:$]{1,64}$/.test(key) ? key : '?';
}

/** A scalar's text as written; '' for nothing, `undefined` for what is no scalar. */
function textOf(node: unknown): string | undefined {
  if (isNothing(node)) return '';
  if (!isScalar(node)) return undefined;
  return typeof node.value === 'string' ? node.value : (node.source ?? String(node.value));
}

function isNothing(node: unknown): boolean {
  return node === null || node === undefined || (isScalar(node) && node.value === null);
}
