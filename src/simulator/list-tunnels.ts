import type { KnownTunnelType } from '../core/model.ts';
import { TUNNEL_TYPES } from '../core/model.ts';
import type { Parsed, ResultInfo } from './envelope.ts';
import { badRequest } from './envelope.ts';
import type { FleetTunnel } from './fleet-model.ts';
import { statusOf } from './fleet-model.ts';

/** The validated query of a list. */
export interface ListQuery {
  readonly types: readonly KnownTunnelType[] | undefined;
  readonly matches: (tunnel: FleetTunnel) => boolean;
  readonly page: number;
  readonly perPage: number;
}

const STATUSES = ['inactive', 'degraded', 'healthy', 'down'];
const MAX_PER_PAGE = 1000;

/** `maxPerPage`: the server may return fewer rows per page than requested. */
export function parseListQuery(query: URLSearchParams, maxPerPage: number): Parsed<ListQuery> {
  const problems: string[] = [];

  const whole = (name: string, range: { readonly high: number; readonly otherwise: number }): number => {
    const text = query.get(name);
    if (text === null || text === '') return range.otherwise;
    const value = Number(text);
    if (/^\d+$/.test(text) && value >= 1 && value <= range.high) return value;
    problems.push(`${name} must be a whole number from 1 to ${range.high}`);
    return range.otherwise;
  };
  const time = (name: string): number | undefined => {
    const text = query.get(name);
    if (text === null) return undefined;
    const at = Date.parse(text);
    if (Number.isNaN(at)) problems.push(`${name} must be an RFC 3339 time`);
    return at;
  };

  const page = whole('page', { high: 1_000_000, otherwise: 1 });
  const perPage = whole('per_page', { high: MAX_PER_PAGE, otherwise: MAX_PER_PAGE });
  const existedAt = time('existed_at');
  const wasActiveAt = time('was_active_at');
  const wasInactiveAt = time('was_inactive_at');

  const types = query.get('tun_types')?.split(',');
  if (types !== undefined && !types.every(isTunnelType))
    problems.push(`tun_types must be of ${TUNNEL_TYPES.join(',')}`);
  const status = query.get('status');
  if (status !== null && !STATUSES.includes(status))
    problems.push(`status must be one of ${STATUSES.join(', ')}`);
  const isDeleted = query.get('is_deleted');
  if (isDeleted !== null && !['', 'true', 'false'].includes(isDeleted))
    problems.push('is_deleted must be true or false');

  if (problems.length > 0) return { ok: false, answer: badRequest(problems.join('; ')) };

  // Since 2025-12-01, lists without is_deleted omit deleted tunnels, except lists of a past moment.
  const deleted =
    isDeleted === null || isDeleted === ''
      ? existedAt === undefined
        ? false
        : undefined
      : isDeleted === 'true';
  const name = query.get('name');
  const uuid = query.get('uuid');
  const includePrefix = query.get('include_prefix');
  const excludePrefix = query.get('exclude_prefix');

  const matches = (tunnel: FleetTunnel): boolean =>
    (deleted === undefined || (tunnel.deletedAt !== undefined) === deleted) &&
    (name === null || tunnel.name === name) &&
    (uuid === null || tunnel.id === uuid) &&
    (includePrefix === null || tunnel.name.startsWith(includePrefix)) &&
    (excludePrefix === null || !tunnel.name.startsWith(excludePrefix)) &&
    (status === null || statusOf(tunnel) === status) &&
    (existedAt === undefined || existed(tunnel, existedAt)) &&
    (wasActiveAt === undefined || wasActive(tunnel, wasActiveAt)) &&
    (wasInactiveAt === undefined || (existed(tunnel, wasInactiveAt) && !wasActive(tunnel, wasInactiveAt)));

  return {
    ok: true,
    value: { types: types?.filter(isTunnelType), matches, page, perPage: Math.min(perPage, maxPerPage) },
  };
}

export function paginate<T>(
  rows: readonly T[],
  query: { readonly page: number; readonly perPage: number },
): {
  readonly rows: readonly T[];
  readonly info: ResultInfo;
} {
  const first = (query.page - 1) * query.perPage;
  const page = rows.slice(first, first + query.perPage);
  return {
    rows: page,
    info: { page: query.page, per_page: query.perPage, count: page.length, total_count: rows.length },
  };
}

function isTunnelType(text: string): text is KnownTunnelType {
  return TUNNEL_TYPES.some((type) => type === text);
}

function existed(tunnel: FleetTunnel, at: number): boolean {
  return tunnel.createdAt <= at && (tunnel.deletedAt === undefined || tunnel.deletedAt > at);
}

function wasActive(tunnel: FleetTunnel, at: number): boolean {
  return tunnel.activeSpans.some(({ from, until }) => from <= at && (until === undefined || at < until));
}
