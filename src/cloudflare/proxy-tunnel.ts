import type { RequestOptions } from 'node:http';
import { request as requestOverTls } from 'node:https';
import { request as requestInClear } from '../node-http.ts';
import type { SecureContext } from 'node:tls';
import { buildConnector } from 'undici';
import type { ProxyConfig } from '../config/config.ts';
import { ProxyError } from './proxy-error.ts';

export interface TunnelOptions {
  /** Each for the proxy and for what is behind it. */
  readonly timeoutMs: number;
  /** Whom to trust, the proxy as well as what is behind it. Default: whom node trusts. */
  readonly secureContext: SecureContext | undefined;
}

/** Connects through a proxy that is asked in HTTP or HTTPS: by CONNECT, and then with TLS to the host itself. */
export function connectThrough(
  proxy: ProxyConfig,
  { timeoutMs, secureContext }: TunnelOptions,
): buildConnector.connector {
  const trust = secureContext === undefined ? {} : { secureContext };
  const connectToHost = buildConnector({ allowH2: false, timeout: timeoutMs, ...trust });
  return (options, callback) => {
    const host = options.hostname.includes(':') ? `[${options.hostname}]` : options.hostname;
    const target = `${host}:${options.port === '' ? '443' : options.port}`;
    const asked: RequestOptions & typeof trust = {
      method: 'CONNECT',
      host: proxy.hostname.replace(/^\[(.*)\]$/, '$1'),
      port: proxy.port,
      path: target,
      headers: { host: target, ...authorization(proxy) },
      // The connection is the tunnel afterwards, and no other request's.
      agent: false,
      ...trust,
    };
    const request = proxy.scheme === 'https' ? requestOverTls(asked) : requestInClear(asked);
    const deadline = setTimeout(() => {
      request.destroy(Object.assign(new Error('no answer in time'), { code: 'UND_ERR_CONNECT_TIMEOUT' }));
    }, timeoutMs);
    let isOver = false;
    const fail = (error: ProxyError): void => {
      clearTimeout(deadline);
      if (!isOver) callback(error, null);
      isOver = true;
    };
    request.on('error', (cause) => fail(new ProxyError({ cause })));
    request.once('connect', ({ statusCode = 0 }, socket) => {
      if (statusCode < 200 || statusCode > 299) {
        socket.destroy();
        fail(new ProxyError({ status: statusCode }));
        return;
      }
      clearTimeout(deadline);
      isOver = true;
      connectToHost({ ...options, httpSocket: socket }, callback);
    });
    request.end();
  };
}

function authorization({ user, password }: ProxyConfig): Readonly<Record<string, string>> {
  if (user === '' && password === '') return {};
  return { 'proxy-authorization': `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}` };
}

/** What keeps this connector from connecting is the proxy's. */
export const toProxy =
  (connect: buildConnector.connector): buildConnector.connector =>
  (options, callback) =>
    connect(options, (cause, socket) => {
      if (cause === null) callback(null, socket);
      else callback(new ProxyError({ cause }), null);
    });
