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
  /** Ready to send one after the other; one gzip member in all where gzip was asked for. */
  readonly chunks: readonly Uint8Array[];
}

/** What the web server serves at the telemetry path. Never waits for Cloudflare. */
export interface MetricsPage {
  readonly body: (request: PageRequest) => Promise<PageBody>;
}
