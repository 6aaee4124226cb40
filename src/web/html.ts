/** Markup that is safe to send, because `html` or a constant made it. */
export interface Html {
  readonly markup: string;
}

type Part = string | number | Html | readonly Html[];

/** A template that escapes strings, for text and for quoted attributes. */
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

/** Text without anything to escape or make visible. Most text is, and testing it first saves time. */
const HARMLESS = /^[ !#-%(-;=?-~]*$/;

export function joined(parts: readonly Html[], separator: Html): Html {
  return { markup: parts.map(({ markup }) => markup).join(separator.markup) };
}

/**
 * Characters that are invisible or change how others look: controls, line separators, bidi marks,
 * overrides and isolates, soft hyphen, zero-width space, word joiner, byte order mark, tags. Joiners are
 * left alone, because scripts and emoji need them.
 */
const DECEPTIVE =
  // oxlint-disable-next-line no-control-regex -- it finds control characters
  /[\u0000-\u001F\u007F-\u009F\u00AD\u061C\u200B\u200E\u200F\u2028-\u202E\u2060-\u2069\uFEFF\u{E0000}-\u{E007F}]/gu;

const MAX_SHOWN_LENGTH = 256;

/** Untrusted text with hidden characters made visible: `a⟨U+202E⟩b`. Long text is cut, with its length. */
export function visible(text: string): string {
  if (text.length <= MAX_SHOWN_LENGTH) return shown(text);
  return `${shown(text.slice(0, MAX_SHOWN_LENGTH))}… (${text.length} characters)`;
}

function shown(text: string): string {
  return HARMLESS.test(text) ? text : text.toWellFormed().replaceAll(DECEPTIVE, codePointOf);
}

function codePointOf(character: string): string {
  return `⟨U+${(character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}⟩`;
}
