import {
  EVENT_KINDS,
  type EventHistory,
  type RememberedConnector,
  type TunnelEvent,
} from '../core/events.ts';
import type { Rendered } from './document-route.ts';
import { json, textJson, timeJson } from './json.ts';

interface EventQuery {
  readonly limit: number;
  readonly matches: (event: TunnelEvent) => boolean;
}

type ParsedQuery =
  { readonly ok: true; readonly query: EventQuery } | { readonly ok: false; readonly problem: string };

/**
 * The events as JSON, newest first. In the query, `since` is an RFC 3339 time or the id of an event, such
 * as `next` of an earlier answer. `kind`, `account_id` and `tunnel_id` may have several values, any of
 * which matches. `limit` keeps the newest.
 */
export function renderEvents(history: EventHistory, query: URLSearchParams): Rendered {
  const parsed = parseQuery(history, query);
  if (!parsed.ok) return parsed;
  const { limit, matches } = parsed.query;
  const events = history.events.filter(matches).toReversed().slice(0, limit);
  return { ok: true, parts: documentParts(events, history.lastId) };
}

function* documentParts(events: readonly TunnelEvent[], lastId: number): Generator<string> {
  yield '{"events":[';
  for (const [index, event] of events.entries()) yield (index === 0 ? '' : ',') + json(eventJson(event));
  yield `],"next":${lastId}}\n`;
}

function parseQuery(history: EventHistory, query: URLSearchParams): ParsedQuery {
  const kinds = query.getAll('kind');
  const unknown = kinds.find((kind) => !(EVENT_KINDS as readonly string[]).includes(kind));
  if (unknown !== undefined)
    return bad(`Unknown kind ${JSON.stringify(unknown)}; use one of ${EVENT_KINDS.join(', ')}.`);
  const limit = query.get('limit') ?? '100000';
  if (!/^\d{1,6}$/.test(limit) || Number(limit) === 0)
    return bad(`limit ${JSON.stringify(limit)} is not a whole number from 1 to 999999.`);
  const since = sinceOf(history, query.get('since'));
  if (since === undefined)
    return bad(
      `since ${JSON.stringify(query.get('since'))} is neither the id of an event nor a time like 2026-11-24T03:02:10Z.`,
    );
  const accounts = query.getAll('account_id');
  const tunnels = query.getAll('tunnel_id');
  return {
    ok: true,
    query: {
      limit: Number(limit),
      matches: (event) =>
        since(event) &&
        (kinds.length === 0 || kinds.includes(event.kind)) &&
        (accounts.length === 0 || accounts.includes(event.accountId ?? '')) &&
        (tunnels.length === 0 || tunnels.includes(event.tunnelId ?? '')),
    },
  };
}

const bad = (problem: string): ParsedQuery => ({ ok: false, problem });

const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)$/;

function sinceOf(
  { lastId }: EventHistory,
  since: string | null,
): ((event: TunnelEvent) => boolean) | undefined {
  if (since === null) return () => true;
  if (/^\d{1,15}$/.test(since)) {
    // An id above the last one is from before a restart, so every event is newer.
    const after = Number(since) > lastId ? 0 : Number(since);
    return ({ id }) => id > after;
  }
  // URLSearchParams decodes an unescaped plus sign as a space.
  const at = TIME.test(since.replace(' ', '+')) ? Date.parse(since.replace(' ', '+')) : Number.NaN;
  return Number.isNaN(at) ? undefined : (event) => event.at >= at;
}

export function eventJson(event: TunnelEvent): object {
  return {
    id: event.id,
    at: timeJson(event.at),
    kind: event.kind,
    severity: event.severity,
    account_id: event.accountId ?? null,
    account_name: textJson(event.accountName),
    tunnel_id: event.tunnelId ?? null,
    tunnel_name: event.tunnelName ?? null,
    from: event.from ?? null,
    to: event.to ?? null,
    message: event.message,
    affected: event.affected,
    affected_count: event.affectedCount,
    ...(event.lastConnectors === undefined
      ? {}
      : {
          last_connectors: event.lastConnectors.map(connectorJson),
          last_observed_at: timeJson(event.lastObservedAt),
        }),
  };
}

function connectorJson({ id, version, arch, colos }: RememberedConnector): object {
  return { id: textJson(id), version: version ?? null, arch: arch ?? null, colos };
}
