import { validateHeaderValue } from '../node-http.ts';
import type { Section } from './web-config-yaml.ts';

/** The headers that the format allows, with the values of those that have few. */
const ALLOWED: Readonly<Record<string, readonly string[] | undefined>> = {
  'Content-Security-Policy': undefined,
  'X-Frame-Options': ['deny', 'sameorigin'],
  'X-Content-Type-Options': ['nosniff'],
  'X-XSS-Protection': undefined,
  'Strict-Transport-Security': undefined,
};
const NAMES = Object.keys(ALLOWED);

/** Headers for every response, from `http_server_config`. */
export function readHttp(section: Section): Readonly<Record<string, string>> {
  if (section.flag('http2') === true)
    section.problem(
      'http2',
      'is not offered: HTTP/1.1 is served, which every client speaks; set it to false or leave it out',
    );
  const headers = section.section('headers', NAMES);
  return Object.fromEntries(
    NAMES.flatMap((name) => {
      const value = headers.text(name);
      if (value === undefined) return [];
      const values = ALLOWED[name];
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
