/** The two formats that Prometheus negotiates: text 0.0.4 and OpenMetrics 1.0.0. */
export type PageFormat = 'text' | 'openmetrics';

export interface PageRequest {
  readonly format: PageFormat;
  readonly gzip: boolean;
  /** Only these metric names (`name[]=`), where given. */
  readonly names: ReadonlySet<string> | undefined;
  /** Whether others are being answered at the same time; then what was collected for them a moment ago will do. */
  readonly overlaps?: boolean;
}

export interface PageBody {
  readonly contentType: string;
  /** In bytes. */
  readonly length: number;
  readonly chunks: PageChunks;
}

/**
 * Ready to send one after the other, or made in batches as fast as the client takes them. One gzip member in all if gzip
 * was asked for.
 */
export type PageChunks = readonly Uint8Array[] | AsyncIterable<readonly Uint8Array[]>;

/** Each chunk of a body, in their order. */
export async function* chunksOf({ chunks }: Pick<PageBody, 'chunks'>): AsyncGenerator<Uint8Array> {
  for await (const chunk of chunks) {
    if (chunk instanceof Uint8Array) yield chunk;
    else yield* chunk;
  }
}

/** What the web server serves at the telemetry path. Never waits for Cloudflare. */
export interface MetricsPage {
  readonly body: (request: PageRequest) => Promise<PageBody>;
}
