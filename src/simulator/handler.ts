import type { Answer } from './envelope.ts';
import type { Fleet, FleetTunnel } from './fleet-model.ts';
import type { Token } from './tokens.ts';
import type { EmbeddedConnections } from './wire.ts';

/** The arguments of a handler. The request is authorized and its ids are well-formed. */
export interface Context {
  readonly fleet: Fleet;
  readonly now: number;
  readonly token: Token;
  readonly query: URLSearchParams;
  readonly body: string;
  readonly settings: ApiSettings;
}

/**
 * What `total_count` of a list of tunnels counts. `filtered`: the tunnels that match the search
 * parameters. `unfiltered`: every tunnel that the token may list, including deleted ones; the API
 * reference says "available without any search parameters".
 */
export type TotalCount = 'filtered' | 'unfiltered';

export interface ApiSettings {
  readonly embeddedConnections: EmbeddedConnections;
  readonly maxPerPage: number;
  readonly totalCount: TotalCount;
}

export interface AccountContext extends Context {
  readonly accountId: string;
}

export interface TunnelContext extends AccountContext {
  /** Has the endpoint's type and belongs to the account; may be deleted. */
  readonly tunnel: FleetTunnel;
}

export interface ConnectorContext extends TunnelContext {
  readonly connectorId: string;
}

export interface RouteContext extends AccountContext {
  readonly routeId: string;
}

export type Handler<C extends Context> = (context: C) => Answer;

export const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;
