/** The strings that must never be printed. Redaction by path is not enough: a token also turns up in messages and stacks. */
export interface Secrets {
  /**
   * From now on this value is redacted too; white space around it does not count. With an owner, such as the token of a file, it
   * takes the place of the value before the last of that owner, so that rotations do not add up.
   */
  readonly add: (value: string, owner?: object) => void;
  /** Replaces the values of the configuration; those of the configuration before are redacted until the next replacement. */
  readonly replaceConfigured: (values: readonly string[]) => void;
  readonly redact: (text: string) => string;
}

const REDACTED = '[redacted]';
/** A shorter value is no secret but a mistake, and stands in every word. */
const SHORTEST = 3;

export function createSecrets(values: Iterable<string> = []): Secrets {
  const configured = {};
  const held = new Map<unknown, { readonly now: readonly string[]; readonly before: readonly string[] }>();
  let forms: readonly string[] = [];

  const hold = (owner: unknown, given: readonly string[]): void => {
    const now = given.map((value) => value.trim()).filter((value) => value.length >= SHORTEST);
    const before = held.get(owner)?.now ?? [];
    if (now.length === before.length && now.every((value, index) => value === before[index])) return;
    held.set(owner, { now, before });
    const secrets = [...held.values()].flatMap((generation) => [...generation.now, ...generation.before]);
    // The longest first, so that no part of one is left where another begins.
    forms = [...new Set(secrets.flatMap(formsOf))].toSorted((a, b) => b.length - a.length);
  };

  hold(configured, [...values]);
  return {
    add: (value, owner) => hold(owner ?? value, [value]),
    replaceConfigured: (next) => hold(configured, next),
    redact: (text) => forms.reduce((shown, form) => shown.replaceAll(form, REDACTED), text),
  };
}

/** The ways in which a secret can stand in a text: as it is, in JSON, in a URL, in base64 alone or amid other bytes. */
function formsOf(secret: string): readonly string[] {
  const bytes = Buffer.from(secret);
  const embedded = [0, 1, 2]
    .map((offset) => {
      const encoded = Buffer.concat([Buffer.alloc(offset), bytes]).toString('base64');
      // Only the characters that no neighbouring byte has a part in.
      return encoded.slice(Math.ceil((offset * 4) / 3), Math.floor(((offset + bytes.length) * 4) / 3));
    })
    // A short one would also be found where there is no secret.
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
