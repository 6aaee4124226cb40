import type { PageFormat } from '../exposition/page.ts';

/** One element of an Accept or Accept-Encoding header: `text/plain;version=0.0.4;q=0.3`. */
interface Preference {
  readonly name: string;
  readonly version: string | undefined;
  readonly q: number;
}

/** How well a header accepts something: `named` where it is listed itself, not only matched by a wildcard. */
interface Acceptance {
  readonly q: number;
  readonly named: boolean;
}

const NOT_ACCEPTED: Acceptance = { q: 0, named: false };

/**
 * OpenMetrics where the client prefers it, the text format for every other header: absent, malformed, or naming only
 * formats that we do not speak. At equal weight a named format beats one matched by a wildcard, then OpenMetrics wins
 * where it is named (Prometheus lists it first).
 */
export function negotiateFormat(accept: string | undefined): PageFormat {
  const preferences = parsePreferences(accept ?? '');
  const openMetrics = acceptance(preferences, [
    { name: 'application/openmetrics-text', version: '1.0.0' },
    { name: 'application/*' },
    { name: '*/*' },
  ]);
  const text = acceptance(preferences, [
    { name: 'text/plain', version: '0.0.4' },
    { name: 'text/*' },
    { name: '*/*' },
  ]);
  if (openMetrics.q !== text.q) return openMetrics.q > text.q ? 'openmetrics' : 'text';
  return openMetrics.named && openMetrics.q > 0 ? 'openmetrics' : 'text';
}

/** Whether to send gzip: only where the client lists it (or `*`) and does not like `identity` better. */
export function negotiateGzip(acceptEncoding: string | undefined): boolean {
  const preferences = parsePreferences(acceptEncoding ?? '');
  const gzip = acceptance(preferences, [{ name: 'gzip' }, { name: 'x-gzip' }, { name: '*' }]);
  const identity = acceptance(preferences, [{ name: 'identity' }]);
  return gzip.q > 0 && gzip.q >= identity.q;
}

/** The acceptance of the first, most specific range that the header holds; later ones do not count then. */
function acceptance(
  preferences: readonly Preference[],
  ranges: readonly { readonly name: string; readonly version?: string }[],
): Acceptance {
  for (const { name, version } of ranges) {
    const matching = preferences.filter(
      (preference) =>
        preference.name === name && (preference.version === undefined || preference.version === version),
    );
    if (matching.length > 0)
      return { q: Math.max(...matching.map(({ q }) => q)), named: !name.includes('*') };
  }
  return NOT_ACCEPTED;
}

/** Elements with a malformed weight are left out: what they meant cannot be known. */
function parsePreferences(header: string): readonly Preference[] {
  return header.split(',').flatMap((element) => {
    const [name = '', ...parameters] = element.split(';').map((part) => part.trim().toLowerCase());
    const q = parseWeight(parameter(parameters, 'q'));
    return name === '' || q === undefined ? [] : [{ name, version: parameter(parameters, 'version'), q }];
  });
}

function parameter(parameters: readonly string[], name: string): string | undefined {
  const found = parameters.find((each) => each.startsWith(`${name}=`));
  return found?.slice(name.length + 1).replace(/^"(.*)"$/, '$1');
}

function parseWeight(text: string | undefined): number | undefined {
  if (text === undefined) return 1;
  return /^(?:0(?:\.\d*)?|1(?:\.0*)?)$/.test(text) ? Number(text) : undefined;
}
