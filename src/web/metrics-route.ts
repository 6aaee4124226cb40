import type { MetricsPage } from '../exposition/page.ts';
import { createConcurrencyLimit } from './concurrency-limit.ts';
import { negotiateFormat, negotiateGzip } from './negotiate.ts';
import { textReply, type Reply, type WebLog, type WebRequest } from './reply.ts';

export interface MetricsRouteOptions {
  readonly page: MetricsPage;
  readonly maxRequests: number;
  readonly log: WebLog;
}

/** Answers a scrape in the negotiated format and encoding; 503 if `maxRequests` others are in flight. */
export function createMetricsRoute(options: MetricsRouteOptions): (request: WebRequest) => Promise<Reply> {
  const { page, maxRequests, log } = options;
  const limit = createConcurrencyLimit({ maxRunning: maxRequests, maxWaiting: 0 });
  return async ({ headers, query, ended }) => {
    if (!(await limit.acquire(ended)))
      return textReply(503, `Too many scrapes in flight; --web.max-requests allows ${maxRequests}.`, {
        'Retry-After': '1',
      });
    const gzip = negotiateGzip(headers['accept-encoding']?.toString());
    const names = query.getAll('name[]').filter((name) => name !== '');
    try {
      const { contentType, length, chunks } = await page.body({
        format: negotiateFormat(headers.accept),
        gzip,
        names: names.length === 0 ? undefined : new Set(names),
        overlaps: limit.running() > 1,
      });
      return {
        status: 200,
        headers: {
          'Content-Type': contentType,
          Vary: 'Accept, Accept-Encoding',
          ...(gzip ? { 'Content-Encoding': 'gzip' } : {}),
        },
        chunks,
        length,
      };
    } catch (error) {
      log.error({ err: error }, 'Cannot render the metrics page');
      return textReply(500, 'Cannot render the metrics page; the log of the exporter says why.');
    }
  };
}
