import { suggestion } from '../config/nearest.ts';
import { quote } from '../config/quote.ts';
import { parseYaml, reportUnknownKey, singleText, type YamlOptions, type YamlValue } from '../config/yaml.ts';

/** A mapping of the file. Reports what is wrong with a key when the key is read. */
export interface Section {
  /** `undefined` for a problem of the whole section. */
  readonly problem: (key: string | undefined, what: string) => void;
  /** In the file's order, also those without a value. */
  readonly keys: () => readonly string[];
  /** `undefined` if there is no value or an empty one: in this format they mean the same. */
  readonly text: (key: string) => string | undefined;
  readonly flag: (key: string) => boolean | undefined;
  /** The meaning of the word that is chosen. */
  readonly choice: <T>(key: string, choices: Choices<T>) => T | undefined;
  readonly list: (key: string) => readonly string[] | undefined;
  readonly choices: <T>(key: string, choices: Choices<T>) => readonly T[] | undefined;
  /** Reports keys that are not `known`. Without `known`, keys are names that the user chooses. */
  readonly section: (key: string, known?: readonly string[]) => Section;
}

/** The words that a key accepts with their meanings, and messages for words that others accept. */
export interface Choices<T> {
  readonly known: ReadonlyMap<string, T>;
  readonly refused?: ReadonlyMap<string, string>;
}

const SWITCH: ReadonlyMap<string, boolean> = new Map([
  ...['true', 'yes', 'on'].map((word) => [word, true] as const),
  ...['false', 'no', 'off'].map((word) => [word, false] as const),
]);

/** Returns the top level of a web configuration; an empty section if the text is not YAML. */
export function parseSection(
  source: string,
  { known, ...options }: YamlOptions & { readonly known: readonly string[] },
): Section {
  return sectionOf(parseYaml(source, options), { known, problem: options.problem });
}

interface Parent {
  readonly known: readonly string[] | undefined;
  /** Reports a problem of a section that the file does not have. */
  readonly problem: (what: string) => void;
}

function sectionOf(mapping: YamlValue | undefined, { known, problem }: Parent): Section {
  if (mapping?.kind === 'text' || mapping?.kind === 'list') mapping.problem('must be a mapping');
  const values = new Map<string, YamlValue>();
  for (const entry of mapping?.entries() ?? []) {
    if (known && !known.includes(entry.key)) reportUnknownKey(entry, known);
    else {
      // A half-written file looks like this. It must not turn anything off.
      if (entry.kind === 'nothing') singleText(entry);
      values.set(entry.key, entry);
    }
  }

  const report: Section['problem'] = (key, what) =>
    (values.get(key ?? '')?.problem ?? mapping?.problem ?? problem)(what);
  const text = (key: string): string | undefined => {
    const value = values.get(key);
    if (value === undefined || value.kind === 'nothing') return undefined;
    return singleText(value) || undefined;
  };
  const list = (key: string): readonly string[] | undefined => {
    const value = values.get(key);
    if (value === undefined || value.kind === 'nothing') return undefined;
    const texts = value.items().map((item) => item.text);
    if (value.kind !== 'list' || texts.includes('')) value.problem('must be a list of words');
    return texts.filter((word) => word !== '');
  };
  const meaning = <T>(key: string, word: string, { known: words, refused }: Choices<T>): T | undefined => {
    const names = [...words.keys()];
    const hint =
      names.length > 8
        ? `is not a name that docs/web-config.md lists${suggestion(word, names)}`
        : `is not one of ${names.join(', ')}`;
    if (!words.has(word)) report(key, `${quote(word)} ${refused?.get(word) ?? hint}`);
    return words.get(word);
  };
  return {
    problem: report,
    keys: () => [...values.keys()],
    text,
    flag: (key) => {
      const word = text(key);
      const value = SWITCH.get(word?.toLowerCase() ?? '');
      if (word !== undefined && value === undefined) report(key, `${quote(word)} is not true or false`);
      return value;
    },
    choice: (key, choices) => {
      const word = text(key);
      return word === undefined ? undefined : meaning(key, word, choices);
    },
    list,
    choices: (key, choices) =>
      list(key)?.flatMap((word) => {
        const value = meaning(key, word, choices);
        return value === undefined ? [] : [value];
      }),
    section: (key, below) =>
      sectionOf(values.get(key), { known: below, problem: (what) => report(key, what) }),
  };
}
