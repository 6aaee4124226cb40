/**
 * A user's value for a problem line: quoted, at most 80 characters. A long run of letters and digits is hidden, because
 * a token pasted into the wrong setting must not end up in a log. (A tunnel id has 36 characters, an API token 40.)
 */
export function quote(text: string): string {
  const shown = text.replaceAll(/[A-Za-z0-9_-]{37,}/g, '[hidden]');
  return JSON.stringify(shown.length > 80 ? `${shown.slice(0, 79)}…` : shown);
}

/** A path is shown whole, so that it can be found; unless it is a token where a path belongs. */
export function quotePath(path: string): string {
  return /^[A-Za-z0-9_-]{37,}$/.test(path) ? quote(path) : JSON.stringify(path);
}

/** Control characters and line separators as escapes: what a stranger wrote stays on one line. */
export function onOneLine(text: string): string {
  return text.replaceAll(
    /[\p{Cc}\u2028\u2029]/gu,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
