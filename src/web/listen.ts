import type { Server } from 'node:http';
import { Server as TlsServer } from 'node:tls';
import type { ListenAddress } from '../config/config.ts';

/** Resolves once connections are accepted; rejects with one line that names the address and what to do. */
export function listenOn(server: Server, { host, port }: ListenAddress): Promise<void> {
  return new Promise((resolve, reject) => {
    const failed = (error: NodeJS.ErrnoException): void =>
      reject(
        new Error(`Cannot listen on ${hostAndPort(host ?? '', port)}: ${explain(error)}`, { cause: error }),
      );
    server.once('error', failed);
    // Without a host node listens on `::` for both families, and on 0.0.0.0 where the machine has no IPv6.
    server.listen({ port, ...(host === undefined ? {} : { host }) }, () => {
      server.off('error', failed);
      resolve();
    });
  });
}

/** The URL to open; for a server on every interface the one that works on this machine. */
export function urlOf(server: Server, { host }: ListenAddress): string | undefined {
  const address = server.address();
  if (address === null || typeof address === 'string') return undefined;
  const scheme = server instanceof TlsServer ? 'https' : 'http';
  return `${scheme}://${hostAndPort(host === undefined ? 'localhost' : address.address, address.port)}`;
}

function hostAndPort(host: string, port: number): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

function explain(error: NodeJS.ErrnoException): string {
  switch (error.code) {
    case 'EADDRINUSE':
      return 'the address is in use; stop the other process or choose another --web.listen-address';
    case 'EADDRNOTAVAIL':
      return 'this machine has no such address; choose another --web.listen-address';
    case 'EACCES':
      return 'permission denied; choose a port above 1023 with --web.listen-address';
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return 'the host name does not resolve; give an IP address with --web.listen-address';
    case undefined:
    default:
      return error.message;
  }
}
