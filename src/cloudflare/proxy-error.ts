import type { ProxyConfig } from '../config/config.ts';

/** Whatever keeps a connection from being made that the proxy, and not the API, is to blame for. */
export class ProxyError extends Error {
  /** What the proxy answered to CONNECT; undefined where it gave no answer. */
  readonly status: number | undefined;

  constructor({ status, cause }: { readonly status?: number; readonly cause?: unknown }) {
    super('no connection through the proxy', { cause });
    this.name = 'ProxyError';
    this.status = status;
  }
}

/** Host and port, for messages. */
export const shownProxy = ({ hostname, port }: Pick<ProxyConfig, 'hostname' | 'port'>): string =>
  `${hostname}:${port}`;

/** With the variable that names it, for messages about what to change. */
export const theProxy = (proxy: ProxyConfig): string => `the proxy ${shownProxy(proxy)} (${proxy.variable})`;
