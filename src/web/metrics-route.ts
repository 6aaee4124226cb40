import type { MetricsPage } from '../exposition/page.ts';
import { createGate } from './gate.ts';
import type { WebLog } from './log.ts';
import { negotiateFormat, negotiateGzip } from './negotiate.ts';
import { textReply } from './reply.ts';
import type { Reply, WebRequest } from './reply.ts';

export interface MetricsRouteOptions {
  readonly page: MetricsPage;
  readonly maxRequests: number;
  readonly log: WebLog;
}

/** Answers a scrape: the page in the format and encoding asked for, or 503 while too many others are being answered. */
export function createMetricsRoute({
  page,
  maxRequests,
  log,
}: MetricsRouteOptions): (request: WebRequest) => Promise<Reply> {
  const gate = createGate(maxRequests);
  return async ({ headers, query, over }) => {
    if (!gate.enter(over))
      return textReply(503, `Too many scrapes in flight; --web.max-requests allows ${maxRequests}.`, {
        'Retry-After': '1',
      });
    const gzip = negotiateGzip(headers['accept-encoding']?.toString());
    try {
      const { contentType, length, chunks } = await page.body({
        format: negotiateFormat(headers.accept),
        gzip,
        names: namesOf(query),
        overlaps: gate.inside() > 1,
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

function namesOf(query: URLSearchParams): ReadonlySet<string> | undefined {
  const names = query.getAll('name[]').filter((name) => name !== '');
  return names.length === 0 ? undefined : new Set(names);
}
