/**
 * The strings that must never be printed. Redaction by path is not enough: messages and stacks can
 * hold a token.
 */
export interface Secrets {
  /**
   * Redacts a value from now on, without the white space around it. For each owner, such as a token
   * file, the last two values are redacted: rotations do not add up.
   */
  readonly add: (value: string, owner?: object) => void;
  /**
   * Replaces the values of the configuration. The previous ones are redacted until the next
   * replacement.
   */
  readonly replaceConfigured: (values: readonly string[]) => void;
  readonly redact: (text: string) => string;
}

const REDACTED = '[redacted]';
/** A shorter value is a mistake, and is part of many words. */
const MIN_LENGTH = 3;

export function createSecrets(values: Iterable<string> = []): Secrets {
  const configured = {};
  const held = new Map<unknown, { readonly now: readonly string[]; readonly before: readonly string[] }>();
  let forms: readonly string[] = [];

  const hold = (owner: unknown, given: readonly string[]): void => {
    const now = given.map((value) => value.trim()).filter((value) => value.length >= MIN_LENGTH);
    const before = held.get(owner)?.now ?? [];
    if (now.length === before.length && now.every((value, index) => value === before[index])) return;
    held.set(owner, { now, before });
    const secrets = [...held.values()].flatMap((generation) => [...generation.now, ...generation.before]);
    // Longest first: a form can contain another one.
    forms = [...new Set(secrets.flatMap(formsOf))].toSorted((a, b) => b.length - a.length);
  };

  hold(configured, [...values]);
  return {
    add: (value, owner) => hold(owner ?? value, [value]),
    replaceConfigured: (next) => hold(configured, next),
    redact: (text) => forms.reduce((shown, form) => shown.replaceAll(form, REDACTED), text),
  };
}

/**
 * Returns the forms that a secret has in a text: as it is, in JSON, in a URL, in base64 alone or
 * among other bytes.
 */
function formsOf(secret: string): readonly string[] {
  const bytes = Buffer.from(secret);
  const embedded = [0, 1, 2]
    .map((offset) => {
      const encoded = Buffer.concat([Buffer.alloc(offset), bytes]).toString('base64');
      // Only the characters that encode no neighbouring byte.
      return encoded.slice(Math.ceil((offset * 4) / 3), Math.floor(((offset + bytes.length) * 4) / 3));
    })
    // A short one would match other text.
    .filter((core) => core.length >= 8);
  const base64 = [bytes.toString('base64'), ...embedded];
  const base64url = base64.map((text) => text.replaceAll('+', '-').replaceAll('/', '_').replace(/=+$/, ''));
  return [
    secret,
    JSON.stringify(secret).slice(1, -1),
    ...[secret, ...base64].map((text) => encodeURIComponent(text.toWellFormed())).flatMap(eitherCase),
    ...base64,
    ...base64url,
  ];
}

/** Percent-encoding is written with upper-case or lower-case digits. */
const eitherCase = (encoded: string): readonly string[] => [
  encoded,
  encoded.replaceAll(/%[0-9A-F]{2}/g, (code) => code.toLowerCase()),
];
