import type { Parsed } from './kinds.ts';
import { quotePath } from './quote.ts';

/** The text of a file; throws node's own error (with `code`) where it cannot be read. */
export type ReadFile = (path: string) => string;

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

/** A file's text, or a problem that names the path and says why it cannot be read. */
export function readText(path: string, readFile: ReadFile): Parsed<string> {
  try {
    return { ok: true, value: readFile(path) };
  } catch (error) {
    return { ok: false, problem: `cannot read ${quotePath(path)}: ${whyUnread(error)}` };
  }
}

/** Why a file cannot be read, in a few words. */
export function whyUnread(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown error';
  return REASONS[code] ?? code;
}
