import { get as httpGet } from '../node-http.ts';
import { get as httpsGet } from 'node:https';
import type { Config, ListenAddress } from '../config/config.ts';

const TIMEOUT_MS = 2_000;

/** Requests the local /livez; resolves to the exit code. */
export async function healthcheck(config: Config): Promise<number> {
  const [address] = config.web.listenAddresses;
  if (address === undefined) return 1;
  const place = `${hostOf(address)}:${address.port}/livez`;
  const answer = await ask(place, { maybeSecure: config.web.configFile !== undefined });
  if (answer.kind === 'alive') return 0;
  process.stderr.write(`${answer.problem}\n`);
  return 1;
}

type Answer = { readonly kind: 'alive' } | { readonly kind: 'plain' | 'ill'; readonly problem: string };

/**
 * The web config file may have changed since the exporter started, so TLS is tried first and plain
 * HTTP then.
 */
async function ask(place: string, { maybeSecure }: { readonly maybeSecure: boolean }): Promise<Answer> {
  if (!maybeSecure) return askPlainly(`http://${place}`);
  const answer = await askSecurely(`https://${place}`);
  return answer.kind === 'plain' ? askPlainly(`http://${place}`) : answer;
}

/** Does not use fetch, which refuses some ports, such as 6000 and 10080. */
function askPlainly(url: string): Promise<Answer> {
  return new Promise((resolve) => {
    httpGet(url, options(), ({ statusCode }) => resolve(judged(url, statusCode))).on('error', (error) =>
      resolve(noAnswer(url, error)),
    );
  });
}

/**
 * The certificate is not verified, because the port is on this machine. A server that requires a
 * client certificate ends the handshake, but only after its own hello, which proves that it is
 * alive.
 */
function askSecurely(url: string): Promise<Answer> {
  return new Promise((resolve) => {
    let heard = false;
    const request = httpsGet(url, { ...options(), rejectUnauthorized: false }, ({ statusCode }) =>
      resolve(judged(url, statusCode)),
    );
    // Keys are logged as soon as the server's hello has arrived.
    request.on('socket', (socket) => socket.once('keylog', () => (heard = true)));
    request.on('error', (error: NodeJS.ErrnoException) => {
      const { code = '', message } = error;
      const isAboutTls = code === 'EPROTO' || code.startsWith('ERR_SSL_');
      const isAlert = isAboutTls && /alert/i.test(`${code} ${message}`);
      if (isAlert || (heard && CLOSED.has(code))) resolve({ kind: 'alive' });
      else resolve({ ...noAnswer(url, error), kind: isAboutTls ? 'plain' : 'ill' });
    });
  });
}

const CLOSED: ReadonlySet<string> = new Set(['ECONNRESET', 'EPIPE']);

function options(): { readonly agent: false; readonly signal: AbortSignal } {
  return { agent: false, signal: AbortSignal.timeout(TIMEOUT_MS) };
}

function judged(url: string, status: number | undefined): Answer {
  return status === 200 ? { kind: 'alive' } : { kind: 'ill', problem: `${url} answered ${status}` };
}

function noAnswer(url: string, error: Error): Exclude<Answer, { kind: 'alive' }> {
  return { kind: 'ill', problem: `${url} does not answer: ${explain(error)}` };
}

function explain(error: Error): string {
  if (error.name === 'AbortError') return `nothing within ${TIMEOUT_MS / 1000} s`;
  return 'code' in error ? String(error.code) : error.message;
}

/** The host to request; loopback for a listener on every interface. */
function hostOf({ host }: ListenAddress): string {
  if (host === undefined || host === '0.0.0.0') return '127.0.0.1';
  if (host === '::') return '[::1]';
  return host.includes(':') ? `[${host}]` : host;
}
