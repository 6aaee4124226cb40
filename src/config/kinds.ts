import { isIP, isIPv6 } from 'node:net';
import { validateDetailed } from 'node-cron';
import { RE2JS, RE2JSSyntaxException } from 're2js';
import type { NamePattern } from '../core/select.ts';
import type { ListenAddress } from './config.ts';
import { formatDuration, parseDuration } from './duration.ts';
import { quote } from './quote.ts';
import { timetableOf } from './timetable.ts';

/** `problem` and `warning` continue a line that begins with a location. */
export type Parsed<T> =
  | { readonly ok: true; readonly value: T; readonly warning?: string }
  | { readonly ok: false; readonly problem: string };

/** A kind of value: its name in `--help`, and its parser. */
export interface Kind<T> {
  readonly placeholder: string;
  readonly parse: (text: string) => Parsed<T>;
}

const good = <T>(value: T): Parsed<T> => ({ ok: true, value });
const bad = (problem: string): Parsed<never> => ({ ok: false, problem });

export const text: Kind<string> = {
  placeholder: 'TEXT',
  parse: (given) => good(given.trim().toWellFormed()),
};
export const path: Kind<string> = { placeholder: 'FILE', parse: (given) => good(given.trim()) };

export const boolean: Kind<boolean> = {
  placeholder: 'true|false',
  parse: (given) => {
    const word = given.trim().toLowerCase();
    if (word === 'true' || word === '1') return good(true);
    if (word === 'false' || word === '0') return good(false);
    return bad(`${quote(given)} is not true or false`);
  },
};

const isUnitless = (given: string): boolean => /^\d+(?:\.\d+)?$/.test(given.trim());

/** Milliseconds. */
export function duration({ min, max }: { readonly min: number; readonly max: number }): Kind<number> {
  return {
    placeholder: 'DURATION',
    parse: (given) => {
      const ms = parseDuration(given.trim());
      if (ms === undefined) {
        const what = isUnitless(given) ? 'has no unit' : 'is not a duration';
        return bad(`${quote(given)} ${what}; use e.g. 30s, 5m or 1h30m`);
      }
      if (ms < min || ms > max) {
        return bad(`${quote(given)} must be from ${formatDuration(min)} to ${formatDuration(max)}`);
      }
      return good(ms);
    },
  };
}

export function count({ min, max }: { readonly min: number; readonly max: number }): Kind<number> {
  return {
    placeholder: 'COUNT',
    parse: (given) => {
      const number = /^\d+$/.test(given.trim()) ? Number(given) : Number.NaN;
      if (number >= min && number <= max) return good(number);
      return bad(`${quote(given)} is not a whole number from ${min} to ${max}`);
    },
  };
}

/** One of a closed set of words. `aliases` are further words for some of them. */
export function oneOf<T extends string>(
  values: readonly T[],
  aliases: Readonly<Record<string, T>> = {},
): Kind<T> {
  const words = new Map<string, T>([
    ...values.map((value): [string, T] => [value, value]),
    ...Object.entries(aliases),
  ]);
  return {
    placeholder: 'WORD',
    parse: (given) => {
      const value = words.get(given.trim());
      return value === undefined
        ? bad(`${quote(given)} is not one of ${[...words.keys()].join(', ')}`)
        : good(value);
    },
  };
}

/** RE2 syntax, as in Prometheus. Matching takes linear time, so that no name can make it slow. */
export const expression: Kind<NamePattern> = {
  placeholder: 'REGEXP',
  parse: (given) => {
    try {
      const compiled = RE2JS.compile(given);
      return good({ source: given, test: (name) => compiled.test(name) });
    } catch (error) {
      return bad(`${quote(given)} is not a regular expression in RE2 syntax: ${whyNot(error, given)}`);
    }
  },
};

function whyNot(error: unknown, given: string): string {
  if (!(error instanceof RE2JSSyntaxException)) return 'it cannot be compiled';
  const part = error.getPattern();
  return part === null || part === given
    ? error.getDescription()
    : `${error.getDescription()} ${quote(part)}`;
}

const SCHEDULE_DURATION = { min: 1000, max: 365 * 86_400_000 };

/** A cron expression of five fields, or of six with seconds first, or a duration. */
export const schedule: Kind<string> = {
  placeholder: 'SCHEDULE',
  parse: (given) => {
    const words = given.trim().split(/\s+/);
    const wanted = words.join(' ');
    if (parseDuration(wanted) !== undefined) {
      const every = duration(SCHEDULE_DURATION).parse(wanted);
      return every.ok ? good(formatDuration(every.value)) : every;
    }
    if (isUnitless(wanted)) return bad(`${quote(given)} has no unit; use e.g. 30s or 5m`);
    if (words.length !== 5 && words.length !== 6) {
      return bad(
        `${quote(given)} is neither a cron expression of 5 or 6 fields nor a duration; use e.g. */30 * * * * * or 30s`,
      );
    }
    const { valid, errors } = validateDetailed(wanted);
    if (!valid) {
      const reasons = errors.map(({ field, value = '' }) => `${field} ${quote(value)}`);
      return bad(`${quote(given)} is not a cron expression: cannot use ${reasons.join(', ')}`);
    }
    if (timetableOf(wanted).longestGapMs === Infinity)
      return bad(`${quote(given)} never runs: no day matches`);
    return good(wanted);
  },
};

/** Without trailing slash. Requests hold a token, so plain HTTP is for this machine only. */
export const apiUrl: Kind<string> = {
  placeholder: 'URL',
  parse: (given) => {
    const url = parseUrl(given);
    if (!url.ok) return url;
    const { protocol, hostname, href } = url.value;
    if (protocol !== 'https:' && !(protocol === 'http:' && isLoopback(hostname)))
      return bad(`${quote(given)} must be https; plain http only to localhost, 127.0.0.0/8 or [::1]`);
    if (/[?#]/.test(given)) return bad(`${quote(given)} must not have a query or fragment`);
    return good(href.replace(/\/+$/, ''));
  },
};

/** The origin of a server that is asked without credentials, without trailing slash. */
export const localUrl: Kind<string> = {
  placeholder: 'URL',
  parse: (given) => {
    const url = parseUrl(given);
    if (!url.ok) return url;
    const { protocol, pathname, origin } = url.value;
    if (protocol !== 'https:' && protocol !== 'http:') return bad(`${quote(given)} must be http or https`);
    if (pathname !== '/' || /[?#]/.test(given))
      return bad(`${quote(given)} must be scheme, host and port alone; use e.g. http://127.0.0.1:20241`);
    return good(origin);
  },
};

function parseUrl(given: string): Parsed<URL> {
  const url = URL.parse(given.trim());
  if (!url || url.hostname === '') return bad(`${quote(given)} is not a URL`);
  if (url.username !== '' || url.password !== '') return bad('must not hold credentials');
  return good(url);
}

function isLoopback(hostname: string): boolean {
  return (
    hostname === 'localhost' || hostname === '[::1]' || (isIP(hostname) === 4 && hostname.startsWith('127.'))
  );
}

export const listenAddress: Kind<ListenAddress> = {
  placeholder: 'ADDRESS',
  parse: (given) => {
    const [, host, digits] = /^(.*):(\d{1,5})$/.exec(given.trim()) ?? [];
    const port = Number(digits);
    const wrong = bad(`${quote(given)} is not a listen address; use :20240, host:port or [::1]:port`);
    if (host === undefined || port > 65_535) return wrong;
    if (host === '') return good({ host: undefined, port });
    const bracketed = /^\[(.*)\]$/.exec(host)?.[1];
    if (bracketed !== undefined) return isIPv6(bracketed) ? good({ host: bracketed, port }) : wrong;
    // Digits and dots alone can only be an IPv4 address.
    const known = /^[\d.]+$/.test(host) ? isIP(host) === 4 : /^[A-Za-z0-9._-]+$/.test(host);
    return known ? good({ host: host.toLowerCase(), port }) : wrong;
  },
};

const SERVED_PATHS = ['/', '/livez', '/readyz', '/edge-ready', '/-/reload'];
/** These and all paths below them. */
const SERVED_FOLDERS = ['/api', '/tunnels'];

export const telemetryPath: Kind<string> = {
  placeholder: 'PATH',
  parse: (given) => {
    const wanted = given.trim();
    if (!/^(?:\/[A-Za-z0-9._~-]+)+\/?$|^\/$/.test(wanted) || /\/\.{1,2}(?:\/|$)/.test(wanted)) {
      return bad(`${quote(given)} is not a path; use e.g. /metrics`);
    }
    const bare = wanted.replace(/\/$/, '') || '/';
    const isBelow = SERVED_FOLDERS.some((folder) => bare === folder || bare.startsWith(`${folder}/`));
    if (SERVED_PATHS.includes(bare) || isBelow) {
      return bad(`${quote(given)} is a path that the exporter already serves; use e.g. /metrics`);
    }
    return good(wanted);
  },
};

const FIND_ACCOUNT_ID =
  'it has 32 hex digits, and follows dash.cloudflare.com/ in the address of the dashboard';

export const accountId: Kind<string> = {
  placeholder: 'ID',
  parse: (given) => {
    const id = given.trim();
    if (id.includes('@'))
      return bad(`${quote(given)} is an e-mail address, not an account id; ${FIND_ACCOUNT_ID}`);
    if (!/^[A-Za-z0-9_-]{1,64}$/.test(id))
      return bad(`${quote(given)} is not an account id; ${FIND_ACCOUNT_ID}`);
    if (/^[0-9a-f]{32}$/i.test(id)) return good(id);
    return {
      ok: true,
      value: id,
      warning: `${quote(id)} does not look like a Cloudflare account id (32 hex digits)`,
    };
  },
};

export const groupName: Kind<string> = {
  placeholder: 'NAME',
  parse: (given) => {
    const name = given.trim();
    return /^[A-Za-z0-9._-]{1,64}$/.test(name)
      ? good(name)
      : bad(`${quote(given)} is not a name; use up to 64 letters, digits, ".", "_" and "-"`);
  },
};

export const tunnelId: Kind<string> = {
  placeholder: 'ID',
  parse: (given) => {
    const id = given.trim();
    return /^[A-Za-z0-9_-]{1,64}$/.test(id) ? good(id) : bad(`${quote(given)} is not a tunnel id`);
  },
};

export function withWarning<T>(kind: Kind<T>, warningOf: (value: T) => string | undefined): Kind<T> {
  return {
    ...kind,
    parse: (given) => {
      const parsed = kind.parse(given);
      const warning = parsed.ok ? warningOf(parsed.value) : undefined;
      return parsed.ok && warning !== undefined ? { ...parsed, warning } : parsed;
    },
  };
}
