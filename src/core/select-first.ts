/** The first of the items, as many as `count`, in order: as if all were sorted, for little more than looking at each. */
export function selectFirst<Item>(
  items: Iterable<Item>,
  count: number,
  compare: (a: Item, b: Item) => number,
): readonly Item[] {
  const first: Item[] = [];
  if (count <= 0) return first;
  for (const item of items) {
    const last = first.length < count ? undefined : first.at(-1);
    if (last !== undefined && compare(item, last) >= 0) continue;
    if (last !== undefined) first.pop();
    first.splice(placeOf(item, first, compare), 0, item);
  }
  return first;
}

/** After its equals: what came first stays first. */
function placeOf<Item>(item: Item, sorted: readonly Item[], compare: (a: Item, b: Item) => number): number {
  let from = 0;
  let to = sorted.length;
  while (from < to) {
    const middle = (from + to) >>> 1;
    const other = sorted[middle];
    if (other !== undefined && compare(item, other) < 0) to = middle;
    else from = middle + 1;
  }
  return from;
}
