/** Markup that is safe to send: made by `html`, or from constants. */
export interface Html {
  readonly markup: string;
}

type Part = string | number | Html | readonly Html[];

/** A template whose strings are escaped, for text and for quoted attributes alike. */
export function html(strings: TemplateStringsArray, ...parts: readonly Part[]): Html {
  return {
    markup: strings.reduce((before, after, index) => before + markupOf(parts[index - 1] ?? '') + after),
  };
}

export const NOTHING: Html = { markup: '' };
export const SEPARATOR: Html = { markup: ' <span class="quiet">·</span> ' };

function markupOf(part: Part): string {
  if (typeof part === 'string') return escapeHtml(part);
  if (typeof part === 'number') return String(part);
  return 'markup' in part ? part.markup : part.map(({ markup }) => markup).join('');
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

export function escapeHtml(text: string): string {
  if (HARMLESS.test(text)) return text;
  return text.toWellFormed().replaceAll(/[&<>"']/g, (character) => ENTITIES[character] ?? character);
}

/** Nothing to escape and nothing hidden: most texts, which thousands of rows have many of. */
const HARMLESS = /^[ !#-%(-;=?-~]*$/;

/** Markup between each two. */
export function joined(parts: readonly Html[], separator: Html): Html {
  return { markup: parts.map(({ markup }) => markup).join(separator.markup) };
}

/**
 * Characters that change how others look, or look like nothing: controls, line separators, bidi marks, overrides and
 * isolates, soft hyphen, zero-width space, word joiner, byte order mark, tags. Not the joiners, which scripts and emoji need.
 */
const DECEPTIVE =
  // oxlint-disable-next-line no-control-regex -- control characters are what it is to find
  /[\u0000-\u001F\u007F-\u009F\u00AD\u061C\u200B\u200E\u200F\u2028-\u202E\u2060-\u2069\uFEFF\u{E0000}-\u{E007F}]/gu;

const LONGEST_SHOWN = 256;

/** Untrusted text with nothing hidden in it: `a⟨U+202E⟩b`; very long text is cut, saying how long it is. */
export function visible(text: string): string {
  if (text.length <= LONGEST_SHOWN) return shown(text);
  return `${shown(text.slice(0, LONGEST_SHOWN))}… (${text.length} characters)`;
}

function shown(text: string): string {
  return HARMLESS.test(text) ? text : text.toWellFormed().replaceAll(DECEPTIVE, codePointOf);
}

function codePointOf(character: string): string {
  return `⟨U+${(character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}⟩`;
}
