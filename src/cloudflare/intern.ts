/**
 * Shares equal values. Thousands of connectors have the same version, architecture and features, and JSON gives each of
 * them strings of its own.
 */
export interface Interner {
  readonly text: <T extends string | undefined>(text: T) => T | string;
  readonly texts: (texts: readonly string[]) => readonly string[];
}

/** Beyond this many values all are forgotten, which costs memory and nothing else. */
const MAX_VALUES = 4096;

export function createInterner(): Interner {
  const texts = createTable<string>();
  const lists = createTable<readonly string[]>();
  return {
    text: (text) => (text === undefined ? text : texts(text, text)),
    texts: (list) => lists(JSON.stringify(list), list),
  };
}

function createTable<T>(): (key: string, value: T) => T {
  const known = new Map<string, T>();
  return (key, value) => {
    const before = known.get(key);
    if (before !== undefined) return before;
    if (known.size >= MAX_VALUES) known.clear();
    known.set(key, value);
    return value;
  };
}
