import { Agent, request } from 'undici';

/** The answer of cloudflared to `/ready`, or why there is none. */
export type Answer =
  | {
      readonly ok: true;
      readonly ready: boolean;
      readonly readyConnections: number;
      /** '' in versions before 2022. */
      readonly connectorId: string;
    }
  /** Follows the URL in messages. */
  | { readonly ok: false; readonly problem: string };

export interface Cloudflared {
  readonly url: string;
  /** Never rejects. */
  readonly readiness: () => Promise<Answer>;
  /** Ends requests in flight. */
  readonly close: () => Promise<void>;
}

const TIMEOUT_MS = 2_000;
/** The answer has a few hundred bytes. */
const MAX_BYTES = 16_384;

/** Every request uses a new connection, as probes do. */
export function createCloudflared(baseUrl: string): Cloudflared {
  const url = `${baseUrl}/ready`;
  const dispatcher = new Agent({ pipelining: 0, connect: { timeout: TIMEOUT_MS } });
  return {
    url,
    readiness: async () => {
      const signal = AbortSignal.timeout(TIMEOUT_MS);
      try {
        const { statusCode, body } = await request(url, { dispatcher, signal });
        return parse(statusCode, await textOf(body));
      } catch (error) {
        return { ok: false, problem: signal.aborted ? TIMED_OUT : `does not answer: ${reasonOf(error)}` };
      }
    },
    close: () => dispatcher.destroy(),
  };
}

const TIMED_OUT = `does not answer within ${TIMEOUT_MS / 1000} s`;

/** Both 200 and 503 (no connections) contain the number of connections. */
function parse(status: number, text: string): Answer {
  const { readyConnections, connectorId } = fieldsOf(text);
  if ((status !== 200 && status !== 503) || !isCount(readyConnections)) {
    return { ok: false, problem: `answered ${status}, but not with cloudflared's readiness` };
  }
  return {
    ok: true,
    ready: status === 200,
    readyConnections,
    connectorId: typeof connectorId === 'string' ? connectorId.slice(0, 100).toWellFormed() : '',
  };
}

function fieldsOf(text: string): Readonly<Record<string, unknown>> {
  try {
    const json: unknown = JSON.parse(text);
    return typeof json === 'object' && json !== null ? { ...json } : {};
  } catch {
    return {};
  }
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}

async function textOf(body: AsyncIterable<Buffer>): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of body) {
    size += chunk.length;
    if (size > MAX_BYTES) return '';
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

const REASONS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'connection refused',
  ENOTFOUND: 'no such host',
  ECONNRESET: 'connection closed',
  UND_ERR_SOCKET: 'connection closed',
};

function reasonOf(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown error';
  return REASONS[code] ?? code;
}
