/** Joins vectors with `or`: the first vector that has a series gives its value. */
export function firstOf(...vectors: readonly string[]): string {
  return vectors.join('\nor\n');
}

export function sumBy(labels: string, vector: string): string {
  return `sum by (${labels}) (${vector})`;
}

export function countBy(labels: string, vector: string): string {
  return `count by (${labels}) (${vector})`;
}

/** Whole seconds since a time. */
export function age(time: string): string {
  return `floor(time() - ${time})`;
}

/** Several figures as one query, in this order, each with its name as the label `name`. */
export function inOneQuery(figures: Readonly<Record<string, string>>): string {
  const named = Object.entries(figures).map(
    ([name, expr]) => `label_replace(${expr}, "name", "${name}", "", "")`,
  );
  return firstOf(...named);
}
