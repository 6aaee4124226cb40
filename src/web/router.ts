import type { IncomingMessage } from 'node:http';
import type { Config } from '../config/config.ts';
import type { Snapshot } from '../core/snapshot.ts';
import type { MetricsPage } from '../exposition/page.ts';
import { createDocumentRoute } from './documentRoute.ts';
import type { WebLog } from './log.ts';
import { createMetricsRoute } from './metricsRoute.ts';
import { textReply } from './reply.ts';
import type { Reply, WebRequest } from './reply.ts';
import { CONTENT_SECURITY_POLICY, renderStatusPage } from './statusPage.ts';
import { renderTunnels } from './tunnelsApi.ts';

export interface Readiness {
  readonly ready: boolean;
  /** Why not, in a few words. */
  readonly reason: string;
}

export interface RouterOptions {
  readonly config: Config['web'];
  readonly page: MetricsPage;
  readonly snapshot: () => Snapshot;
  readonly readiness: () => Readiness;
  readonly clock: () => number;
  readonly log: WebLog;
  readonly version: string;
  readonly lateAfterMs: number;
}

type Route = (request: WebRequest) => Reply | Promise<Reply>;

/** From a request to its answer: by path, then by method. */
export function createRouter(
  options: RouterOptions,
): (request: IncomingMessage, over: AbortSignal) => Promise<Reply> {
  const routes = createRoutes(options);
  const notFound = `Not found. Served here: ${[...routes.keys()].join(' ')}`;
  return async ({ method, url = '', headers }, over) => {
    const { path, query } = parseTarget(url);
    const route = routes.get(path);
    if (route === undefined) return textReply(404, notFound);
    if (method !== 'GET' && method !== 'HEAD')
      return textReply(405, 'Method not allowed; use GET or HEAD.', { Allow: 'GET, HEAD' });
    return route({ headers, query, over });
  };
}

function createRoutes(options: RouterOptions): ReadonlyMap<string, Route> {
  const { config, snapshot, readiness, clock, version, lateAfterMs } = options;
  const { telemetryPath } = config;
  const statusPage = createDocumentRoute({
    contentType: 'text/html; charset=utf-8',
    headers: { 'Content-Security-Policy': CONTENT_SECURITY_POLICY, 'Referrer-Policy': 'no-referrer' },
    limit: config.maxRequests,
    render: () => ({
      ok: true,
      body: renderStatusPage(snapshot(), clock(), {
        version,
        telemetryPath,
        readiness: readiness(),
        lateAfterMs,
      }),
    }),
  });
  const tunnels = createDocumentRoute({
    contentType: 'application/json; charset=utf-8',
    headers: {},
    limit: config.maxRequests,
    render: ({ query }) => renderTunnels(snapshot(), query),
  });
  return new Map<string, Route>([
    ['/', statusPage],
    [telemetryPath, createMetricsRoute({ ...options, maxRequests: config.maxRequests })],
    ['/livez', () => textReply(200, 'ok')],
    ['/readyz', () => readyReply(readiness())],
    ['/api/v1/tunnels', tunnels],
  ]);
}

function readyReply({ ready, reason }: Readiness): Reply {
  return ready ? textReply(200, 'ready') : textReply(503, reason);
}

/** The target as sent, not decoded: nothing in it can be malformed then. Also the absolute form, as proxies send it. */
function parseTarget(url: string): { readonly path: string; readonly query: URLSearchParams } {
  const [path = '', ...query] = url.replace(/^https?:\/\/[^/?]*/i, '').split('?');
  return { path: path === '' ? '/' : path, query: new URLSearchParams(query.join('?')) };
}
