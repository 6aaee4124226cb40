import { theProxy } from '../config/proxy.ts';
import {
  describeTarget,
  quote,
  refused,
  type CallContext,
  type CallFailure,
  type CallResult,
} from './errors.ts';
import { parseEnvelope, type Envelope } from './schema/envelope.ts';
import type { Answer } from './transport.ts';

/** Returns the envelope of a good answer, without reading `result`, or the failure it reports. */
export function readAnswer({ status, headers, body }: Answer, context: CallContext): CallResult<Envelope> {
  if (status >= 300 && status < 400)
    return fail(redirected(status, String(headers['location'] ?? ''), context));
  if (body.kind === 'unread') return fail(notUnderstood(status, body.why, context));
  if (body.text === '') return fail(notUnderstood(status, 'is empty', context));
  const json = parseJson(body.text);
  if (json === undefined) {
    // Redacts before cutting: a cut could leave the beginning of a secret.
    const beginning = quote(context.redact(body.text.slice(0, 1_000)).slice(0, 60), context.redact);
    const isWebPage = HTML.test(body.text);
    const what = `is not JSON${isWebPage ? ' but a web page' : ''} (it begins ${beginning})`;
    return fail(notUnderstood(status, what, { ...context, isWebPage }));
  }
  const envelope = parseEnvelope(json);
  if (!envelope.ok) return fail(notUnderstood(status, `is not the API's: ${envelope.problem}`, context));
  if (status >= 400 || envelope.value.failed)
    return fail(refused({ status, errors: envelope.value.errors }, context));
  return envelope;
}

/** Proxies, firewalls and gateways answer with web pages. */
const HTML = /^\s*<(?:!doctype|html|head|body)\b/i;

const fail = (failure: CallFailure): CallResult<never> => ({ ok: false, failure });

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

/** An answer that did not come from the API. `what` follows "a body that". */
function notUnderstood(
  status: number,
  what: string,
  { path, proxy, isWebPage = false }: CallContext & { readonly isWebPage?: boolean },
): CallFailure {
  const message = `${describeTarget(path)} answered ${status} with a body that ${what}`;
  if (status === 429) return { reason: 'rate_limited', message, codes: [] };
  if (status >= 500) return { reason: 'server', message, codes: [] };
  if (status === 408) return { reason: 'timeout', message, codes: [] };
  const other = proxy === undefined ? 'a proxy or firewall' : theProxy(proxy);
  const or = isWebPage ? `, or does ${other} answer in its place` : '';
  return { reason: 'malformed', message: `${message}; is --cloudflare.api-url right${or}?`, codes: [] };
}

/** Redirects are not followed, because the token must be sent to one origin only. */
function redirected(status: number, location: string, context: CallContext): CallFailure {
  const target = location === '' ? 'nowhere' : quote(location, context.redact);
  const message = `${describeTarget(context.path)} answered ${status}, a redirect to ${target} that is not followed; check --cloudflare.api-url`;
  return { reason: 'malformed', message, codes: [] };
}
