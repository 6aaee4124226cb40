import * as kinds from './kinds.ts';
import type { Kind, Parsed } from './kinds.ts';

/** The text of a value in a source. `location` names key and source: `--poll.jitter (flag)`. */
export interface Given {
  readonly text: string;
  readonly location: string;
}

/** The values that one source gives, by flag. An empty list of values is given as such. */
export type GivenByFlag = ReadonlyMap<string, readonly Given[]>;

/** `value` is `undefined` if there are problems. Problems and warnings are whole lines. */
export interface Reading<T> {
  readonly value: T | undefined;
  readonly problems: readonly string[];
  readonly warnings: readonly string[];
}

export interface Setting<T> {
  /** Without the dashes. Also the key in the file, nested at the dots. */
  readonly flag: string;
  /** Environment variables in order of precedence. */
  readonly variables: readonly string[];
  readonly placeholder: string;
  /** A switch is true without a value, and has `--no-…`. */
  readonly isSwitch: boolean;
  readonly isList: boolean;
  readonly fallback: T;
  /** The default as documented; '' if there is none. */
  readonly shownDefault: string;
  readonly help: string;
  readonly read: (given: readonly Given[]) => Reading<T>;
  readonly allowed: 'everywhere' | 'outside-file' | 'environment';
  /** Whether it says what to poll, and with which token. `demo` and `healthcheck` do not use it. */
  readonly isAccess: boolean;
}

const EMPTY = 'is empty; give a value or leave it out';

interface Description {
  readonly help: string;
  readonly default?: string;
  readonly shownDefault?: string;
  readonly otherVariables?: readonly string[];
  readonly allowed?: Setting<unknown>['allowed'];
  readonly isAccess?: boolean;
}

/** `poll.stale-after` → `TUNNEL_EXPORTER_POLL_STALE_AFTER` */
export function variableOf(flag: string): string {
  return `TUNNEL_EXPORTER_${flag.toUpperCase().replaceAll(/[.-]/g, '_')}`;
}

function described(flag: string, description: Description) {
  return {
    flag,
    variables: [variableOf(flag), ...(description.otherVariables ?? [])],
    shownDefault: description.shownDefault ?? description.default ?? '',
    help: description.help,
    allowed: description.allowed ?? 'everywhere',
    isAccess: description.isAccess ?? false,
  };
}

/** A setting without a default. */
export function optional<T>(flag: string, kind: Kind<T>, description: Description): Setting<T | undefined> {
  return {
    ...described(flag, description),
    placeholder: kind.placeholder,
    isSwitch: false,
    isList: false,
    fallback: undefined,
    read: (given) => readFirst(kind, given),
  };
}

/** A setting with a default, which is parsed like a user's value. */
export function one<T>(
  flag: string,
  kind: Kind<T>,
  description: Description & { default: string },
): Setting<T> {
  return {
    ...optional(flag, kind, description),
    fallback: defaultOf(kind, description.default),
    read: (given) => readFirst(kind, given),
  };
}

export function onOff(
  flag: string,
  description: Description & { default: 'true' | 'false' },
): Setting<boolean> {
  return { ...one(flag, kinds.boolean, description), isSwitch: true };
}

interface ListOptions<T> {
  /** Whether commas separate values. In a regular expression they do not. */
  readonly commas: boolean;
  /** Values with the same key are the same value. */
  readonly sameBy: (value: T) => string;
  readonly repeats?: 'dropped' | 'refused';
}

export function list<T>(
  flag: string,
  kind: Kind<T>,
  { commas, sameBy, repeats = 'dropped', ...description }: Description & ListOptions<T>,
): Setting<readonly T[]> {
  const split = (value: string): readonly string[] =>
    commas ? value.split(',').filter((part) => part.trim() !== '') : [value];
  return {
    ...described(flag, description),
    placeholder: commas ? `${kind.placeholder},…` : kind.placeholder,
    isSwitch: false,
    isList: true,
    fallback: split(description.default ?? '')
      .filter((part) => part !== '')
      .map((part) => defaultOf(kind, part)),
    read: (given) => {
      const values = new Map<string, T>();
      const problems: string[] = [];
      const warnings: string[] = [];
      for (const { text, location } of given) {
        const parts = split(text);
        if (parts.length === 0) problems.push(`${location}: ${EMPTY}`);
        for (const part of parts) {
          const reading = readOne(kind, { text: part, location });
          problems.push(...reading.problems);
          if (reading.value === undefined) continue;
          const same = sameBy(reading.value);
          if (values.has(same)) {
            if (repeats === 'refused') problems.push(`${location}: ${part.trim()} is given twice`);
            continue;
          }
          warnings.push(...reading.warnings);
          values.set(same, reading.value);
        }
      }
      return { value: problems.length === 0 ? [...values.values()] : undefined, problems, warnings };
    },
  };
}

/** Parses a single value. */
export function readOne<T>(kind: Kind<T>, { text, location }: Given): Reading<T> {
  const parsed: Parsed<T> = text.trim() === '' ? { ok: false, problem: EMPTY } : kind.parse(text);
  if (!parsed.ok) return { value: undefined, problems: [`${location}: ${parsed.problem}`], warnings: [] };
  const warnings = parsed.warning === undefined ? [] : [`${location}: ${parsed.warning}`];
  return { value: parsed.value, problems: [], warnings };
}

/** Parses the first value; a source gives no second one. */
function readFirst<T>(kind: Kind<T>, [first]: readonly Given[]): Reading<T> {
  return first ? readOne(kind, first) : { value: undefined, problems: [], warnings: [] };
}

function defaultOf<T>(kind: Kind<T>, text: string): T {
  const parsed = kind.parse(text);
  if (!parsed.ok) throw new Error(`Cannot use this default: ${parsed.problem}`);
  return parsed.value;
}
