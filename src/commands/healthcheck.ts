import { get } from 'node:http';
import type { Config, ListenAddress } from '../config/config.ts';

const TIMEOUT_MS = 2_000;

/** Asks the local /livez; resolves to the exit code. */
export async function healthcheck(config: Config): Promise<number> {
  const [address] = config.web.listenAddresses;
  if (address === undefined) return 1;
  const url = `http://${hostOf(address)}:${address.port}/livez`;
  try {
    const status = await statusOf(url);
    if (status === 200) return 0;
    process.stderr.write(`${url} answered ${status}\n`);
  } catch (error) {
    process.stderr.write(`${url} does not answer: ${explain(error)}\n`);
  }
  return 1;
}

/** Not by fetch, which refuses some ports, such as 6000 and 10080. */
function statusOf(url: string): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const options = { agent: false, signal: AbortSignal.timeout(TIMEOUT_MS) };
    get(url, options, ({ statusCode }) => resolve(statusCode)).on('error', reject);
  });
}

function explain(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error.name === 'AbortError') return `nothing within ${TIMEOUT_MS / 1000} s`;
  return 'code' in error ? String(error.code) : error.message;
}

/** Where a listener on every interface can be reached from here. */
function hostOf({ host }: ListenAddress): string {
  if (host === undefined || host === '0.0.0.0') return '127.0.0.1';
  if (host === '::') return '[::1]';
  return host.includes(':') ? `[${host}]` : host;
}
