import type { ProxyConfig } from '../config/config.ts';
import { shownProxy } from '../config/proxy.ts';
import type { Failure, FailureReason } from '../core/model.ts';
import { accountsPath, type Endpoint } from './endpoints.ts';
import type { ApiError } from './schema/envelope.ts';

/** A failure with the details that distinguish one refusal from another. */
export interface CallFailure extends Failure {
  readonly codes: readonly number[];
  /** The API's error answer: its status, and the part of `message` that quotes it. */
  readonly answer?: { readonly status: number; readonly said: string };
}

export type CallResult<T> =
  { readonly ok: true; readonly value: T } | { readonly ok: false; readonly failure: CallFailure };

export interface CallContext {
  readonly endpoint: Endpoint;
  /** Path with query, as sent. */
  readonly path: string;
  readonly host: string;
  readonly proxy?: ProxyConfig | undefined;
  /** Removes secrets from text that others wrote. */
  readonly redact: (text: string) => string;
}

export interface Refusal {
  readonly status: number;
  readonly errors: readonly ApiError[];
}

/** The caller stopped the call. Not an error of the API, and not counted as one. */
export const STOPPED: CallFailure = { reason: 'network', message: 'stopped', codes: [] };

export const isStopped = ({ reason, message }: Failure): boolean =>
  reason === STOPPED.reason && message === STOPPED.message;

const MAX_QUOTE_LENGTH = 200;

/** Foreign text for a log line: quoted, bounded, without secrets and control characters. */
export function quote(text: string, redact: (text: string) => string): string {
  const clean = redact(text.slice(0, 10 * MAX_QUOTE_LENGTH))
    .replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+/gu, ' ')
    .trim();
  return `"${bounded(clean)}"`;
}

/** Cutting may halve a surrogate pair. */
const bounded = (text: string): string =>
  (text.length > MAX_QUOTE_LENGTH ? `${text.slice(0, MAX_QUOTE_LENGTH)}…` : text).toWellFormed();

/** The request without query and account: `GET /accounts/…/cfd_tunnel/{id}`. */
export function describeTarget(path: string): string {
  const bare = (path.split('?')[0] ?? '').replace(/^\/accounts\/[^/]*/, '/accounts/…');
  return `GET ${bounded(bare)}`;
}

/**
 * The reason of an error answer. Decided by `errors`, never by `messages`; the first rule that matches applies:
 *
 * | status | code | reason |
 * |---|---|---|
 * | 429, or any with | 971, 10100 | rate_limited |
 * | 5xx | any | server |
 * | 408 | any | timeout |
 * | any | 6003, 6111, 9103, 9106 (malformed, unknown or no credentials) | auth |
 * | any | 9109 whose message mentions the token (revoked, wrong address) | auth |
 * | any | 9109 otherwise (this account or resource) | permission |
 * | any, verifying the token | 1000, 10000; or status 401, 403 | auth |
 * | any, listing accounts | 1001 (an account owns the token) | permission |
 * | 400, 401, 403 | 1000 (invalid API token) | auth |
 * | any other | 1000, 10001 (internal error) | server |
 * | any | 10000 (authentication error: what a missing permission gives) | permission |
 * | any | 7000, 7003 (malformed id or path), 1002 (tunnel), 1055 (configuration) | not_found |
 * | 401 | none of these | auth |
 * | 403 | none of these | permission |
 * | 404, 410 | none of these | not_found |
 * | 2xx with success:false | none of these | server |
 * | anything else | | malformed |
 *
 * Sources: Cloudflare API docs (errors, rate limits), Cloudflare's API reference, recorded answers.
 */
export function reasonFor({ status, errors }: Refusal, endpoint: Endpoint): FailureReason {
  const codes = new Set(errors.flatMap((error) => error.codes));
  const has = (...some: readonly number[]): boolean => some.some((code) => codes.has(code));
  const verifying = endpoint === 'token_verify';

  if (status === 429 || has(971, 10100)) return 'rate_limited';
  if (status >= 500) return 'server';
  if (status === 408) return 'timeout';
  if (has(6003, 6111, 9103, 9106)) return 'auth';
  if (has(9109)) return errors.some((error) => /token/i.test(error.message)) ? 'auth' : 'permission';
  if (verifying && (has(1000, 10000) || status === 401 || status === 403)) return 'auth';
  if (endpoint === 'accounts' && has(1001)) return 'permission';
  if (has(1000)) return [400, 401, 403].includes(status) ? 'auth' : 'server';
  if (has(10001)) return 'server';
  if (has(10000)) return 'permission';
  if (has(7000, 7003, 1002, 1055)) return 'not_found';
  if (status === 401) return 'auth';
  if (status === 403) return 'permission';
  if (status === 404 || status === 410) return 'not_found';
  return status >= 200 && status < 300 ? 'server' : 'malformed';
}

/** Formats an API error as one actionable line. */
export function refused(refusal: Refusal, context: CallContext): CallFailure {
  const reason = reasonFor(refusal, context.endpoint);
  const codes = refusal.errors.flatMap((error) => error.codes);
  const first = refusal.errors[0];
  const code = first?.codes[0] === undefined ? '' : `, code ${first.codes[0]}`;
  const text = first === undefined || first.message === '' ? '' : ` ${quote(first.message, context.redact)}`;
  const said = `${describeTarget(context.path)} answered ${refusal.status}${code}${text}`;
  const advice = adviceFor(reason, { ...refusal, codes, context });
  const message = advice === '' ? said : `${advice}: ${said}`;
  return { reason, codes, answer: { status: refusal.status, said }, message };
}

/**
 * Every requested list of an account is refused. Cloudflare answers with the same codes if the
 * account is not one of the token's and if the token lacks the permissions.
 */
export function accountRefused(refusal: CallFailure, endpoints: readonly Endpoint[]): CallFailure {
  const { status, said = refusal.message } = refusal.answer ?? {};
  const needed = [...new Set(endpoints.map((endpoint) => PERMISSIONS[endpoint]))].join(', and ');
  return {
    ...refusal,
    message: `this account is not among those that the token may see (check the account id, which is not a zone id, and the token's account resources), or the token lacks ${needed}${orIsInvalid(status)}: ${said}`,
  };
}

const NAME_ACCOUNTS = 'set CLOUDFLARE_ACCOUNT_ID, or name accounts in the configuration file';

/** For a token without the permission, the API answers with success and an empty list. */
export const noAccounts: CallFailure = {
  reason: 'permission',
  message: `token can list no account; give it Account Settings Read on the accounts to watch, or ${NAME_ACCOUNTS}: ${describeTarget(accountsPath)} answered 200 with an empty list`,
  codes: [],
};

/** A good answer of the wrong shape. `problem` names the path and the expected shape. */
export const malformed = (problem: string, context: Pick<CallContext, 'path'>): CallFailure => ({
  reason: 'malformed',
  message: `${describeTarget(context.path)}: ${problem}`,
  codes: [],
});

/** An exception in a call: a bug of the exporter that fails this call only. */
export const unexpected = (error: unknown, context: Pick<CallContext, 'path'>): CallFailure =>
  malformed(
    `the answer cannot be read (${error instanceof Error ? error.name : 'unknown error'}); please report this`,
    context,
  );

export const notSent = (why: string, path: string): CallFailure => ({
  reason: 'rate_limited',
  message: `${why}; not sent: ${describeTarget(path)}`,
  codes: [],
});

export const timedOut = ({ path, proxy }: CallContext, timeoutMs: number): CallFailure => ({
  reason: 'timeout',
  message: `no complete answer${proxy === undefined ? '' : ` through the proxy ${shownProxy(proxy)}`} within ${timeoutMs / 1_000} s (--cloudflare.request-timeout): ${describeTarget(path)}`,
  codes: [],
});

const TUNNEL_READ =
  'Cloudflare Tunnel Read (or Cloudflare One Connector: cloudflared Read, or Cloudflare One Connectors Read)';
const ROUTES_READ = 'Cloudflare Tunnel Read (or Cloudflare One Networks Read)';
const WARP_READ = 'Cloudflare One Connector: WARP Read (or Cloudflare One Connectors Read)';

/** Any one of these gives access to the endpoint (API reference, "Accepted Permissions"). */
const PERMISSIONS: Readonly<Record<Endpoint, string>> = {
  tunnels: TUNNEL_READ,
  cfd_tunnel: TUNNEL_READ,
  cfd_tunnel_connections: TUNNEL_READ,
  cfd_tunnel_configurations: TUNNEL_READ,
  cfd_tunnel_connector: TUNNEL_READ,
  warp_connector: WARP_READ,
  warp_connector_connections: WARP_READ,
  warp_connector_configurations: WARP_READ,
  teamnet_routes: ROUTES_READ,
  hostname_routes: ROUTES_READ,
  token_verify: 'the right to verify itself',
  accounts: 'Account Settings Read',
};

const orIsInvalid = (status: number | undefined): string => (status === 401 ? ', or is not valid' : '');

interface Advised extends Refusal {
  readonly codes: readonly number[];
  readonly context: CallContext;
}

function adviceFor(reason: FailureReason, { status, codes, context }: Advised): string {
  const has = (code: number): boolean => codes.includes(code);
  const account = /^\/accounts\/([^/?]*)/.exec(context.path)?.[1];
  switch (reason) {
    case 'auth':
      return 'token is not valid (mistyped, revoked, expired, or not allowed from this address)';
    case 'permission':
      if (has(1001) && account === undefined)
        return `token is owned by an account and cannot list accounts; ${NAME_ACCOUNTS}`;
      if (has(9109) && account !== undefined)
        return 'token may not use this account; check the account id and the account resources of the token';
      return `token lacks ${PERMISSIONS[context.endpoint]}${orIsInvalid(status)}`;
    case 'not_found':
      if (!has(7003) && !has(7000)) return '';
      return account === undefined
        ? 'no such path'
        : `check the account id ${quote(account, context.redact)}`;
    case 'rate_limited':
      return "Cloudflare refuses this token's requests for now, too many were sent";
    case 'server':
      return 'Cloudflare has a problem';
    case 'timeout':
    case 'network':
    case 'malformed':
      return '';
  }
}
