import type { ListedTunnel } from './model.ts';

/** A regular expression on names. `test` takes time linear in the length of the name. */
export interface NamePattern {
  /** As the user wrote it. */
  readonly source: string;
  /** Whether it matches anywhere in the name. */
  readonly test: (name: string) => boolean;
}

export interface Selection {
  /** If not empty, the name must match one of these. */
  readonly include: readonly NamePattern[];
  readonly exclude: readonly NamePattern[];
  /** If not empty, the id must be one of these. */
  readonly ids: readonly string[];
}

export function isSelected({ id, name }: ListedTunnel, { include, exclude, ids }: Selection): boolean {
  if (ids.length > 0 && !ids.includes(id)) return false;
  if (include.length > 0 && !matchesAny(name, include)) return false;
  return !matchesAny(name, exclude);
}

export function matchesAny(name: string, expressions: Selection['include']): boolean {
  return expressions.some((expression) => expression.test(name));
}

export function selectsAll({ include, exclude, ids }: Selection): boolean {
  return include.length + exclude.length + ids.length === 0;
}
