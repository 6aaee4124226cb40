import { constants } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import pLimit from 'p-limit';

/** A configuration with thousands of accounts and expected tunnels has a few hundred kB. */
export const MAX_CONFIG_BYTES = 4 * 1024 * 1024;

export interface FileReaderOptions {
  /** Default: node's own. */
  readonly openFile?: (path: string, flags: number) => Promise<Pick<FileHandle, 'stat' | 'read' | 'close'>>;
  readonly deadlineMs?: number;
}

/** Files that others write and mount. */
export interface FileReader {
  /**
   * Returns the text of a regular file. Rejects with an error with `code`: node's own, `ENOTREG` for a pipe or device, `EFBIG`
   * for one of more than `maxBytes`, `ETIMEDOUT` where nothing came before the deadline, as from a mount that hangs.
   */
  readonly read: (path: string, maxBytes: number) => Promise<string>;
  /** Whether a read has been going on for longer than the deadline. Its thread may keep `process.exit` from ending. */
  readonly isStuck: () => boolean;
}

/** A read that hangs keeps a thread of node's pool of four; the others have to compress pages and resolve names. */
const MOST_AT_ONCE = 2;

export function createFileReader({
  openFile = open,
  deadlineMs = 3_000,
}: FileReaderOptions = {}): FileReader {
  const limit = pLimit(MOST_AT_ONCE);
  const pending = new Map<string, Promise<string>>();
  const overdue = new Set<string>();

  const start = (path: string, maxBytes: number): Promise<string> => {
    const reading = limit(async () => readRegular(await openFile(path, FLAGS), maxBytes)).finally(() => {
      pending.delete(path);
      overdue.delete(path);
    });
    // Whoever waited may have given up by then.
    reading.catch(() => undefined);
    pending.set(path, reading);
    return reading;
  };

  return {
    read: async (path, maxBytes) => {
      // Asked for again while it hangs: no second thread, and nobody waits for it once more.
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

/** Opening a pipe must not wait for a writer. */
const FLAGS = constants.O_RDONLY | (constants.O_NONBLOCK ?? 0);

async function readRegular(
  file: Pick<FileHandle, 'stat' | 'read' | 'close'>,
  maxBytes: number,
): Promise<string> {
  try {
    const stat = await file.stat();
    if (stat.isDirectory()) throw coded('EISDIR', 'it is a directory');
    if (!stat.isFile()) throw coded('ENOTREG', 'it is not a regular file');
    const buffer = Buffer.alloc(Math.min(stat.size, maxBytes) + 1);
    const chunks: Buffer[] = [];
    let size = 0;
    for (;;) {
      const { bytesRead } = await file.read(buffer, 0, buffer.length);
      if (bytesRead === 0) return Buffer.concat(chunks, size).toString('utf8');
      size += bytesRead;
      if (size > maxBytes) throw coded('EFBIG', `it is larger than ${maxBytes} bytes`);
      chunks.push(Buffer.from(buffer.subarray(0, bytesRead)));
    }
  } finally {
    await file.close();
  }
}

const coded = (code: string, message: string): NodeJS.ErrnoException =>
  Object.assign(new Error(message), { code });

const timedOut = (ms: number): NodeJS.ErrnoException =>
  coded('ETIMEDOUT', `nothing was read within ${ms} ms`);

/** The one of this process: its threads are. */
export const files = createFileReader();
