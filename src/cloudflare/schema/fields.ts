import * as v from 'valibot';

/**
 * Turns unknown JSON into domain types. The files of this folder are the only ones that know
 * Cloudflare's field names. Structure is strict: a wrong shape is a problem, because reading it as
 * "no connections" would be false. Descriptions are lenient: one that is null, missing or of a
 * wrong type is absent.
 */
export type Parsed<T> =
  | { readonly ok: true; readonly value: T }
  /** The path and the expected shape, without any of the content. */
  | { readonly ok: false; readonly problem: string };

/** A description inside `structured`. */
export const anything = v.optional(v.unknown());

const isRecord = (input: unknown): input is object =>
  typeof input === 'object' && input !== null && !Array.isArray(input);

/**
 * A JSON object whose values are all descriptions. Unlike valibot's own, it rejects arrays and
 * copies nothing: lists are long.
 */
export const described = <Key extends string>(..._keys: readonly Key[]): v.GenericSchema<Described<Key>> =>
  v.custom<Described<Key>>(isRecord);
type Described<Key extends string> = Readonly<Partial<Record<Key, unknown>>>;

/** A JSON object with structure below it. */
export const structured = <T extends v.ObjectEntries>(entries: T) =>
  v.pipe(v.unknown(), v.check(isRecord), v.object(entries));

/**
 * An identifier. Made well-formed before it is compared: on the page, ids that differ only in lone
 * surrogates are equal.
 */
export const id = v.pipe(
  v.string(),
  v.nonEmpty(),
  v.transform((value) => value.toWellFormed()),
);

/** `root` is the start of the path in problems. */
export function parse<S extends v.GenericSchema>(
  schema: S,
  input: unknown,
  root: string,
): Parsed<v.InferOutput<S>> {
  const result = v.safeParse(schema, input, { abortEarly: true });
  if (result.success) return { ok: true, value: result.output };
  const [issue] = result.issues;
  const path = v.getDotPath(issue);
  const location = (path === null ? root : `${root}.${path}`).replaceAll(/\.(\d+)/g, '[$1]');
  return { ok: false, problem: `${location} is ${kindOf(issue.input)}, expected ${expectedBy(issue)}` };
}

/** The schemas require only arrays, objects (checks of our own) and strings (ids). */
function expectedBy(issue: v.BaseIssue<unknown>): string {
  if (issue.type === 'array') return 'an array';
  return issue.type === 'custom' || issue.type === 'check' ? 'an object' : 'a string';
}

/** Describes a value without showing it. */
function kindOf(value: unknown): string {
  if (value === undefined) return 'missing';
  if (value === null) return 'null';
  if (value === '') return 'empty';
  return Array.isArray(value) ? 'an array' : `of type ${typeof value}`;
}

/** A non-empty text; lone surrogates become U+FFFD, as they do on the page. */
export const text = (value: unknown): string | undefined =>
  typeof value === 'string' && value !== '' ? value.toWellFormed() : undefined;

export const distinctTexts = (values: readonly unknown[]): readonly string[] => [
  ...new Set(values.map(text).filter((value) => value !== undefined)),
];

export const firstText = (values: readonly unknown[]): string | undefined =>
  values.map(text).find((value) => value !== undefined);

/** A whole number, 0 or more. */
export const count = (value: unknown): number | undefined =>
  typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? value : undefined;

export const oneOf = <T extends string>(known: readonly T[], value: unknown): T | undefined =>
  known.find((candidate) => candidate === value);

/** A value of an enumeration: 'unknown' if Cloudflare has added it since, undefined if there is none. */
export const oneOfOrUnknown = <T extends string>(
  known: readonly T[],
  value: unknown,
): T | 'unknown' | undefined => oneOf(known, value) ?? (text(value) === undefined ? undefined : 'unknown');

const RFC3339 = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/;
const ZERO_TIME = Date.parse('0001-01-01T00:00:00Z');

/** Milliseconds since the epoch. Go's zero time means never. */
export function time(value: unknown): number | undefined {
  if (typeof value !== 'string' || !RFC3339.test(value)) return undefined;
  const ms = Date.parse(value);
  return Number.isNaN(ms) || ms <= ZERO_TIME ? undefined : ms;
}

/**
 * Returns one shared instance of equal values. Thousands of connectors have the same version,
 * architecture and features, and JSON.parse creates separate strings for each.
 */
export interface Interner {
  readonly text: <T extends string | undefined>(text: T) => T | string;
  readonly texts: (texts: readonly string[]) => readonly string[];
}

/** Beyond this many values the table is cleared, which costs memory and nothing else. */
const MAX_VALUES = 4096;

export function createInterner(): Interner {
  const texts = createTable<string>();
  const lists = createTable<readonly string[]>();
  return {
    text: (value) => (value === undefined ? value : texts(value, value)),
    texts: (list) => lists(JSON.stringify(list), list),
  };
}

function createTable<T>(): (key: string, value: T) => T {
  const known = new Map<string, T>();
  return (key, value) => {
    const before = known.get(key);
    if (before !== undefined) return before;
    if (known.size >= MAX_VALUES) known.clear();
    known.set(key, value);
    return value;
  };
}
