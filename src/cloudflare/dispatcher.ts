import { createSecureContext, getCACertificates, type SecureContext } from 'node:tls';
import { buildConnector, type Dispatcher, Pool, Socks5ProxyAgent } from 'undici';
import type { Config } from '../config/config.ts';
import { connectThrough, toProxy } from './proxy-tunnel.ts';

/** The settings that decide how the API is reached. */
export type ConnectionSettings = Pick<
  Config['cloudflare'],
  'apiUrl' | 'requestTimeoutMs' | 'authorities' | 'proxy'
>;

/** Equal for settings under which the same connections serve. Holds the proxy's password: a secret. */
export const connectionKey = ({ apiUrl, requestTimeoutMs, authorities, proxy }: ConnectionSettings): string =>
  JSON.stringify([apiUrl, requestTimeoutMs, authorities, proxy]);

/** Connections to the API's origin, directly or through a proxy: one for each request in flight, kept alive afterwards. */
export function createDispatcher(settings: ConnectionSettings): Dispatcher {
  const { origin } = new URL(settings.apiUrl);
  const { proxy } = settings;
  // Leaves room for another attempt where an address swallows packets.
  const timeoutMs = Math.ceil(settings.requestTimeoutMs / 2);
  const secureContext = trusting(settings.authorities ?? []);
  const trust = secureContext === undefined ? {} : { secureContext };
  if (proxy?.scheme === 'socks5') {
    return new Socks5ProxyAgent(`socks5://${proxy.hostname}:${proxy.port}`, {
      username: proxy.user,
      password: proxy.password,
      connectTimeout: timeoutMs,
      connect: toProxy(buildConnector({ timeout: timeoutMs })),
      requestTls: trust,
    });
  }
  return new Pool(origin, {
    connect:
      proxy === undefined
        ? { ...trust, timeout: timeoutMs }
        : connectThrough(proxy, { timeoutMs, secureContext }),
    // Longer than a poll interval's pause, shorter than what servers usually keep.
    keepAliveTimeout: 45_000,
    // The caller's signal is the one deadline: undici's own timeouts start anew with every byte.
    headersTimeout: 0,
    bodyTimeout: 0,
    allowH2: false,
    // One request per connection at a time: with HTTP/1.1 pipelining a slow answer would hold up those behind it.
    pipelining: 1,
  });
}

/** Trusts these authorities beside those that node trusts, NODE_EXTRA_CA_CERTS among them; undefined where there are none. */
function trusting(authorities: readonly string[]): SecureContext | undefined {
  if (authorities.length === 0) return undefined;
  return createSecureContext({ ca: [...getCACertificates('default'), ...authorities] });
}
