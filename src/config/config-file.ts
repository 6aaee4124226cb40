import { createLineCounter, isAlias, isMap, isNode, isScalar, isSeq, parseDocument } from './yaml.ts';
import type { Document, Pair, YAMLMap, YAMLSeq } from 'yaml';
import type { GivenByFlag } from './sources.ts';
import { suggestion } from './nearest.ts';
import type { Given, Setting } from './setting.ts';
import { ALL_SETTINGS } from './settings.ts';

/** An entry of `accounts`, `tokens` or `expected_tunnels`: its fields by name, not yet validated. */
export interface Entry {
  /** Names the entry and its line: `accounts[0] (config.yaml:3)`. */
  readonly location: string;
  readonly fields: ReadonlyMap<string, Given>;
  /** The values of the fields that hold a list. */
  readonly lists: ReadonlyMap<string, readonly Given[]>;
}

export interface ConfigFile {
  readonly given: GivenByFlag;
  readonly accounts: readonly Entry[];
  readonly tokens: readonly Entry[];
  readonly expectedTunnels: readonly Entry[];
  readonly problems: readonly string[];
  /** Whether all of it was understood as YAML; else what seems missing may stand there. */
  readonly isWhole: boolean;
}

const BY_KEY: ReadonlyMap<string, Setting<unknown>> = new Map(
  ALL_SETTINGS.map((setting) => [setting.flag, setting]),
);
const SECTIONS: ReadonlySet<string> = new Set(
  ALL_SETTINGS.flatMap(({ flag }) => {
    const parts = flag.split('.');
    return parts.slice(1).map((_, index) => parts.slice(0, index + 1).join('.'));
  }),
);
/** The fields of the entries of each list. */
export const ENTRY_FIELDS = {
  accounts: ['id', 'name', 'api_token_file', 'budget_group'],
  tokens: ['api_token_file', 'accounts', 'budget_group'],
  expected_tunnels: ['account_id', 'name', 'id', 'min_connectors'],
} as const;
type ListName = keyof typeof ENTRY_FIELDS;
/** The fields that hold a list of values. */
const LIST_FIELDS: Readonly<Partial<Record<ListName, readonly string[]>>> = { tokens: ['accounts'] };
const isListName = (name: string): name is ListName => Object.hasOwn(ENTRY_FIELDS, name);
const KEYS = [
  ...ALL_SETTINGS.filter(({ allowed }) => allowed === 'everywhere').map(({ flag }) => flag),
  ...Object.keys(ENTRY_FIELDS),
];

/** Reads the text of a configuration file. `file` is its name in the problems. */
export function readConfigFile(file: string, text: string): ConfigFile {
  const lines = createLineCounter();
  const document = parseDocument(text, {
    lineCounter: lines,
    prettyErrors: false,
    uniqueKeys: false,
    logLevel: 'error',
  });
  const given = new Map<string, readonly Given[]>();
  const entries = {
    accounts: new Array<Entry>(),
    tokens: new Array<Entry>(),
    expected_tunnels: new Array<Entry>(),
  };
  const problems: string[] = [];

  // What follows a syntax error is guesswork of the parser, so only the first is told.
  const [error] = [...document.errors, ...document.warnings];
  if (error) {
    const { line, col } = lines.linePos(error.pos[0]);
    const [reason = ''] = error.message.split('\n');
    // What a cron expression looks like to YAML.
    const hint = /\balias\b/i.test(reason) ? '; put a value that begins with * into quotes' : '';
    const what =
      error.code === 'MULTIPLE_DOCS'
        ? 'must be one YAML document, not several'
        : `not valid YAML: ${reason}${hint}`;
    problems.push(`${file}:${line}:${col}: ${what}`);
    return { given, accounts: [], tokens: [], expectedTunnels: [], problems, isWhole: false };
  }

  const lineOf = (node: unknown, otherwise = 1): number => {
    const range = isNode(node) ? node.range : undefined;
    return range ? lines.linePos(range[0]).line : otherwise;
  };
  const place = (key: string, line: number): string => `${key} (${file}:${line})`;
  const problem = (location: string, what: string): void => void problems.push(`${location}: ${what}`);

  /** The keys of a mapping, once each, with the line to name. */
  function* keysOf(map: YAMLMap, prefix: string): Generator<Key> {
    const seen = new Set<string>();
    for (const pair of map.items) {
      const key = keyOf(pair, document);
      const line = lineOf(pair.key, lineOf(map));
      const name = `${prefix}${key ?? '?'}`;
      const location = place(name, line);
      if (key === undefined) problem(location, 'a key must be a word');
      else if (seen.has(canonical(key))) problem(location, 'given twice');
      else yield { key, name, location, line, value: resolved(pair.value, document) };
      if (key !== undefined) seen.add(canonical(key));
    }
  }

  function section(map: YAMLMap, prefix: string): void {
    for (const { key, name, location, line, value } of keysOf(map, prefix)) {
      const known = canonical(name);
      const setting = BY_KEY.get(known);
      const listName = known.replace('-', '_');
      if (prefix === '' && isListName(listName)) {
        entries[listName].push(...list(listName, { location, value }));
      } else if (setting?.allowed === 'outside-file') problem(location, 'cannot be set in the file itself');
      else if (setting?.allowed === 'environment' || isTokenKey(key)) problem(location, noTokenHere(key));
      else if (setting) leaf(setting, { name, location, line, value });
      else if (!SECTIONS.has(known)) problem(location, `unknown key${suggestion(name, KEYS)}`);
      else if (isMap(value)) section(value, `${name}.`);
      else if (!isNothing(value)) problem(location, 'must be a mapping of settings');
    }
  }

  function leaf(setting: Setting<unknown>, { name, location, line, value }: Omit<Key, 'key'>): void {
    if (given.has(setting.flag)) problem(location, 'given twice');
    else if (isSeq(value) && setting.isList) {
      if (value.items.length === 0 && setting.shownDefault !== '') {
        problem(location, 'is an empty list');
        return;
      }
      given.set(setting.flag, values(value, { name, line }));
    } else if (isSeq(value)) problem(location, 'takes one value, not a list');
    else {
      const single = scalar(value, location);
      if (single) given.set(setting.flag, [single]);
    }
  }

  function list(listName: ListName, { location, value }: Pick<Key, 'location' | 'value'>): readonly Entry[] {
    if (isNothing(value)) return [];
    if (!isSeq(value)) {
      problem(location, `must be a list of mappings with ${ENTRY_FIELDS[listName].join(', ')}`);
      return [];
    }
    return value.items.flatMap((node, index) => {
      const item = resolved(node, document);
      const itemAt = place(`${listName}[${index}]`, lineOf(node));
      if (isMap(item)) return [entry(listName, { location: itemAt, map: item, index })];
      problem(itemAt, `must be a mapping with ${ENTRY_FIELDS[listName].join(', ')}`);
      return [];
    });
  }

  function entry(
    listName: ListName,
    { location, map, index }: { readonly location: string; readonly map: YAMLMap; readonly index: number },
  ): Entry {
    const fields = new Map<string, Given>();
    const lists = new Map<string, readonly Given[]>();
    const known: readonly string[] = ENTRY_FIELDS[listName];
    for (const { key, name, location: keyAt, line, value } of keysOf(map, `${listName}[${index}].`)) {
      const field = key.replaceAll('-', '_');
      if (LIST_FIELDS[listName]?.includes(field) === true && isSeq(value)) {
        if (value.items.length === 0) problem(keyAt, 'is an empty list; give a value or remove the line');
        lists.set(field, values(value, { name, line }));
      } else if (known.includes(field)) {
        const single = scalar(value, keyAt);
        if (single) fields.set(field, single);
      } else if (isTokenKey(key)) problem(keyAt, noTokenHere(key));
      else problem(keyAt, `unknown key${suggestion(key, known)}`);
    }
    return { location, fields, lists };
  }

  function values({ items }: YAMLSeq, { name, line }: Pick<Key, 'name' | 'line'>): readonly Given[] {
    return items.flatMap((item) => {
      const itemAt = place(name, lineOf(item, line));
      return scalar(resolved(item, document), itemAt) ?? [];
    });
  }

  function scalar(value: unknown, location: string): Given | undefined {
    if (isNothing(value)) problem(location, 'has no value; give one or remove the line');
    else if (isMap(value)) problem(location, 'takes a value, not a mapping');
    else if (isSeq(value)) problem(location, 'takes one value, not a list');
    // The text as written: an account id of digits alone must not become a rounded number.
    else if (isScalar(value)) return { text: value.source ?? String(value.value), location };
    return undefined;
  }

  const top = resolved(document.contents, document);
  if (isMap(top)) section(top, '');
  else if (!isNothing(top)) problem(`${file}:${lineOf(top)}`, 'must be a mapping of settings');
  return {
    given,
    accounts: entries.accounts,
    tokens: entries.tokens,
    expectedTunnels: entries.expected_tunnels,
    problems,
    isWhole: isMap(top) || isNothing(top),
  };
}

function noTokenHere(key: string): string {
  const name = /tunnel/i.test(key) ? 'tunnel_token_file' : 'api_token_file';
  return `no token in this file: put it in a file and name it by ${name}`;
}

interface Key {
  /** As written. */
  readonly key: string;
  /** With the sections around it. */
  readonly name: string;
  readonly location: string;
  readonly line: number;
  readonly value: unknown;
}

function canonical(key: string): string {
  return key.replaceAll('_', '-');
}

function isTokenKey(key: string): boolean {
  return /(?:^|[._-])token$/i.test(key);
}

function keyOf({ key }: Pair, document: Document): string | undefined {
  const node = resolved(key, document);
  return isScalar(node) && !isNothing(node) ? (node.source ?? String(node.value)) : undefined;
}

function resolved(node: unknown, document: Document): unknown {
  return isAlias(node) ? node.resolve(document) : node;
}

function isNothing(node: unknown): boolean {
  return node === null || node === undefined || (isScalar(node) && node.value === null);
}
