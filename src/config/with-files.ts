import type { ReadFile } from './read-text.ts';

/** Reads a file; rejects with node's own error, or one with another `code`. */
export type ReadFileAsync = (path: string) => Promise<string>;

type Content = { readonly text: string } | { readonly error: unknown };

/**
 * Returns what `use` makes of files that it reads by name. It is called again until every file that it asks for has been read,
 * so that `use` can be simple and synchronous while a mount that hangs does not block the process.
 */
export async function withFiles<T>(use: (readFile: ReadFile) => T, read: ReadFileAsync): Promise<T> {
  const contents = new Map<string, Content>();
  for (;;) {
    const missing = new Set<string>();
    const result = use((path) => {
      const content = contents.get(path);
      if (content !== undefined && 'text' in content) return content.text;
      if (content === undefined) missing.add(path);
      throw content?.error ?? new Error('not read yet');
    });
    if (missing.size === 0) return result;
    await Promise.all([...missing].map(async (path) => contents.set(path, await contentOf(path, read))));
  }
}

async function contentOf(path: string, read: ReadFileAsync): Promise<Content> {
  try {
    return { text: await read(path) };
  } catch (error) {
    return { error };
  }
}
