/** The two formats that Prometheus negotiates: text 0.0.4 and OpenMetrics 1.0.0. */
export type PageFormat = 'text' | 'openmetrics';

export interface PageRequest {
  readonly format: PageFormat;
  readonly gzip: boolean;
  /** Only these metric names (`name[]=`), or all if `undefined`. */
  readonly names: ReadonlySet<string> | undefined;
  /** Whether other scrapes are in progress. Then the self-metrics may be up to a second old. */
  readonly overlaps?: boolean;
}

export interface PageBody {
  readonly contentType: string;
  /** In bytes. */
  readonly length: number;
  readonly chunks: PageChunks;
}

/**
 * Buffers to send one after the other, or batches of them, made as fast as the client reads. Together they are one gzip
 * member if the request accepts gzip.
 */
export type PageChunks = readonly Uint8Array[] | AsyncIterable<readonly Uint8Array[]>;

/** Yields the chunks of a body in order. */
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
