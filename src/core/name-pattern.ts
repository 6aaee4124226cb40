/** A regular expression on names; `test` takes time linear in the name, whatever the expression. */
export interface NamePattern {
  /** As the user wrote it. */
  readonly source: string;
  /** Returns whether it matches anywhere in the name. */
  readonly test: (name: string) => boolean;
}
