/** Whether two settings say the same: values, lists and expressions in them. */
export function isSame(a: unknown, b: unknown): boolean {
  return textOf(a) === textOf(b);
}

function textOf(value: unknown): string {
  return JSON.stringify([value], (_key, part: unknown) =>
    part instanceof RegExp ? { expression: String(part) } : part,
  );
}
