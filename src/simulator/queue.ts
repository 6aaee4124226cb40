/** Future items by time; items of the same time in the order of `add`. */
export interface Queue<T> {
  readonly add: (at: number, item: T) => void;
  readonly nextAt: () => number | undefined;
  readonly take: () => T | undefined;
}

export function createQueue<T>(): Queue<T> {
  const waiting: { readonly at: number; readonly item: T }[] = [];
  return {
    add: (at, item) => {
      let low = 0;
      let high = waiting.length;
      while (low < high) {
        const middle = (low + high) >> 1;
        if ((waiting[middle]?.at ?? Infinity) <= at) low = middle + 1;
        else high = middle;
      }
      waiting.splice(low, 0, { at, item });
    },
    nextAt: () => waiting[0]?.at,
    take: () => waiting.shift()?.item,
  };
}
