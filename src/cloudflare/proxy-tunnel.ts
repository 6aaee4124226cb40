import type { RequestOptions } from 'node:http';
import { request as requestOverTls } from 'node:https';
import { request as requestInClear } from '../node-http.ts';
import type { SecureContext } from 'node:tls';
import { buildConnector } from 'undici';
import type { ProxyConfig } from '../config/config.ts';

/** A connection failed at the proxy, before anything reached the API. */
export class ProxyError extends Error {
  /** The proxy's answer to CONNECT; undefined if there was none. */
  readonly status: number | undefined;

  constructor({ status, cause }: { readonly status?: number; readonly cause?: unknown }) {
    super('no connection through the proxy', { cause });
    this.name = 'ProxyError';
    this.status = status;
  }
}

export interface TunnelOptions {
  /** Applies to the proxy and to the host behind it, separately. */
  readonly timeoutMs: number;
  /** Trusted authorities, for the proxy and for the host behind it. Default: Node's. */
  readonly secureContext: SecureContext | undefined;
}

/** Connects through an HTTP or HTTPS proxy: CONNECT to the proxy, then TLS with the host. */
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
      // The connection becomes the tunnel, so no other request may use it.
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

/** Marks every error of this connector as the proxy's. */
export const toProxy =
  (connect: buildConnector.connector): buildConnector.connector =>
  (options, callback) =>
    connect(options, (cause, socket) => {
      if (cause === null) callback(null, socket);
      else callback(new ProxyError({ cause }), null);
    });
