import type { Given, Reading, Setting } from './setting.ts';

/** What one source set, by flag; an empty list is a list without values. */
export type GivenByFlag = ReadonlyMap<string, readonly Given[]>;

/** The arguments, the environment or the file. */
export interface Source {
  readonly kind: 'flag' | 'environment' | 'file';
  readonly given: GivenByFlag;
}

/** The value that holds, and the source that it came from; `undefined` where that is the default. */
export interface Settled<T> {
  readonly value: T;
  readonly from: Source['kind'] | undefined;
  /** Names key and source of the first value. */
  readonly location: string;
}

/**
 * The setting's value from the first source that has one, else its default. Every source is read, so that a wrong value
 * is told even where another one wins.
 */
export function settle<T>(
  setting: Setting<T>,
  sources: readonly Source[],
): { readonly settled: Settled<T>; readonly reading: Omit<Reading<T>, 'value'> } {
  const problems: string[] = [];
  const warnings: string[] = [];
  let settled: Settled<T> | undefined;
  for (const { kind, given } of sources) {
    const values = given.get(setting.flag);
    if (!values) continue;
    const reading = setting.read(values);
    problems.push(...reading.problems);
    if (settled || reading.value === undefined) continue;
    warnings.push(...reading.warnings);
    settled = { value: reading.value, from: kind, location: values[0]?.location ?? setting.flag };
  }
  return {
    settled: settled ?? { value: setting.fallback, from: undefined, location: `${setting.flag} (default)` },
    reading: { problems, warnings },
  };
}
