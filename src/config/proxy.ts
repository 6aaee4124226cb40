import { BlockList, isIP } from 'node:net';
import { domainToASCII } from 'node:url';
import type { ProxyConfig } from './config.ts';
import type { Environment } from './environment.ts';
import type { Parsed } from './kinds.ts';
import type { Report } from './resolve.ts';

/** Returns the proxy for the API, if there is one; reports its problems and secrets. */
export function proxyOf(apiUrl: string, env: Environment, report: Report): ProxyConfig | undefined {
  const proxy = proxyFor(apiUrl, env);
  if (!proxy.ok) report.problem(proxy.problem);
  else if (proxy.value !== undefined) secretsOfProxy(proxy.value).forEach(report.secret);
  return proxy.ok ? proxy.value : undefined;
}

/**
 * Returns the proxy for requests to a URL, chosen as Go programs choose it
 * (golang.org/x/net/http/httpproxy): HTTPS_PROXY for https, HTTP_PROXY for http alone, and none for
 * what NO_PROXY exempts. The variable in capitals wins, and an empty one counts as unset. Problems
 * never show the value, which can hold a password.
 */
export function proxyFor(target: string, env: Environment): Parsed<ProxyConfig | undefined> {
  const url = URL.parse(target);
  if (url === null) return { ok: true, value: undefined };
  const proxy = variable(env, url.protocol === 'https:' ? 'HTTPS_PROXY' : 'HTTP_PROXY');
  if (proxy === undefined || isExempt(url, variable(env, 'NO_PROXY')?.value ?? ''))
    return { ok: true, value: undefined };
  const parsed = parseProxy(proxy.value);
  if (!parsed.ok) return { ok: false, problem: `${proxy.name} (environment): ${parsed.problem}` };
  return { ok: true, value: { ...parsed.value, variable: proxy.name } };
}

function variable(
  env: Environment,
  name: string,
): { readonly name: string; readonly value: string } | undefined {
  for (const each of [name, name.toLowerCase()]) {
    const value = env[each]?.trim() ?? '';
    if (value !== '') return { name: each, value };
  }
  return undefined;
}

const DEFAULT_PORTS: Readonly<Record<ProxyConfig['scheme'], number>> = {
  http: 80,
  https: 443,
  socks5: 1080,
};

const EXAMPLE = 'use e.g. http://proxy.example.com:3128';

/** Parses a URL, or host and port alone for a proxy that speaks plain HTTP. */
function parseProxy(text: string): Parsed<Omit<ProxyConfig, 'variable'>> {
  const [, given = 'http', rest = text] = /^([a-z][a-z0-9+.-]*):\/\/(.*)$/i.exec(text) ?? [];
  const scheme = SCHEMES.get(given.toLowerCase());
  if (scheme === undefined)
    return {
      ok: false,
      problem: `a proxy of the scheme ${given} cannot be used, only http, https and socks5`,
    };
  const url = URL.parse(`${scheme}://${rest}`);
  if (url === null || url.hostname === '' || /\s/.test(rest))
    return { ok: false, problem: `is not the URL of a proxy; ${EXAMPLE}` };
  const port = url.port === '' ? DEFAULT_PORTS[scheme] : Number(url.port);
  const user = decoded(url.username);
  const password = decoded(url.password);
  if (user === undefined || password === undefined)
    return { ok: false, problem: 'holds a "%" in user or password that encodes nothing; write it as %25' };
  return { ok: true, value: { scheme, hostname: url.hostname, port, user, password } };
}

const SCHEMES: ReadonlyMap<string, ProxyConfig['scheme']> = new Map([
  ['http', 'http'],
  ['https', 'https'],
  ['socks5', 'socks5'],
  // The proxy resolves names for both.
  ['socks5h', 'socks5'],
]);

function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}

/** Returns what no log may show of the proxy's URL. */
export function secretsOfProxy({ user, password }: ProxyConfig): readonly string[] {
  if (user === '' && password === '') return [];
  // Some services give a token as the user, without a password.
  return password === '' ? [user] : [password, `${user}:${password}`];
}

/** Whether NO_PROXY exempts the target. Requests to this machine never go through a proxy. */
function isExempt(target: URL, noProxy: string): boolean {
  const host = target.hostname.replace(/^\[(.*)\]$/, '$1');
  const port = target.port === '' ? (target.protocol === 'https:' ? '443' : '80') : target.port;
  if (host === 'localhost' || LOOPBACK.check(host, familyOf(host))) return true;
  const entries = noProxy.split(',').map((entry) => entry.trim().toLowerCase());
  return entries.includes('*') || entries.some((entry) => matches(entry, { host, port }));
}

const LOOPBACK = new BlockList();
LOOPBACK.addSubnet('127.0.0.0', 8);
LOOPBACK.addAddress('::1', 'ipv6');

const familyOf = (host: string): 'ipv4' | 'ipv6' => (isIP(host) === 6 ? 'ipv6' : 'ipv4');

/**
 * Addresses match as addresses or networks. `example.com` matches itself and all names below it,
 * `.example.com` and `*.example.com` only those below it.
 */
function matches(entry: string, target: { readonly host: string; readonly port: string }): boolean {
  const [, network = '', bits = ''] = /^([^/]+)\/(\d+)$/.exec(entry) ?? [];
  if (isIP(network) !== 0) return isIn(target.host, { network, bits: Number(bits) });
  const { host, port } = splitPort(entry);
  if (host === '' || (port !== '' && port !== target.port)) return false;
  if (isIP(host) !== 0) return isIn(target.host, { network: host, bits: isIP(host) === 6 ? 128 : 32 });
  const name = host.replace(/^\*\./, '.');
  const suffix = domainToASCII(name.replace(/^\./, '')) || name.replace(/^\./, '');
  return target.host.endsWith(`.${suffix}`) || (!name.startsWith('.') && target.host === suffix);
}

/** `host`, `host:port` or `[address]:port`; an IPv6 address stands alone without brackets. */
function splitPort(entry: string): { readonly host: string; readonly port: string } {
  const [, bracketed, plain, port = ''] = /^(?:\[(.*)\]|([^:]*)):(\d*)$/.exec(entry) ?? [];
  return { host: bracketed ?? plain ?? entry, port };
}

function isIn(host: string, { network, bits }: { readonly network: string; readonly bits: number }): boolean {
  const family = familyOf(network);
  if (isIP(host) === 0 || bits > (family === 'ipv6' ? 128 : 32)) return false;
  if (family === 'ipv6' && isIP(host) === 4) return false;
  const list = new BlockList();
  list.addSubnet(network, bits, family);
  return list.check(host, familyOf(host));
}

/** Host and port, for messages. */
export const shownProxy = ({ hostname, port }: Pick<ProxyConfig, 'hostname' | 'port'>): string =>
  `${hostname}:${port}`;

/** The proxy and the variable that sets it, for messages. */
export const theProxy = (proxy: ProxyConfig): string => `the proxy ${shownProxy(proxy)} (${proxy.variable})`;
