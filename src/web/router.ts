import type { IncomingMessage } from 'node:http';
import type { Config } from '../config/config.ts';
import type { EventHistory } from '../core/events.ts';
import type { Snapshot } from '../core/snapshot.ts';
import type { MetricsPage } from '../exposition/page.ts';
import type { Authenticate } from './basic-auth.ts';
import { createDocumentRoute } from './document-route.ts';
import { renderEvents } from './events-api.ts';
import { createLimiter } from './limiter.ts';
import type { WebLog } from './log.ts';
import { createMetricsRoute } from './metrics-route.ts';
import { createReloadRoute } from './reload-route.ts';
import type { Reload } from './reload-route.ts';
import { textReply } from './reply.ts';
import type { Reply, WebRequest } from './reply.ts';
import { CONTENT_SECURITY_POLICY } from './page-frame.ts';
import { statusPageParts } from './status-page.ts';
import { parseFilter } from './tunnel-filter.ts';
import { tunnelPage } from './tunnel-page.ts';
import { renderTunnels } from './tunnels-api.ts';

export interface Readiness {
  readonly ready: boolean;
  /** Why not, in a few words. */
  readonly reason: string;
}

export interface RouterOptions {
  readonly config: Config['web'];
  readonly page: MetricsPage;
  readonly snapshot: () => Snapshot;
  readonly events: () => EventHistory;
  readonly readiness: () => Readiness;
  readonly clock: () => number;
  readonly log: WebLog;
  readonly version: string;
  readonly lateAfterMs: () => number;
  /** Whether addresses of origins are shown at all. */
  readonly showsOriginIps: () => boolean;
  /** Whether Cloudflare's edge sees the connector beside us; `undefined` where there is none. */
  readonly edgeReadiness?: (() => Readiness | undefined) | undefined;
  /** Left out where reloading over HTTP is not enabled. */
  readonly reload?: Reload | undefined;
  readonly authenticate?: Authenticate | undefined;
}

/** What probes ask, who have no password; it tells nothing of the fleet. */
const WITHOUT_PASSWORD: ReadonlySet<string> = new Set(['/livez', '/readyz', '/edge-ready']);

interface Route {
  readonly methods: readonly string[];
  readonly answer: (request: WebRequest) => Reply | Promise<Reply>;
}

const READ = ['GET', 'HEAD'];

/** From a request to its answer: by password where one is needed, then by path, then by method. */
export function createRouter(
  options: RouterOptions,
): (request: IncomingMessage, over: AbortSignal) => Promise<Reply> {
  const { authenticate } = options;
  const documents = createDocuments(options);
  const paths = [...documents.keys()].map((path) => (path === TUNNEL_PAGES ? `${path}{id}` : path));
  const notFound = `Not found. Served here: ${paths.join(' ')}`;
  const routes = new Map<string, Route>([
    ...[...documents].map(([path, answer]): [string, Route] => [path, { methods: READ, answer }]),
    ['/edge-ready', { methods: READ, answer: () => edgeReply(options.edgeReadiness?.()) }],
    ['/-/reload', { methods: ['POST'], answer: createReloadRoute(options.reload) }],
  ]);
  return async ({ method, url = '', headers }, over) => {
    const { path, query } = parseTarget(url);
    const refusal = WITHOUT_PASSWORD.has(path)
      ? undefined
      : await authenticate?.(headers.authorization, over);
    if (refusal) return refusal;
    const route = routes.get(path.startsWith(TUNNEL_PAGES) ? TUNNEL_PAGES : path);
    if (route === undefined) return textReply(404, notFound);
    const { methods, answer } = route;
    if (!methods.includes(method ?? ''))
      return textReply(405, `Method not allowed; use ${methods.join(' or ')}.`, {
        Allow: methods.join(', '),
      });
    return answer({ headers, path, query, over });
  };
}

/** Documents are for people: a few at once, and a crowd that waits for its turn. They take nothing away from scrapes and probes. */
const DOCUMENTS = { atOnce: 10, waiting: 200 };
/** The status page shows ages, and is renewed by the browser every 30 seconds. */
const MAX_AGE_MS = 5_000;

/** Followed by a tunnel's id. */
const TUNNEL_PAGES = '/tunnels/';

const PERSONS_PAGE = {
  contentType: 'text/html; charset=utf-8',
  headers: { 'Content-Security-Policy': CONTENT_SECURITY_POLICY, 'Referrer-Policy': 'no-referrer' },
};

/** As it is, where it is not well encoded. */
function decoded(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
}

function createDocuments(options: RouterOptions): ReadonlyMap<string, Route['answer']> {
  const { config, snapshot, events, readiness, clock, version, lateAfterMs } = options;
  const { telemetryPath } = config;
  const limiter = createLimiter(DOCUMENTS);
  const statusPage = createDocumentRoute({
    ...PERSONS_PAGE,
    limiter,
    version: snapshot,
    maxAgeMs: MAX_AGE_MS,
    render: ({ query }) => {
      const parsed = parseFilter(query);
      if (!parsed.ok) return parsed;
      return {
        ok: true,
        parts: statusPageParts(snapshot(), clock(), {
          version,
          telemetryPath,
          readiness: readiness(),
          lateAfterMs: lateAfterMs(),
          events: events(),
          filter: parsed.filter,
        }),
      };
    },
  });
  const tunnel = createDocumentRoute({
    ...PERSONS_PAGE,
    limiter,
    version: snapshot,
    maxAgeMs: MAX_AGE_MS,
    render: ({ path }) => {
      const id = decoded(path.slice(TUNNEL_PAGES.length));
      const page = tunnelPage(snapshot(), id, {
        version,
        now: clock(),
        events: events().events,
        showsOriginIps: options.showsOriginIps(),
      });
      return page === undefined
        ? {
            ok: false,
            status: 404,
            problem: 'Not found: no tunnel of this id is listed, and none is remembered.',
          }
        : { ok: true, parts: [page] };
    },
  });
  const tunnels = createDocumentRoute({
    contentType: 'application/json; charset=utf-8',
    headers: {},
    limiter,
    version: snapshot,
    render: ({ query }) => renderTunnels(snapshot(), query, { showsOriginIps: options.showsOriginIps() }),
  });
  const eventsRoute = createDocumentRoute({
    contentType: 'application/json; charset=utf-8',
    headers: {},
    limiter,
    version: events,
    render: ({ query }) => renderEvents(events(), query),
  });
  return new Map<string, Route['answer']>([
    ['/', statusPage],
    [telemetryPath, createMetricsRoute({ ...options, maxRequests: config.maxRequests })],
    ['/livez', () => textReply(200, 'ok')],
    ['/readyz', () => readyReply(readiness())],
    ['/api/v1/tunnels', tunnels],
    ['/api/v1/events', eventsRoute],
    [TUNNEL_PAGES, tunnel],
  ]);
}

function readyReply({ ready, reason }: Readiness): Reply {
  return ready ? textReply(200, 'ready') : textReply(503, reason);
}

function edgeReply(readiness: Readiness | undefined): Reply {
  return readiness === undefined
    ? textReply(404, 'Not found: no cloudflared to ask; it is named by --sidecar.cloudflared-url.')
    : readyReply(readiness);
}

/** The target as sent, not decoded: nothing in it can be malformed then. Also the absolute form, as proxies send it. */
function parseTarget(url: string): { readonly path: string; readonly query: URLSearchParams } {
  const [path = '', ...query] = url.replace(/^https?:\/\/[^/?]*/i, '').split('?');
  return { path: path === '' ? '/' : path, query: new URLSearchParams(query.join('?')) };
}
