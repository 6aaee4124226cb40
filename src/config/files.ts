import { constants } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import pLimit from 'p-limit';
import type { Parsed } from './kinds.ts';
import { quotePath } from './quote.ts';

/** A configuration with thousands of accounts and expected tunnels takes a few hundred kB. */
const MAX_CONFIG_BYTES = 4 * 1024 * 1024;

/** Returns the text of a file. Throws node's own error, or one with another `code`. */
export type ReadFile = (path: string) => string;
/** Like `ReadFile`, but rejects. */
export type ReadFileAsync = (path: string) => Promise<string>;

export interface FileReaderOptions {
  /** Default: node's own. */
  readonly openFile?: (path: string, flags: number) => Promise<Pick<FileHandle, 'stat' | 'read' | 'close'>>;
  readonly deadlineMs?: number;
}

export interface FileReader {
  /**
   * Returns the text of a regular file. Rejects with an error with a `code`: node's own, `ENOTREG`
   * for a pipe or device, `EFBIG` for a file of more than `maxBytes`, `ETIMEDOUT` if nothing was
   * read before the deadline.
   */
  readonly read: (path: string, maxBytes: number) => Promise<string>;
  /**
   * Whether a read is past its deadline. Its thread can keep `process.exit` from ending the
   * process.
   */
  readonly isStuck: () => boolean;
}

/**
 * A read that hangs blocks one of the four threads of node's pool, which also compress pages and
 * resolve names.
 */
const CONCURRENCY = 2;

/** Reads files that can be on a mount that hangs. */
export function createFileReader({
  openFile = open,
  deadlineMs = 3_000,
}: FileReaderOptions = {}): FileReader {
  const limit = pLimit(CONCURRENCY);
  const pending = new Map<string, Promise<string>>();
  const overdue = new Set<string>();

  const start = (path: string, maxBytes: number): Promise<string> => {
    const reading = limit(async () => readRegular(await openFile(path, FLAGS), maxBytes)).finally(() => {
      pending.delete(path);
      overdue.delete(path);
    });
    // After the deadline nobody handles the rejection.
    reading.catch(() => undefined);
    pending.set(path, reading);
    return reading;
  };

  return {
    read: async (path, maxBytes) => {
      // A second read of the same file would block a second thread.
      if (overdue.has(path)) throw timedOut(deadlineMs);
      const reading = pending.get(path) ?? start(path, maxBytes);
      const { promise, reject } = Promise.withResolvers<never>();
      const deadline = setTimeout(() => {
        if (pending.has(path)) overdue.add(path);
        reject(timedOut(deadlineMs));
      }, deadlineMs);
      try {
        return await Promise.race([reading, promise]);
      } finally {
        clearTimeout(deadline);
      }
    },
    isStuck: () => overdue.size > 0,
  };
}

/** The file reader of this process: the threads that it limits belong to the process. */
export const files = createFileReader();

export const readConfigText: ReadFileAsync = (path) => files.read(path, MAX_CONFIG_BYTES);

/** Non-blocking: opening a pipe must not wait for a writer. */
const FLAGS = constants.O_RDONLY | (constants.O_NONBLOCK ?? 0);

async function readRegular(
  file: Pick<FileHandle, 'stat' | 'read' | 'close'>,
  maxBytes: number,
): Promise<string> {
  try {
    const stat = await file.stat();
    if (stat.isDirectory()) throw withCode('EISDIR', 'it is a directory');
    if (!stat.isFile()) throw withCode('ENOTREG', 'it is not a regular file');
    const buffer = Buffer.alloc(Math.min(stat.size, maxBytes) + 1);
    const chunks: Buffer[] = [];
    let size = 0;
    for (;;) {
      const { bytesRead } = await file.read(buffer, 0, buffer.length);
      if (bytesRead === 0) return Buffer.concat(chunks, size).toString('utf8');
      size += bytesRead;
      if (size > maxBytes) throw withCode('EFBIG', `it is larger than ${maxBytes} bytes`);
      chunks.push(Buffer.from(buffer.subarray(0, bytesRead)));
    }
  } finally {
    await file.close();
  }
}

const withCode = (code: string, message: string): NodeJS.ErrnoException =>
  Object.assign(new Error(message), { code });

const timedOut = (ms: number): NodeJS.ErrnoException =>
  withCode('ETIMEDOUT', `nothing was read within ${ms} ms`);

type Content = { readonly text: string } | { readonly error: unknown };

/**
 * Returns the result of `use`, a synchronous function that reads files by name. Calls it again
 * until every file that it asks for has been read. A mount that hangs then does not block the
 * process.
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

/** Returns a file's text, or a problem that names the path and the reason. */
export function readText(path: string, readFile: ReadFile): Parsed<string> {
  try {
    return { ok: true, value: readFile(path) };
  } catch (error) {
    return { ok: false, problem: `cannot read ${quotePath(path)}: ${readErrorReason(error)}` };
  }
}

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'no such file',
  ENOTDIR: 'no such file',
  EACCES: 'permission denied',
  EPERM: 'permission denied',
  EISDIR: 'it is a directory',
  ENOTREG: 'it is not a regular file',
  EFBIG: 'it is too large',
  ETIMEDOUT: 'it does not answer, as on a mount that hangs',
};

/** Why a file cannot be read, in a few words. */
export function readErrorReason(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown error';
  return REASONS[code] ?? code;
}
