import type { ReadFile } from './files.ts';
import type { GivenByFlag, Setting } from './setting.ts';
import { SETTINGS } from './settings.ts';

/** The command line, the environment or the configuration file. */
export interface Source {
  readonly kind: 'flag' | 'environment' | 'file';
  readonly given: GivenByFlag;
}

/** The value of a setting, and where it comes from. */
export interface Resolved<T> {
  readonly value: T;
  /** The source of the value; `undefined` for the default. */
  readonly source: Source['kind'] | undefined;
  /** Names the setting and the source of the value: `--poll.jitter (flag)`. */
  readonly location: string;
}

/** All settings, by their names in `SETTINGS`. */
export type Settings = {
  readonly [Name in keyof typeof SETTINGS]: Resolved<(typeof SETTINGS)[Name]['fallback']> & {
    /** The location in every source that gives the setting, even a wrong value. */
    readonly givenAt: readonly string[];
    readonly isGiven: boolean;
  };
};

/** Takes problems and warnings, which are whole lines, and secrets that no log may show. */
export interface Report {
  readonly problem: (line: string, setting?: Setting<unknown>) => void;
  readonly warning: (line: string) => void;
  readonly secret: (text: string) => void;
}

/** What the parts of the configuration are made from. */
export interface Context {
  readonly settings: Settings;
  readonly readFile: ReadFile;
  readonly report: Report;
}

export interface ResolveOptions {
  readonly sources: readonly Source[];
  /** Settings that are not used have their defaults, and their values are not validated. */
  readonly isUsed: (setting: Setting<unknown>) => boolean;
  readonly report: Report;
}

export function resolveSettings({ sources, isUsed, report }: ResolveOptions): Settings {
  const resolved = Object.entries<Setting<unknown>>(SETTINGS).map(([name, setting]) => {
    const { problems, warnings, ...value } = resolve(setting, isUsed(setting) ? sources : []);
    for (const problem of problems) report.problem(problem, setting);
    for (const warning of warnings) report.warning(warning);
    const givenAt = locationsOf(setting, sources);
    return [name, { ...value, givenAt, isGiven: givenAt.length > 0 }] as const;
  });
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- fromEntries loses the type of each name
  return Object.fromEntries(resolved) as Settings;
}

/** Returns the location in every source that gives the setting. */
export function locationsOf({ flag }: Setting<unknown>, sources: readonly Source[]): readonly string[] {
  return sources.flatMap(({ given }) => given.get(flag)?.[0]?.location ?? []);
}

/**
 * Returns the value of the first source that has a valid one, else the default. Reads every source,
 * so that a wrong value is reported even if another source wins.
 */
export function resolve<T>(
  setting: Setting<T>,
  sources: readonly Source[],
): Resolved<T> & { readonly problems: readonly string[]; readonly warnings: readonly string[] } {
  const readings = sources.flatMap(({ kind, given }) => {
    const values = given.get(setting.flag);
    const location = values?.[0]?.location ?? setting.flag;
    return values ? [{ ...setting.read(values), source: kind, location }] : [];
  });
  const problems = readings.flatMap((reading) => reading.problems);
  for (const { value, source, location, warnings } of readings)
    if (value !== undefined) return { value, source, location, problems, warnings };
  return {
    value: setting.fallback,
    source: undefined,
    location: `${setting.flag} (default)`,
    problems,
    warnings: [],
  };
}
