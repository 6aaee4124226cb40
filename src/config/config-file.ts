import type { Given, GivenByFlag, Setting } from './setting.ts';
import { ALL_SETTINGS } from './settings.ts';
import { parseYaml, reportUnknownKey, singleText, type YamlEntry, type YamlValue } from './yaml.ts';

/** An entry of `accounts`, `tokens` or `expected_tunnels`, not yet validated. */
export interface Entry {
  /** Names the entry and its line: `accounts[0] (config.yaml:3)`. */
  readonly location: string;
  /** The values of each field: several only if the field takes a list. */
  readonly fields: ReadonlyMap<string, readonly Given[]>;
}

export interface ConfigFile {
  readonly given: GivenByFlag;
  readonly accounts: readonly Entry[];
  readonly tokens: readonly Entry[];
  readonly expectedTunnels: readonly Entry[];
  readonly problems: readonly string[];
  /** Whether all of it could be read. If not, what seems missing can be in the rest. */
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
/** The one field that takes a list of values. */
const takesList = (listName: ListName, field: string): boolean =>
  listName === 'tokens' && field === 'accounts';
const isListName = (name: string): name is ListName => Object.hasOwn(ENTRY_FIELDS, name);
const EMPTY_LIST = 'is an empty list; give a value or remove the line';
const KEYS = [
  ...ALL_SETTINGS.filter(({ allowed }) => allowed === 'everywhere').map(({ flag }) => flag),
  ...Object.keys(ENTRY_FIELDS),
];

/** Parses the text of a configuration file. `file` is its name in the problems. */
export function parseConfigFile(file: string, text: string): ConfigFile {
  const given = new Map<string, readonly Given[]>();
  const entries: Record<ListName, readonly Entry[]> = { accounts: [], tokens: [], expected_tunnels: [] };
  const problems: string[] = [];

  function readSection(section: YamlValue): void {
    for (const entry of section.entries()) {
      const known = canonical(entry.name);
      const setting = BY_KEY.get(known);
      const listName = known.replace('-', '_');
      if (isListName(listName)) entries[listName] = entriesOf(listName, entry);
      else if (setting?.allowed === 'outside-file') entry.problem('cannot be set in the file itself');
      else if (setting?.allowed === 'environment' || isTokenKey(entry.key)) reportToken(entry);
      else if (setting) readSetting(setting, entry);
      else if (!SECTIONS.has(known)) reportUnknownKey(entry, KEYS, entry.name);
      else if (entry.kind === 'mapping') readSection(entry);
      else if (entry.kind !== 'nothing') entry.problem('must be a mapping of settings');
    }
  }

  function readSetting({ flag, isList, shownDefault }: Setting<unknown>, value: YamlValue): void {
    if (given.has(flag)) value.problem('given twice');
    else if (!isList || value.kind !== 'list') {
      const texts = givenIn(value);
      if (texts.length > 0) given.set(flag, texts);
    } else if (shownDefault !== '' && value.items().length === 0) value.problem(EMPTY_LIST);
    else given.set(flag, givenInList(value));
  }

  const top = parseYaml(text, { file, problem: (line) => void problems.push(line), canonical });
  if (top?.kind === 'text' || top?.kind === 'list') top.problem('must be a mapping of settings');
  else if (top) readSection(top);
  return {
    given,
    accounts: entries.accounts,
    tokens: entries.tokens,
    expectedTunnels: entries.expected_tunnels,
    problems,
    isWhole: top?.kind === 'mapping' || top?.kind === 'nothing',
  };
}

function entriesOf(listName: ListName, list: YamlValue): readonly Entry[] {
  const fields = ENTRY_FIELDS[listName].join(', ');
  if (list.kind !== 'list' && list.kind !== 'nothing')
    list.problem(`must be a list of mappings with ${fields}`);
  return list.items().flatMap((item) => {
    if (item.kind === 'mapping') return [{ location: item.location, fields: fieldsOf(listName, item) }];
    item.problem(`must be a mapping with ${fields}`);
    return [];
  });
}

function fieldsOf(listName: ListName, item: YamlValue): Entry['fields'] {
  const fields = new Map<string, readonly Given[]>();
  const known: readonly string[] = ENTRY_FIELDS[listName];
  for (const entry of item.entries()) {
    const field = entry.key.replaceAll('-', '_');
    if (!known.includes(field)) {
      if (isTokenKey(entry.key)) reportToken(entry);
      else reportUnknownKey(entry, known);
    } else if (takesList(listName, field) && entry.kind === 'list') {
      if (entry.items().length === 0) entry.problem(EMPTY_LIST);
      fields.set(field, givenInList(entry));
    } else {
      const texts = givenIn(entry);
      if (texts.length > 0) fields.set(field, texts);
    }
  }
  return fields;
}

const givenInList = (list: YamlValue): readonly Given[] => list.items(() => list.name).flatMap(givenIn);

function givenIn(value: YamlValue): readonly Given[] {
  const text = singleText(value);
  return text === undefined ? [] : [{ text, location: value.location }];
}

/** Keys can be written with underscores or dashes. */
function canonical(key: string): string {
  return key.replaceAll('_', '-');
}

function isTokenKey(key: string): boolean {
  return /(?:^|[._-])token$/i.test(key);
}

function reportToken(entry: YamlEntry): void {
  const name = /tunnel/i.test(entry.key) ? 'tunnel_token_file' : 'api_token_file';
  entry.problem(`no token in this file: put it in a file and name it by ${name}`);
}
