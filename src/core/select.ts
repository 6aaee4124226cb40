import type { ListedTunnel } from './model.ts';

/** A regular expression on names; `test` takes time linear in the name, whatever the expression. */
export interface NamePattern {
  /** As the user wrote it. */
  readonly source: string;
  /** Returns whether it matches anywhere in the name. */
  readonly test: (name: string) => boolean;
}

export interface Selection {
  /** The name must match one of these where there are any. */
  readonly include: readonly NamePattern[];
  readonly exclude: readonly NamePattern[];
  /** Only these ids where there are any. */
  readonly ids: readonly string[];
}

/** Whether the user wants to see this tunnel. Expressions match anywhere in the name. */
export function isSelected({ id, name }: ListedTunnel, { include, exclude, ids }: Selection): boolean {
  if (ids.length > 0 && !ids.includes(id)) return false;
  if (include.length > 0 && !matchesAny(name, include)) return false;
  return !matchesAny(name, exclude);
}

/** Reports whether one of the expressions matches, anywhere in the name. */
export function matchesAny(name: string, expressions: Selection['include']): boolean {
  return expressions.some((expression) => expression.test(name));
}

/** Whether no tunnel is left out. */
export function selectsAll({ include, exclude, ids }: Selection): boolean {
  return include.length + exclude.length + ids.length === 0;
}
