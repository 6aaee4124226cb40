import { writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { request } from 'node:https';
import type { RequestOptions } from 'node:https';
import { join } from 'node:path';
import type { TLSSocket } from 'node:tls';
import { text } from 'node:stream/consumers';
import { onTestFinished } from 'vitest';
import { openWebConfig } from '../../../src/web/web-config-live.ts';
import type { LiveWebConfig } from '../../../src/web/web-config-live.ts';
import type { WebServer } from '../../../src/web/server.ts';
import { aWebServer } from '../serving.ts';
import type { Logged } from '../serving.ts';
import { aFolder, anAuthority } from './certificates.ts';
import type { Authority, Issued } from './certificates.ts';

export interface WebConfigured {
  readonly server: WebServer;
  readonly url: string;
  readonly folder: string;
  readonly live: LiveWebConfig;
  /** The log lines of the server and of the web configuration. */
  readonly logged: readonly Logged[];
  /** Replaces the file and reads it. */
  readonly rewrite: (yaml: string) => Promise<void>;
}

/** A server with a web configuration that reads its files again only in `rewrite` and `live.refresh`. */
export async function webConfigured(yaml: string, folder = aFolder()): Promise<WebConfigured> {
  const file = join(folder, 'web.yml');
  writeFileSync(file, yaml);
  const ofConfig: Logged[] = [];
  const noted = (details: object, message: string): void => void ofConfig.push({ details, message });
  const opened = await openWebConfig(file, {
    readFile: (path) => readFile(path, 'utf8'),
    log: { info: noted, error: noted },
    intervalMs: 3_600_000,
  });
  if (!opened.ok) throw new Error(opened.problems.join('\n'));
  const { live } = opened;
  onTestFinished(() => live.stop());
  const { server, logged } = aWebServer({ webConfig: live });
  await server.listen();
  return {
    server,
    url: server.addresses()[0] ?? '',
    folder,
    live,
    get logged() {
      return [...ofConfig, ...logged];
    },
    rewrite: async (changed) => {
      writeFileSync(file, changed);
      await live.refresh();
    },
  };
}

export interface Secured extends WebConfigured {
  readonly authority: Authority;
  readonly certificate: Issued;
  /** The file with these lines added to `tls_server_config`. */
  readonly yaml: (lines?: string) => string;
}

function tlsYaml(lines = ''): string {
  return `tls_server_config:\n  cert_file: server.pem\n  key_file: server.key\n${lines.replaceAll(/^/gm, '  ')}\n`;
}

/** A server over TLS with a certificate for 127.0.0.1. The lines are added to `tls_server_config`. */
export async function secured(lines = ''): Promise<Secured> {
  const folder = aFolder();
  const authority = anAuthority(folder);
  const certificate = authority.issue('server', { sans: ['IP:127.0.0.1'] });
  const served = await webConfigured(tlsYaml(lines), folder);
  return {
    ...served,
    get logged() {
      return served.logged;
    },
    authority,
    certificate,
    yaml: tlsYaml,
  };
}

export type Answer =
  | {
      readonly status: number;
      readonly text: string;
      readonly serial: string;
      readonly version: string | null;
    }
  | { readonly failed: string };

/** Sends a request on a new connection. Resolves also if the connection is refused. */
export function askSecurely(url: string, options: RequestOptions = {}): Promise<Answer> {
  return new Promise((resolve) => {
    let [serial, version]: [string, string | null] = ['', null];
    const outgoing = request(url, { agent: false, ...options }, (incoming) => {
      text(incoming).then(
        (body) => resolve({ status: incoming.statusCode ?? 0, text: body, serial, version }),
        (error: unknown) => resolve({ failed: String(error) }),
      );
    });
    outgoing.on('socket', (socket) => {
      socket.once('secureConnect', () => {
        if (!('getPeerX509Certificate' in socket)) return;
        // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- it is the socket of an https request
        const secure = socket as TLSSocket;
        serial = secure.getPeerX509Certificate()?.serialNumber ?? '';
        version = secure.getProtocol();
      });
    });
    outgoing.on('error', (error: NodeJS.ErrnoException) => resolve({ failed: error.code ?? error.message }));
    outgoing.end();
  });
}
