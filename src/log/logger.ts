import pino from 'pino';
import type { Logger } from 'pino';
import type { LogFormat, LogLevel } from '../config/config.ts';
import { onOneLine } from '../config/quote.ts';
import type { Secrets } from '../config/secrets.ts';
import { standardErrorSink } from './sink.ts';

export type { Logger } from 'pino';

const REDACTED = '[redacted]';

/** Receives complete lines, each with its newline. */
export interface LogDestination {
  readonly write: (line: string) => void;
}

export interface LoggerOptions {
  readonly level: LogLevel;
  readonly format: LogFormat;
  readonly secrets: Secrets;
  /** Default: standard error, without ever blocking the process; flushed at exit. */
  readonly destination?: LogDestination;
}

/**
 * A pino logger that redacts known secrets in messages, fields, errors and stacks. pino's JSON is
 * parsed again for that; see docs/decisions/0014-log-lines-are-redacted-last.md.
 */
export function createLogger({ level, format, secrets, destination }: LoggerOptions): Logger {
  const render = format === 'json' ? renderJson : renderLogfmt;
  const toLine = (line: Line): string => `${onOneLine(render(line))}\n`;
  const sink =
    destination ??
    standardErrorSink((lines) =>
      toLine({
        level: 'warn',
        time: new Date().toISOString(),
        msg: 'log lines were dropped, because standard error was not read in time',
        fields: { lines },
      }),
    );
  const error = pino.stdSerializers.errWithCause;
  return pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      serializers: { err: error, error, cause: error },
    },
    { write: (line: string) => sink.write(toLine(readLine(line, secrets))) },
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

/** `time=… level=info msg="two words" err.message=…`: values are quoted as in JSON if necessary. */
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
