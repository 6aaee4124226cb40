import type { PageFormat } from '../exposition/page.ts';

/** One element of an Accept or Accept-Encoding header: `text/plain;version=0.0.4;q=0.3`. */
interface Preference {
  readonly name: string;
  readonly version: string | undefined;
  readonly q: number;
}

/** How well a header accepts something. `named` is false if only a wildcard matches. */
interface Acceptance {
  readonly q: number;
  readonly named: boolean;
}

const NOT_ACCEPTED: Acceptance = { q: 0, named: false };

/**
 * Returns OpenMetrics if the client prefers it. Every other header gets the text format, including one
 * that is absent, malformed or names unknown formats only. At equal weight OpenMetrics wins if it is
 * named, because Prometheus lists it first.
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

/** Whether to send gzip: the client must list it or `*`, and must not prefer `identity`. */
export function negotiateGzip(acceptEncoding: string | undefined): boolean {
  const preferences = parsePreferences(acceptEncoding ?? '');
  const gzip = acceptance(preferences, [{ name: 'gzip' }, { name: 'x-gzip' }, { name: '*' }]);
  const identity = acceptance(preferences, [{ name: 'identity' }]);
  return gzip.q > 0 && gzip.q >= identity.q;
}

/** `ranges` are ordered from specific to general. The first one in the header decides. */
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

/** Ignores elements with a malformed weight. */
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
