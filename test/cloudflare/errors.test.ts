import { expect, test } from 'vitest';
import type { Endpoint } from '../../src/cloudflare/endpoints.ts';
import { broken } from '../../src/cloudflare/breaks.ts';
import { describeTarget, quote, reasonFor, refused, type CallContext } from '../../src/cloudflare/errors.ts';
import type { FailureReason } from '../../src/core/model.ts';
import { ACCOUNT } from './support.ts';

const context = (endpoint: Endpoint, path: string): CallContext => ({
  endpoint,
  path,
  host: 'api.example',
  redact: (text) => text.replaceAll('s3cret', '[token]'),
});
const NOW = Date.UTC(2026, 8, 29);
const LIST = context('cfd_tunnel', `/accounts/${ACCOUNT}/cfd_tunnel?page=1`);

/** status, code, message, endpoint, reason */
type Row = readonly [number, number | undefined, string, Endpoint, FailureReason];
const rows: readonly Row[] = [
  // the table of the API's errors
  [404, 1002, 'Tunnel not found', 'cfd_tunnel_connections', 'not_found'],
  [404, 1055, 'Configuration for tunnel not found', 'cfd_tunnel_configurations', 'not_found'],
  [403, 10000, 'Authentication error', 'warp_connector', 'permission'],
  [401, 10000, 'Authentication error', 'warp_connector', 'permission'],
  [403, 9109, 'Unauthorized to access requested resource', 'cfd_tunnel', 'permission'],
  [403, 9109, 'Invalid access token', 'cfd_tunnel', 'auth'],
  [403, 9109, 'Cannot use the access token from location: 192.0.2.1', 'cfd_tunnel', 'auth'],
  [400, 6003, 'Invalid request headers', 'cfd_tunnel', 'auth'],
  [400, 6111, 'Invalid format for Authorization header', 'cfd_tunnel', 'auth'],
  [400, 9106, 'Missing X-Auth-Key, X-Auth-Email or Authorization headers', 'cfd_tunnel', 'auth'],
  [404, 7003, 'Could not route to /accounts/x/cfd_tunnel', 'cfd_tunnel', 'not_found'],
  [400, 7003, 'Could not route to /accounts/x/cfd_tunnel', 'cfd_tunnel', 'not_found'],
  [404, 7000, 'No route for that URI', 'cfd_tunnel', 'not_found'],
  [500, 10001, 'internal error', 'cfd_tunnel', 'server'],
  [400, 10001, 'internal error', 'cfd_tunnel', 'server'],
  [200, 1000, 'internal error', 'cfd_tunnel', 'server'],
  [429, 971, 'Please wait and consider throttling your request speed', 'cfd_tunnel', 'rate_limited'],
  [429, 10100, '', 'cfd_tunnel', 'rate_limited'],
  [429, undefined, '', 'cfd_tunnel', 'rate_limited'],
  [200, 971, '', 'cfd_tunnel', 'rate_limited'],
  [503, 971, '', 'cfd_tunnel', 'rate_limited'],
  [403, 10100, '', 'cfd_tunnel', 'rate_limited'],
  // verifying
  [401, 1000, 'Invalid API Token', 'token_verify', 'auth'],
  [401, 10000, 'Authentication error', 'token_verify', 'auth'],
  [403, undefined, '', 'token_verify', 'auth'],
  [401, 1000, 'Invalid API Token', 'cfd_tunnel', 'auth'],
  // listing accounts
  [400, 1001, 'List accounts endpoint does not support account owned tokens.', 'accounts', 'permission'],
  // by status alone
  [401, undefined, '', 'cfd_tunnel', 'auth'],
  [403, 12345, '', 'cfd_tunnel', 'permission'],
  [404, undefined, '', 'cfd_tunnel', 'not_found'],
  [408, undefined, '', 'cfd_tunnel', 'timeout'],
  [500, undefined, '', 'cfd_tunnel', 'server'],
  [530, 1016, '', 'cfd_tunnel', 'server'],
  [400, 12345, '', 'cfd_tunnel', 'malformed'],
  [200, 12345, 'new error', 'cfd_tunnel', 'server'],
  [200, undefined, '', 'cfd_tunnel', 'server'],
];

test.for(rows)('%d with code %s "%s" of %s is %s', ([status, code, message, endpoint, reason]) => {
  const errors = code === undefined ? [] : [{ codes: [code], message }];
  expect(reasonFor({ status, errors }, endpoint)).toBe(reason);
});

test("a missing permission is named, with the API's message", () => {
  const refusal = { status: 403, errors: [{ codes: [10000], message: 'Authentication error' }] };
  expect(
    refused(refusal, context('warp_connector', `/accounts/${ACCOUNT}/warp_connector?page=1`)).message,
  ).toBe(
    'token lacks Cloudflare One Connector: WARP Read (or Cloudflare One Connectors Read): ' +
      'GET /accounts/…/warp_connector answered 403, code 10000 "Authentication error"',
  );
  expect(refused(refusal, LIST).message).toMatch(/^token lacks Cloudflare Tunnel Read \(or /);
  expect(refused({ ...refusal, status: 401 }, LIST).message).toContain(', or is not valid');
});

test('the advice for an unroutable account id is to check it', () => {
  const refusal = { status: 404, errors: [{ codes: [7003], message: 'Could not route' }] };
  expect(refused(refusal, context('cfd_tunnel', '/accounts/my-account/cfd_tunnel')).message).toMatch(
    /^check the account id "my-account": GET /,
  );
});

test("the advice for an account that is not the token's is to check it", () => {
  const refusal = {
    status: 403,
    errors: [{ codes: [9109], message: 'Unauthorized to access requested resource' }],
  };
  expect(refused(refusal, LIST).message).toContain(
    'check the account id and the account resources of the token',
  );
});

test("the API's message is quoted on one line, bounded, and without the token", () => {
  const message = `s3cret\u001B[31m\r\nbad\u2028\u202E ${'x'.repeat(10_000)}`;
  const failure = refused({ status: 500, errors: [{ codes: [1], message }] }, LIST);
  expect(failure.message).toContain('"[token] [31m bad  xxx');
  expect(failure.message.length).toBeLessThan(400);
  expect(quote('🚇'.repeat(500), String).isWellFormed()).toBe(true);
});

test('a token is redacted before the quote is cut', () => {
  const failure = refused(
    { status: 500, errors: [{ codes: [1], message: `${'x'.repeat(197)}s3cret` }] },
    LIST,
  );
  expect(failure.message).not.toContain('s3c');
});

test('a target has no account, no query, and bounded ids', () => {
  expect(describeTarget(`/accounts/${ACCOUNT}/cfd_tunnel/t1/connections?x=1`)).toBe(
    'GET /accounts/…/cfd_tunnel/t1/connections',
  );
  expect(describeTarget('/user/tokens/verify')).toBe('GET /user/tokens/verify');
  expect(describeTarget(`/accounts/a/${'x'.repeat(10_000)}`).length).toBeLessThan(300);
});

const withCode = (code: string): Error => Object.assign(new Error('s3cret details'), { code });

test.for([
  ['ECONNREFUSED', 'network', 'other', /cannot reach api\.example \(ECONNREFUSED\)/],
  ['ENOTFOUND', 'network', 'other', /cannot resolve api\.example .*check DNS/],
  ['EAI_AGAIN', 'network', 'other', /cannot resolve/],
  ['ECONNRESET', 'network', 'reset', /broke off \(ECONNRESET\)/],
  ['EPIPE', 'network', 'reset', /broke off/],
  ['UND_ERR_SOCKET', 'network', 'reset', /broke off/],
  ['UND_ERR_CONNECT_TIMEOUT', 'timeout', 'connect_timeout', /no connection to api\.example in time/],
  ['ETIMEDOUT', 'timeout', 'connect_timeout', /no connection/],
  ['DEPTH_ZERO_SELF_SIGNED_CERT', 'network', 'other', /TLS with api\.example failed .*--cloudflare\.ca-file/],
  ['UNABLE_TO_VERIFY_LEAF_SIGNATURE', 'network', 'other', /TLS/],
  ['ERR_TLS_CERT_ALTNAME_INVALID', 'network', 'other', /TLS/],
  ['ERR_SSL_WRONG_VERSION_NUMBER', 'network', 'other', /TLS/],
  ['CERT_HAS_EXPIRED', 'network', 'other', /has expired .*clock says 2026-09-29T00:00:00Z; set it/],
  ['CERT_NOT_YET_VALID', 'network', 'other', /is not yet valid .*clock says 2026-09-29T00:00:00Z; set it/],
  ['HPE_INVALID_CONSTANT', 'malformed', 'other', /does not answer in HTTP/],
  ['HTTPParserError', 'malformed', 'other', /does not answer in HTTP/],
  ['Z_DATA_ERROR', 'malformed', 'other', /not the gzip/],
  ['EHOSTUNREACH', 'network', 'other', /cannot reach/],
] as const)('%s is %s', ([code, reason, end, message]) => {
  const failure = broken(withCode(code), LIST, NOW);
  expect(failure).toMatchObject({ reason, end });
  expect(failure.message).toMatch(message);
  expect(failure.message).not.toContain('details');
});

test('the code may be that of a cause or of the first of several errors', () => {
  expect(broken(new TypeError('fetch failed', { cause: withCode('ECONNRESET') }), LIST, NOW).end).toBe(
    'reset',
  );
  expect(broken(new AggregateError([withCode('ECONNREFUSED')]), LIST, NOW).message).toContain('ECONNREFUSED');
  expect(broken('nonsense', LIST, NOW)).toMatchObject({ reason: 'network', end: 'other' });
});
