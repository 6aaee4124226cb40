import { dirname } from 'node:path';
import type { ReadFile } from '../config/read-text.ts';
import { readText } from '../config/read-text.ts';
import { readUsers } from './basic-auth-users.ts';
import type { Users } from './basic-auth-users.ts';
import { readTls, TLS_KEYS } from './tls-settings.ts';
import type { TlsSettings } from './tls-settings.ts';
import { readHttp } from './web-config-headers.ts';
import { readYaml } from './web-config-yaml.ts';

/** What `--web.config.file` says, in exporter-toolkit's format. */
export interface WebConfig {
  /** `undefined` serves plain HTTP. */
  readonly tls: TlsSettings | undefined;
  /** On every response. */
  readonly headers: Readonly<Record<string, string>>;
  readonly users: Users;
}

export type WebConfigReading =
  | { readonly ok: true; readonly value: WebConfig }
  /** One line each, naming key and line; no line holds a password, hash or key. */
  | { readonly ok: false; readonly problems: readonly string[] };

const SECTIONS = ['tls_server_config', 'http_server_config', 'basic_auth_users', 'rate_limit'];

/** Reads the file and the certificates that it names. Never throws. */
export function readWebConfig(file: string, readFile: ReadFile): WebConfigReading {
  const text = readText(file, readFile);
  if (!text.ok) return { ok: false, problems: [`web.config.file: ${text.problem}`] };
  const problems = new Set<string>();
  const top = readYaml(text.value, {
    file,
    known: SECTIONS,
    problem: (line) => void problems.add(line),
  });
  if (top.keys().includes('rate_limit'))
    top.problem('rate_limit', 'is not offered; --web.max-requests bounds the scrapes in flight');
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
