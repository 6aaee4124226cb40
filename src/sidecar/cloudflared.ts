import { Agent, request } from 'undici';

/** What cloudflared answered to `/ready`, or why nothing can be made of it. */
export type Answer =
  | {
      readonly ok: true;
      readonly ready: boolean;
      readonly readyConnections: number;
      /** '' where it does not tell, as versions before 2022 do. */
      readonly connectorId: string;
    }
  /** In a few words, to follow the URL. */
  | { readonly ok: false; readonly problem: string };

export interface Cloudflared {
  /** Where it is asked. */
  readonly url: string;
  /** Never rejects. */
  readonly readiness: () => Promise<Answer>;
  /** Ends what is in flight. */
  readonly close: () => Promise<void>;
}

const TIMEOUT_MS = 2_000;
/** The answer has some hundred bytes. */
const MOST_BYTES = 16_384;

/** The cloudflared whose metrics server is at this URL. Asked over a new connection each time, as probes are. */
export function createCloudflared(baseUrl: string): Cloudflared {
  const url = `${baseUrl}/ready`;
  const dispatcher = new Agent({ pipelining: 0, connect: { timeout: TIMEOUT_MS } });
  return {
    url,
    readiness: async () => {
      const signal = AbortSignal.timeout(TIMEOUT_MS);
      try {
        const { statusCode, body } = await request(url, { dispatcher, signal });
        return judge(statusCode, await textOf(body));
      } catch (error) {
        return { ok: false, problem: signal.aborted ? TOO_LATE : `does not answer: ${codeOf(error)}` };
      }
    },
    close: () => dispatcher.destroy(),
  };
}

const TOO_LATE = `does not answer within ${TIMEOUT_MS / 1000} s`;

/** Both 200 and 503, which it answers without connections, tell how many there are. */
function judge(status: number, text: string): Answer {
  const { readyConnections, connectorId } = fieldsOf(text);
  if ((status !== 200 && status !== 503) || !isCount(readyConnections)) {
    return { ok: false, problem: `answered ${status} and something else than cloudflared's readiness` };
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
    if (size > MOST_BYTES) return '';
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

function codeOf(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown error';
  return REASONS[code] ?? code;
}
