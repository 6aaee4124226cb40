import { dirname } from 'node:path';
import { readText, type ReadFile } from '../config/files.ts';
import { validateHeaderValue } from '../node-http.ts';
import { readUsers, type Users } from './basic-auth.ts';
import { readTls, TLS_KEYS, type TlsSettings } from './tls-settings.ts';
import { parseSection, type Section } from './web-config-section.ts';

/** The content of `--web.config.file`, which has exporter-toolkit's format. */
export interface WebConfig {
  /** `undefined` serves plain HTTP. */
  readonly tls: TlsSettings | undefined;
  /** Sent with every response. */
  readonly headers: Readonly<Record<string, string>>;
  readonly users: Users;
}

export type WebConfigReading =
  | { readonly ok: true; readonly value: WebConfig }
  /** One line each, naming key and line; no line holds a password, hash or key. */
  | { readonly ok: false; readonly problems: readonly string[] };

const SECTIONS = ['tls_server_config', 'http_server_config', 'basic_auth_users', 'rate_limit'];

/** Reads the file and the certificate files that it names. Never throws. */
export function readWebConfig(file: string, readFile: ReadFile): WebConfigReading {
  const text = readText(file, readFile);
  if (!text.ok) return { ok: false, problems: [`web.config.file: ${text.problem}`] };
  const problems = new Set<string>();
  const top = parseSection(text.value, {
    file,
    known: SECTIONS,
    problem: (line) => void problems.add(line),
  });
  if (top.keys().includes('rate_limit'))
    top.problem('rate_limit', 'is not supported; --web.max-requests bounds the scrapes in flight');
  const headers = readHttp(top.section('http_server_config', ['http2', 'headers']));
  const users = readUsers(top.section('basic_auth_users'));
  const tls = readTls(top.section('tls_server_config', TLS_KEYS), {
    folder: dirname(file),
    readFile,
    isGood: () => problems.size === 0,
  });
  return problems.size === 0
    ? { ok: true, value: { tls, headers, users } }
    : { ok: false, problems: [...problems] };
}

/** The headers that the format allows; `undefined` allows any value. */
const ALLOWED_VALUES: Readonly<Record<string, readonly string[] | undefined>> = {
  'Content-Security-Policy': undefined,
  'X-Frame-Options': ['deny', 'sameorigin'],
  'X-Content-Type-Options': ['nosniff'],
  'X-XSS-Protection': undefined,
  'Strict-Transport-Security': undefined,
};
const HEADERS = Object.keys(ALLOWED_VALUES);

/** Returns the headers of `http_server_config`. */
function readHttp(section: Section): Readonly<Record<string, string>> {
  if (section.flag('http2') === true)
    section.problem(
      'http2',
      'is not supported: HTTP/1.1 is served, which every client speaks; set it to false or leave it out',
    );
  const headers = section.section('headers', HEADERS);
  return Object.fromEntries(
    HEADERS.flatMap((name) => {
      const value = headers.text(name);
      if (value === undefined) return [];
      const values = ALLOWED_VALUES[name];
      if (values && !values.includes(value)) headers.problem(name, `must be ${values.join(' or ')}`);
      else if (!isSendable(name, value)) headers.problem(name, 'holds a character that no header can carry');
      return [[name, value] as const];
    }),
  );
}

function isSendable(name: string, value: string): boolean {
  try {
    validateHeaderValue(name, value);
    return true;
  } catch {
    return false;
  }
}

/** Returns the problems of a web configuration, one line each. */
export function webConfigProblems(file: string, readFile: ReadFile): readonly string[] {
  const reading = readWebConfig(file, readFile);
  return reading.ok ? [] : reading.problems;
}
