import type { IncomingMessage } from 'node:http';
import type { Config } from '../config/config.ts';
import type { EventHistory } from '../core/events.ts';
import type { Snapshot } from '../core/snapshot.ts';
import type { MetricsPage } from '../exposition/page.ts';
import type { Authenticate } from './basic-auth.ts';
import { createConcurrencyLimit } from './concurrency-limit.ts';
import { createDocumentRoute } from './document-route.ts';
import { renderEvents } from './events-api.ts';
import { createMetricsRoute } from './metrics-route.ts';
import { CONTENT_SECURITY_POLICY } from './page-frame.ts';
import { textReply, type Reply, type WebLog, type WebRequest } from './reply.ts';
import { statusPageParts } from './status-page.ts';
import { parseFilter } from './tunnel-filter.ts';
import { tunnelPageParts } from './tunnel-page.ts';
import { renderTunnels } from './tunnels-api.ts';

export interface Readiness {
  readonly ready: boolean;
  /** Why not, in a few words. */
  readonly reason: string;
}

/** Reads the configuration again. Resolves to its problems, a line each; if there are any, it is not used. */
export type Reload = () => Promise<readonly string[]>;

export interface RouterOptions {
  readonly config: Config['web'];
  readonly page: MetricsPage;
  readonly snapshot: () => Snapshot;
  readonly events: () => EventHistory;
  readonly readiness: () => Readiness;
  /** Milliseconds since the epoch. */
  readonly clock: () => number;
  readonly log: WebLog;
  /** The exporter's own version, for the pages. */
  readonly version: string;
  /** Age from which the status page calls a list of tunnels late; a little over two polls is right. */
  readonly lateAfterMs: () => number;
  /** Whether pages and JSON show the addresses of origins. */
  readonly showsOriginIps: () => boolean;
  /** Whether Cloudflare's edge sees the connector beside the exporter; undefined if there is none. */
  readonly edgeReadiness?: (() => Readiness | undefined) | undefined;
  /** Undefined if reloading over HTTP is not enabled. */
  readonly reload?: Reload | undefined;
  readonly authenticate?: Authenticate | undefined;
}

/** Probes have no password. The answers reveal nothing about the fleet. */
const WITHOUT_PASSWORD: ReadonlySet<string> = new Set(['/livez', '/readyz', '/edge-ready']);

type Answer = (request: WebRequest) => Reply | Promise<Reply>;

interface Route {
  readonly methods: readonly string[];
  readonly answer: Answer;
}

/** Followed by a tunnel's id. */
const TUNNEL_PAGES = '/tunnels/';

/** Answers a request: checks the password, then finds the route by path, then checks the method. */
export function createRouter(
  options: RouterOptions,
): (request: IncomingMessage, ended: AbortSignal) => Promise<Reply> {
  const { authenticate } = options;
  const published = createPublishedRoutes(options);
  const paths = Object.keys(published).map((path) => (path === TUNNEL_PAGES ? `${path}{id}` : path));
  const notFound = `Not found. Served here: ${paths.join(' ')}`;
  const readable = { ...published, '/edge-ready': () => edgeReply(options.edgeReadiness?.()) };
  const routes = new Map<string, Route>(
    Object.entries(readable).map(([path, answer]) => [path, { methods: ['GET', 'HEAD'], answer }]),
  );
  routes.set('/-/reload', { methods: ['POST'], answer: (request) => reloadReply(request, options.reload) });
  return async ({ method = '', url = '', headers }, ended) => {
    const { path, query } = parseTarget(url);
    const refusal = WITHOUT_PASSWORD.has(path)
      ? undefined
      : await authenticate?.(headers.authorization, ended);
    if (refusal) return refusal;
    const route = routes.get(path.startsWith(TUNNEL_PAGES) ? TUNNEL_PAGES : path);
    if (route === undefined) return textReply(404, notFound);
    const { methods, answer } = route;
    if (!methods.includes(method))
      return textReply(405, `Method not allowed; use ${methods.join(' or ')}.`, {
        Allow: methods.join(', '),
      });
    return answer({ headers, path, query, ended });
  };
}

/** Pages and JSON share a limit of their own, so a crowd of readers delays no scrape and no probe. */
const DOCUMENT_LIMIT = { maxRunning: 10, maxWaiting: 200 };
/** Pages show ages; a browser reloads them every 30 seconds. */
const PAGE_MAX_AGE_MS = 5_000;

/** The routes for GET and HEAD that the answer to an unknown path names. */
function createPublishedRoutes(options: RouterOptions): Readonly<Record<string, Answer>> {
  const { config, snapshot, events, readiness, clock, version, lateAfterMs, showsOriginIps } = options;
  const limit = createConcurrencyLimit(DOCUMENT_LIMIT);
  const pageOptions = {
    contentType: 'text/html; charset=utf-8',
    headers: { 'Content-Security-Policy': CONTENT_SECURITY_POLICY, 'Referrer-Policy': 'no-referrer' },
    limit,
    version: snapshot,
    maxAgeMs: PAGE_MAX_AGE_MS,
  };
  const jsonOptions = { contentType: 'application/json; charset=utf-8', headers: {}, limit };
  return {
    '/': createDocumentRoute({
      ...pageOptions,
      render: ({ query }) => {
        const parsed = parseFilter(query);
        if (!parsed.ok) return parsed;
        const parts = statusPageParts(snapshot(), clock(), {
          version,
          telemetryPath: config.telemetryPath,
          readiness: readiness(),
          lateAfterMs: lateAfterMs(),
          events: events(),
          filter: parsed.filter,
        });
        return { ok: true, parts };
      },
    }),
    [config.telemetryPath]: createMetricsRoute({ ...options, maxRequests: config.maxRequests }),
    '/livez': () => textReply(200, 'ok'),
    '/readyz': () => readyReply(readiness()),
    '/api/v1/tunnels': createDocumentRoute({
      ...jsonOptions,
      version: snapshot,
      render: ({ query }) => renderTunnels(snapshot(), query, { showsOriginIps: showsOriginIps() }),
    }),
    '/api/v1/events': createDocumentRoute({
      ...jsonOptions,
      version: events,
      render: ({ query }) => renderEvents(events(), query),
    }),
    [TUNNEL_PAGES]: createDocumentRoute({
      ...pageOptions,
      render: ({ path }) => {
        const parts = tunnelPageParts(snapshot(), decodeSegment(path.slice(TUNNEL_PAGES.length)), {
          version,
          now: clock(),
          events: events().events,
          showsOriginIps: showsOriginIps(),
        });
        const problem = 'Not found: no tunnel with this id is listed, and no remembered event names it.';
        return parts === undefined ? { ok: false, status: 404, problem } : { ok: true, parts };
      },
    }),
  };
}

/** Returns the segment unchanged if its percent-encoding is malformed. */
function decodeSegment(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
}

function readyReply({ ready, reason }: Readiness): Reply {
  return ready ? textReply(200, 'ready') : textReply(503, reason);
}

function edgeReply(readiness: Readiness | undefined): Reply {
  return readiness === undefined
    ? textReply(404, 'Not found: no cloudflared is configured; set --sidecar.cloudflared-url.')
    : readyReply(readiness);
}

/** As in Prometheus: 403 unless enabled, 500 if the configuration has problems. */
async function reloadReply({ headers }: WebRequest, reload: Reload | undefined): Promise<Reply> {
  if (reload === undefined)
    return textReply(
      403,
      'Reloading over HTTP is not enabled; start with --web.enable-lifecycle, or send SIGHUP.',
    );
  if (isCrossSite(headers)) return textReply(403, 'Refused: the request comes from a page of another site.');
  const problems = await reload();
  return problems.length === 0
    ? textReply(200, 'reloaded')
    : textReply(500, ['Not reloaded; the previous settings stay in use:', ...problems].join('\n'));
}

/** Browsers send where a request comes from. curl and other tools send neither header. */
function isCrossSite({ host, origin, 'sec-fetch-site': site }: WebRequest['headers']): boolean {
  if (site !== undefined) return site !== 'same-origin' && site !== 'none';
  return origin !== undefined && URL.parse(origin)?.host !== host;
}

/**
 * Path and query of a request target. Accepts the absolute form that proxies send. The path is not
 * decoded, so no target is malformed.
 */
function parseTarget(url: string): { readonly path: string; readonly query: URLSearchParams } {
  const [path = '', ...query] = url.replace(/^https?:\/\/[^/?]*/i, '').split('?');
  return { path: path === '' ? '/' : path, query: new URLSearchParams(query.join('?')) };
}
