import { expect, test } from 'vitest';
import type { ProxyConfig } from '../../src/config/config.ts';
import { proxyFor, secretsOfProxy } from '../../src/config/proxy.ts';

type Env = Readonly<Record<string, string>>;

/**
 * Where requests go: `scheme://host:port` of the proxy, or `direct`; the problem if it cannot be
 * used.
 */
function way(target: string, env: Env): string {
  const chosen = proxyFor(target, env);
  if (!chosen.ok) return chosen.problem;
  const proxy = chosen.value;
  return proxy === undefined ? 'direct' : `${proxy.scheme}://${proxy.hostname}:${proxy.port}`;
}

const API = 'https://api.cloudflare.com/client/v4';

// The cases of Go's tests for proxyForURL that apply to HTTP URLs.
test.each<readonly [Env, string, string]>([
  [{ HTTP_PROXY: '127.0.0.1:8080' }, 'http://example.com', 'http://127.0.0.1:8080'],
  [{ HTTP_PROXY: 'cache.corp.example.com:1234' }, 'http://example.com', 'http://cache.corp.example.com:1234'],
  [{ HTTP_PROXY: 'cache.corp.example.com' }, 'http://example.com', 'http://cache.corp.example.com:80'],
  [{ HTTP_PROXY: 'localhost' }, 'http://example.com', 'http://localhost:80'],
  [
    { HTTP_PROXY: 'https://cache.corp.example.com' },
    'http://example.com',
    'https://cache.corp.example.com:443',
  ],
  [{ HTTP_PROXY: 'http://127.0.0.1:8080' }, 'http://example.com', 'http://127.0.0.1:8080'],
  [{ HTTP_PROXY: 'https://127.0.0.1:8080' }, 'http://example.com', 'https://127.0.0.1:8080'],
  [{ HTTP_PROXY: 'socks5://127.0.0.1' }, 'http://example.com', 'socks5://127.0.0.1:1080'],
  [
    { HTTP_PROXY: 'http.proxy.tld', HTTPS_PROXY: 'secure.proxy.tld' },
    'http://insecure.tld/',
    'http://http.proxy.tld:80',
  ],
  [
    { HTTP_PROXY: 'http.proxy.tld', HTTPS_PROXY: 'secure.proxy.tld' },
    'https://secure.tld/',
    'http://secure.proxy.tld:80',
  ],
  [
    { HTTP_PROXY: 'http.proxy.tld', HTTPS_PROXY: 'https://secure.proxy.tld' },
    'https://secure.tld/',
    'https://secure.proxy.tld:443',
  ],
  [{ HTTP_PROXY: 'http.proxy.tld' }, 'https://secure.tld/', 'direct'],
  [{}, 'http://example.com', 'direct'],
  [{ NO_PROXY: 'example.com', HTTP_PROXY: 'proxy' }, 'http://example.com/', 'direct'],
  [{ NO_PROXY: '.example.com', HTTP_PROXY: 'proxy' }, 'http://example.com/', 'http://proxy:80'],
  [{ NO_PROXY: 'ample.com', HTTP_PROXY: 'proxy' }, 'http://example.com/', 'http://proxy:80'],
  [{ NO_PROXY: 'example.com', HTTP_PROXY: 'proxy' }, 'http://foo.example.com/', 'direct'],
  [{ NO_PROXY: '.foo.com', HTTP_PROXY: 'proxy' }, 'http://example.com/', 'http://proxy:80'],
  [{ NO_PROXY: '.示例.com', HTTP_PROXY: 'proxy' }, 'http://www.示例.com', 'direct'],
  [{ NO_PROXY: 'xn--fsq092h.com', HTTP_PROXY: 'proxy' }, 'http://www.示例.com', 'direct'],
  [{ NO_PROXY: '示例.com', HTTP_PROXY: 'proxy' }, 'http://www.xn--fsq092h.com', 'direct'],
])('%j: %s goes %s', (env, target, expected) => {
  expect(way(target, env)).toBe(expected);
});

const NO_PROXY =
  'foobar.com, .barbaz.net, *.wildcard.io, 192.168.1.1, 192.168.1.2:81, 192.168.1.3:80, 10.0.0.0/30, 2001:db8::52:0:1, [2001:db8::52:0:2]:443, [2001:db8::52:0:3]:80, 2002:db8:a::45/64';

// The hosts of Go's tests for NO_PROXY.
const HOSTS: readonly (readonly [string, boolean])[] = [
  ['localhost', false],
  ['127.0.0.1', false],
  ['127.0.0.2', false],
  ['[::1]', false],
  ['[::2]', true],
  ['192.168.1.1', false],
  ['192.168.1.2', true],
  ['192.168.1.3', false],
  ['192.168.1.4', true],
  ['10.0.0.2', false],
  ['[2001:db8::52:0:1]', false],
  ['[2001:db8::52:0:2]', true],
  ['[2001:db8::52:0:3]', false],
  ['[2002:db8:a::123]', false],
  ['[fe80::424b:c8be:1643:a1b6]', true],
  ['barbaz.net', true],
  ['www.barbaz.net', false],
  ['foobar.com', false],
  ['www.foobar.com', false],
  ['foofoobar.com', true],
  ['baz.com', true],
  ['localhost.net', true],
  ['local.localhost', true],
  ['barbarbaz.net', true],
  ['wildcard.io', true],
  ['nested.wildcard.io', false],
  ['awildcard.io', true],
];

test.each(HOSTS)('with a NO_PROXY of every form, %s is asked through the proxy: %s', (host, isProxied) => {
  const env = { HTTP_PROXY: 'proxy', NO_PROXY };
  expect(way(`http://${host}:80`, env)).toBe(isProxied ? 'http://proxy:80' : 'direct');
});

test.each(HOSTS)('NO_PROXY=* exempts %s', (host) => {
  expect(way(`http://${host}:80`, { HTTP_PROXY: 'proxy', NO_PROXY: '*' })).toBe('direct');
});

test.each<readonly [string, Env, string]>([
  // The variable in capitals wins, an empty one is none.
  [API, { HTTPS_PROXY: 'big', https_proxy: 'small' }, 'http://big:80'],
  [API, { HTTPS_PROXY: '', https_proxy: 'small:3128' }, 'http://small:3128'],
  [API, { HTTPS_PROXY: ' ' }, 'direct'],
  [API, { https_proxy: 'small', no_proxy: 'cloudflare.com' }, 'direct'],
  [API, { HTTPS_PROXY: 'big', NO_PROXY: '', no_proxy: 'api.cloudflare.com:443' }, 'direct'],
  [API, { HTTPS_PROXY: 'big', NO_PROXY: 'a.test', no_proxy: 'api.cloudflare.com' }, 'http://big:80'],
  // Go's proxies for anything do not exist.
  [API, { ALL_PROXY: 'big', all_proxy: 'big' }, 'direct'],
  // What NO_PROXY may hold beside the cases above.
  [API, { HTTPS_PROXY: 'big', NO_PROXY: 'API.Cloudflare.com' }, 'direct'],
  [API, { HTTPS_PROXY: 'big', NO_PROXY: 'api.cloudflare.com:80' }, 'http://big:80'],
  [API, { HTTPS_PROXY: 'big', NO_PROXY: 'a.test, *' }, 'direct'],
  [API, { HTTPS_PROXY: 'big', NO_PROXY: '*:443' }, 'http://big:80'],
  [API, { HTTPS_PROXY: 'big', NO_PROXY: ':1, :443, ,/8, 1.2.3.4/99' }, 'http://big:80'],
  ['https://10.1.2.3', { HTTPS_PROXY: 'big', NO_PROXY: '10.0.0.0/8' }, 'direct'],
  ['https://10.1.2.3', { HTTPS_PROXY: 'big', NO_PROXY: '10.0.0.0/16' }, 'http://big:80'],
  ['https://10.1.2.3', { HTTPS_PROXY: 'big', NO_PROXY: '::/0' }, 'http://big:80'],
  ['https://[2001:db8::1]', { HTTPS_PROXY: 'big', NO_PROXY: '0.0.0.0/0' }, 'http://big:80'],
  ['https://[2001:db8::1]', { HTTPS_PROXY: 'big', NO_PROXY: '2001:0db8:0::1' }, 'direct'],
  ['https://0.0.0.0', { HTTPS_PROXY: 'big' }, 'http://big:80'],
  // The forms of the proxy's own address.
  [API, { HTTPS_PROXY: 'user:secret@big:3128' }, 'http://big:3128'],
  [API, { HTTPS_PROXY: 'http://user:secret@big' }, 'http://big:80'],
  [API, { HTTPS_PROXY: 'https://big:8443/' }, 'https://big:8443'],
  [API, { HTTPS_PROXY: 'https://big:443' }, 'https://big:443'],
  [API, { HTTPS_PROXY: 'HTTP://Big.Example' }, 'http://big.example:80'],
  [API, { HTTPS_PROXY: '[2001:db8::1]:3128' }, 'http://[2001:db8::1]:3128'],
  [API, { HTTPS_PROXY: 'socks5h://big' }, 'socks5://big:1080'],
  [API, { HTTPS_PROXY: 'socks5://big:80' }, 'socks5://big:80'],
  ['', { HTTPS_PROXY: 'big' }, 'direct'],
])('%s with %j goes %s', (target, env, expected) => {
  expect(way(target, env)).toBe(expected);
});

test.each<readonly [Env, string]>([
  [
    { HTTPS_PROXY: 'ftp://user:secret@big' },
    'HTTPS_PROXY (environment): a proxy of the scheme ftp cannot be used, only http, https and socks5',
  ],
  [
    { HTTPS_PROXY: 'http://user:secret@' },
    'HTTPS_PROXY (environment): is not the URL of a proxy; use e.g. http://proxy.example.com:3128',
  ],
  [
    { https_proxy: 'user:secret@big:port' },
    'https_proxy (environment): is not the URL of a proxy; use e.g. http://proxy.example.com:3128',
  ],
  [
    { HTTPS_PROXY: 'http://big:99999' },
    'HTTPS_PROXY (environment): is not the URL of a proxy; use e.g. http://proxy.example.com:3128',
  ],
  [
    { HTTPS_PROXY: 'http://user:100%secret@big' },
    'HTTPS_PROXY (environment): holds a "%" in user or password that encodes nothing; write it as %25',
  ],
])('%j is refused without being shown', (env, problem) => {
  expect(way(API, env)).toBe(problem);
  // If the API is exempt, the value does not matter.
  expect(way(API, { ...env, NO_PROXY: 'cloudflare.com' })).toBe('direct');
});

test.each<readonly [string, Pick<ProxyConfig, 'user' | 'password'>, readonly string[]]>([
  ['big', { user: '', password: '' }, []],
  ['user:s%65cret%40@big', { user: 'user', password: 'secret@' }, ['secret@', 'user:secret@']],
  ['a-token@big', { user: 'a-token', password: '' }, ['a-token']],
])('the credentials of %s are used, and secret', (value, credentials, secrets) => {
  const chosen = proxyFor(API, { HTTPS_PROXY: value });
  expect(chosen).toMatchObject({ ok: true, value: credentials });
  expect(chosen.ok && chosen.value !== undefined && secretsOfProxy(chosen.value)).toEqual(secrets);
});
