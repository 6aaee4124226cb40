import type { ProxyConfig } from '../config/config.ts';
import { shownProxy, theProxy } from '../config/proxy.ts';
import type { FailureReason } from '../core/model.ts';
import { type CallContext, type CallFailure, describeTarget } from './errors.ts';
import { ProxyError } from './proxy-tunnel.ts';
import type { AttemptEnd } from './retry.ts';

/** A call without an answer. */
export interface Break extends CallFailure {
  readonly end: AttemptEnd;
}

interface Cause {
  readonly reason: FailureReason;
  readonly what: string;
  readonly end?: AttemptEnd;
}

/** Formats a connection error, by its code, as one actionable line. `now` is wall time in milliseconds. */
export function broken(error: unknown, context: CallContext, now: number): Break {
  const code = codeOf(error);
  const { host, proxy } = context;
  const atProxy =
    proxy !== undefined && (error instanceof ProxyError || code.startsWith('UND_ERR_SOCKS5'))
      ? brokenAtProxy({ code, status: error instanceof ProxyError ? error.status : undefined, proxy, host })
      : undefined;
  const { reason, what, end = 'other' } = atProxy ?? brokenBeyond({ code, proxy, host, now });
  return { reason, message: `${what}: ${describeTarget(context.path)}`, codes: [], end };
}

/** The connection broke between us and Cloudflare, or behind the proxy. */
function brokenBeyond({
  code,
  proxy,
  host,
  now,
}: {
  readonly code: string;
  readonly proxy: ProxyConfig | undefined;
  readonly host: string;
  readonly now: number;
}): Cause {
  const through = proxy === undefined ? '' : ` through the proxy ${shownProxy(proxy)}`;
  if (RESETS.has(code))
    return { reason: 'network', what: `connection to ${host}${through} broke off (${code})`, end: 'reset' };
  if (CONNECT_TIMEOUTS.has(code)) {
    const what = `no connection to ${host}${through} in time (${code}); check network and firewall`;
    return { reason: 'timeout', what, end: 'connect_timeout' };
  }
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN')
    return {
      reason: 'network',
      what: `cannot resolve ${host} (${code}); check DNS and --cloudflare.api-url, or set HTTPS_PROXY if only a proxy can reach it`,
    };
  if (code === 'CERT_NOT_YET_VALID' || code === 'CERT_HAS_EXPIRED') {
    const wrong = code === 'CERT_HAS_EXPIRED' ? 'has expired' : 'is not yet valid';
    return {
      reason: 'network',
      what: `the certificate of ${host}${through} ${wrong} (${code}): this machine's clock says ${new Date(now).toISOString().slice(0, 19)}Z; set it, for example by NTP, if that is wrong`,
    };
  }
  if (isTls(code))
    return {
      reason: 'network',
      what: `TLS with ${host}${through} failed (${code}); check --cloudflare.api-url and the clock, and give the certificate authority of a proxy that inspects TLS by --cloudflare.ca-file`,
    };
  if (isNotHttp(code))
    return {
      reason: 'malformed',
      what: `${host}${through} does not answer in HTTP (${code}); check --cloudflare.api-url`,
    };
  if (code.startsWith('Z_'))
    return { reason: 'malformed', what: `answer of ${host} is not the gzip that it claims to be (${code})` };
  return {
    reason: 'network',
    what: `cannot reach ${host}${through} (${code}); check network, firewall and --cloudflare.api-url`,
  };
}

function brokenAtProxy({
  code,
  status,
  proxy,
  host,
}: {
  readonly code: string;
  readonly status: number | undefined;
  readonly proxy: ProxyConfig;
  readonly host: string;
}): Cause {
  const { variable } = proxy;
  const it = theProxy(proxy);
  const known = proxy.user !== '' || proxy.password !== '';
  // tinyproxy answers 401 instead of 407.
  if (status === 407 || status === 401 || code.startsWith('UND_ERR_SOCKS5_AUTH')) {
    const why = status === undefined ? code : status;
    return {
      reason: 'network',
      what: known
        ? `${it} refuses its user and password (${why}); correct them there`
        : `${it} wants a user and password (${why}); give them as ${proxy.scheme}://user:password@${shownProxy(proxy)}`,
    };
  }
  if (status !== undefined && status >= 500)
    return {
      reason: 'network',
      what: `${it} cannot reach ${host} (it answered ${status}); check the proxy's own DNS and network`,
      end: status,
    };
  if (status !== undefined || code === 'UND_ERR_SOCKS5_REPLY_2')
    return {
      reason: 'network',
      what: `${it} refuses to connect to ${host} (it answered ${status ?? code}); allow that there, or exempt the host by NO_PROXY`,
    };
  if (code.startsWith('UND_ERR_SOCKS5_REPLY'))
    return {
      reason: 'network',
      what: `${it} cannot reach ${host} (${code}); check the proxy's own DNS and network`,
    };
  if (CONNECT_TIMEOUTS.has(code))
    return {
      reason: 'timeout',
      what: `${it} does not answer in time (${code}); check ${variable} and the firewall`,
      end: 'connect_timeout',
    };
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN')
    return { reason: 'network', what: `cannot resolve ${it} (${code}); check DNS and ${variable}` };
  if (isTls(code))
    return {
      reason: 'network',
      what: `TLS with ${it} failed (${code}); check its scheme and the clock, and give its certificate authority by --cloudflare.ca-file`,
    };
  if (isNotHttp(code) || code.startsWith('UND_ERR_SOCKS5'))
    return {
      reason: 'network',
      what: `${it} does not speak ${proxy.scheme === 'socks5' ? 'SOCKS5' : 'HTTP'} (${code}); check its scheme and port`,
    };
  const end = RESETS.has(code) ? 'reset' : 'other';
  return { reason: 'network', what: `cannot reach ${it} (${code}); check ${variable} and that it runs`, end };
}

const RESETS: ReadonlySet<string> = new Set([
  'ECONNRESET',
  'EPIPE',
  'ECONNABORTED',
  'UND_ERR_SOCKET',
  'UND_ERR_RES_CONTENT_LENGTH_MISMATCH',
  'ERR_STREAM_PREMATURE_CLOSE',
]);
const CONNECT_TIMEOUTS: ReadonlySet<string> = new Set(['UND_ERR_CONNECT_TIMEOUT', 'ETIMEDOUT']);

const isTls = (code: string): boolean =>
  code === 'EPROTO' ||
  /^(ERR_TLS|ERR_SSL)|CERT|LEAF_SIGNATURE|CRL|^HOSTNAME_MISMATCH|^INVALID_CA|^INVALID_PURPOSE/.test(code);

const isNotHttp = (code: string): boolean =>
  code.startsWith('HPE_') || code === 'HTTPParserError' || code === 'UND_ERR_HEADERS_OVERFLOW';

/** The code of an error or of its cause. Never the message, which may hold secrets. */
function codeOf(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown error';
  const code: unknown = 'code' in error ? error.code : undefined;
  if (typeof code === 'string') return code;
  const inner: unknown = error instanceof AggregateError ? error.errors[0] : error.cause;
  return inner === undefined ? error.name : codeOf(inner);
}
