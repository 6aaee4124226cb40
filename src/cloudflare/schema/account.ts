import * as v from 'valibot';
import { TUNNEL_TYPES, type Account, type Route, type RouteKind } from '../../core/model.ts';
import {
  anything,
  described,
  id,
  oneOfOrUnknown,
  parse,
  structured,
  text,
  time,
  type Parsed,
} from './fields.ts';

const accountItems = v.array(structured({ id, name: anything }));

/** One page of `GET /accounts`: the `result` of its envelope. */
export function parseAccounts(result: unknown): Parsed<readonly Account[]> {
  const items = parse(accountItems, result, 'result');
  if (!items.ok) return items;
  return { ok: true, value: items.value.map((item) => ({ id: item.id, name: text(item.name) ?? '' })) };
}

export interface RouteItem {
  readonly id: string;
  /** The API lists it as deleted, although deleted routes were not requested. */
  readonly deleted: boolean;
  readonly route: Route;
}

const routeItems = v.array(
  structured({
    id,
    network: anything,
    hostname: anything,
    deleted_at: anything,
    tunnel_id: anything,
    tun_type: anything,
    virtual_network_id: anything,
    virtual_network_name: anything,
  }),
);

/** One page of a list of routes: the `result` of its envelope. */
export function parseRoutes(result: unknown, kind: RouteKind): Parsed<readonly RouteItem[]> {
  const parsed = parse(routeItems, result, 'result');
  if (!parsed.ok) return parsed;
  const value = parsed.value.map((item): RouteItem => ({
    id: item.id,
    deleted: time(item.deleted_at) !== undefined,
    route: {
      id: item.id,
      target: text(kind === 'network' ? item.network : item.hostname) ?? '',
      tunnelId: text(item.tunnel_id) ?? '',
      tunnelType: oneOfOrUnknown(TUNNEL_TYPES, item.tun_type),
      virtualNetwork: text(item.virtual_network_name) ?? text(item.virtual_network_id) ?? '',
    },
  }));
  return { ok: true, value };
}

export interface TokenStatus {
  /** As the API reports it: active, disabled or expired; 'unknown' if it does not. */
  readonly status: string;
  /** Milliseconds since the epoch. */
  readonly expiresAt: number | undefined;
}

const verification = described('status', 'expires_on');

/** The `result` of a token verification. */
export function parseVerification(result: unknown): Parsed<TokenStatus> {
  const parsed = parse(verification, result, 'result');
  if (!parsed.ok) return parsed;
  const { status, expires_on } = parsed.value;
  return { ok: true, value: { status: text(status) ?? 'unknown', expiresAt: time(expires_on) } };
}
