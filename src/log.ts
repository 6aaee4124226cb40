import pino from 'pino';
import type { Logger } from 'pino';
import type { LogFormat, LogLevel } from './config/config.ts';
import { onOneLine } from './config/quote.ts';

export type { Logger } from 'pino';

/** The strings that must never be seen. Redaction by path is not enough: a token also turns up in messages and stacks. */
export interface Secrets {
  /** From now on this value is redacted too; white space around it does not count. */
  readonly add: (value: string) => void;
  readonly redact: (text: string) => string;
}

const REDACTED = '[redacted]';

export function createSecrets(values: Iterable<string> = []): Secrets {
  let forms: readonly string[] = [];
  const add = (value: string): void => {
    const secret = value.trim();
    if (secret === '') return;
    // The longest first, so that no part of one is left where another begins.
    forms = [...new Set([...forms, ...formsOf(secret)])].toSorted((a, b) => b.length - a.length);
  };
  for (const value of values) add(value);
  return { add, redact: (text) => forms.reduce((shown, form) => shown.replaceAll(form, REDACTED), text) };
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
  return [
    secret,
    JSON.stringify(secret).slice(1, -1),
    encodeURIComponent(secret.toWellFormed()),
    ...base64,
    ...base64.map((text) => text.replaceAll('+', '-').replaceAll('/', '_').replace(/=+$/, '')),
  ];
}

/** Takes whole lines, each with its newline. */
export interface LogDestination {
  readonly write: (line: string) => void;
}

export interface LoggerOptions {
  readonly level: LogLevel;
  readonly format: LogFormat;
  readonly secrets: Secrets;
  /** Standard error unless given, written at once so that nothing is lost at exit; standard output is for `once`. */
  readonly destination?: LogDestination;
}

/** A pino logger whose lines hold no known secret, wherever in message, fields, error or stack it stood. */
export function createLogger({ level, format, secrets, destination }: LoggerOptions): Logger {
  const sink = destination ?? pino.destination({ dest: 2, sync: true });
  const render = format === 'json' ? renderJson : renderLogfmt;
  const error = pino.stdSerializers.errWithCause;
  return pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      serializers: { err: error, error, cause: error },
    },
    {
      write: (line: string) => {
        sink.write(`${onOneLine(render(readLine(line, secrets)))}\n`);
      },
    },
  );
}

interface Line {
  readonly level: unknown;
  readonly time: unknown;
  readonly msg: unknown;
  readonly fields: Readonly<Record<string, unknown>>;
}

function readLine(line: string, secrets: Secrets): Line {
  const { level, time, msg, ...fields } = redactEntries(JSON.parse(line), secrets);
  return { level, time, msg, fields };
}

function redactAll(value: unknown, secrets: Secrets): unknown {
  if (typeof value === 'string') return secrets.redact(value);
  if (Array.isArray(value)) return value.map((item) => redactAll(item, secrets));
  if (typeof value === 'object' && value !== null) return redactEntries(value, secrets);
  const shown = String(value);
  return secrets.redact(shown) === shown ? value : REDACTED;
}

function redactEntries(object: object, secrets: Secrets): Readonly<Record<string, unknown>> {
  return Object.fromEntries(
    Object.entries(object).map(([key, value]) => [secrets.redact(key), redactAll(value, secrets)]),
  );
}

function renderJson({ level, time, msg, fields }: Line): string {
  return JSON.stringify({ level, time, msg, ...fields });
}

/** `time=… level=info msg="two words" err.message=…`: nested fields by dotted names, anything odd quoted as in JSON. */
function renderLogfmt({ level, time, msg, fields }: Line): string {
  return [...pairsOf({ time, level, msg }), ...pairsOf(fields)]
    .map(([key, value]) => `${key.replaceAll(/[^\w.-]/g, '_')}=${logfmtValue(value)}`)
    .join(' ');
}

function pairsOf(object: object, prefix = ''): readonly (readonly [string, unknown])[] {
  return Object.entries(object)
    .filter(([, value]) => value !== undefined)
    .flatMap(([key, value]: [string, unknown]) =>
      typeof value === 'object' && value !== null && !Array.isArray(value)
        ? pairsOf(value, `${prefix}${key}.`)
        : [[`${prefix}${key}`, value] as const],
    );
}

function logfmtValue(value: unknown): string {
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  return /^[\w.:/@%+,*-]+$/.test(text) ? text : JSON.stringify(text);
}
