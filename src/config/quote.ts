/**
 * Quotes a user's value for a problem line, at most 80 characters of it. Hides long runs of letters
 * and digits, because a token pasted into the wrong setting must not end up in a log. (A tunnel id
 * has 36 characters, an API token 40.)
 */
export function quote(text: string): string {
  const shown = text.replaceAll(/[A-Za-z0-9_-]{37,}/g, '[hidden]');
  return JSON.stringify(shown.length > 80 ? `${shown.slice(0, 79)}…` : shown);
}

/** Quotes a path, whole so that it can be found. Hides a path that looks like a token. */
export function quotePath(path: string): string {
  return /^[A-Za-z0-9_-]{37,}$/.test(path) ? quote(path) : JSON.stringify(path);
}

/** Escapes control characters and line separators, so that untrusted text stays on one line. */
export function onOneLine(text: string): string {
  return text.replaceAll(
    /[\p{Cc}\u2028\u2029]/gu,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
