import type { Answer } from './envelope.ts';
import { badRequest, ERRORS, parseBody, success } from './envelope.ts';
import { isHighlyAvailable } from './fleet-model.ts';
import type { ConnectorContext, TunnelContext } from './handler.ts';
import { UUID } from './handler.ts';
import { clientRow } from './wire.ts';

/** Connectors and their connections: read, clean up, fail over. */

/** Real answers are one page and have no `result_info`. */
export function listConnections({ tunnel, now }: TunnelContext): Answer {
  return success(tunnel.connectors.map((connector) => clientRow(tunnel, { connector, now })));
}

export function getConnector({ tunnel, connectorId, now }: ConnectorContext): Answer {
  const connector = tunnel.connectors.find(({ id }) => id === connectorId);
  return connector === undefined ? ERRORS.connectorNotFound : success(clientRow(tunnel, { connector, now }));
}

export function cleanUpConnections({ fleet, tunnel, query, now }: TunnelContext): Answer {
  if (tunnel.deletedAt !== undefined) return ERRORS.tunnelNotFound;
  const clientId = query.get('client_id');
  if (clientId === null) fleet.cleanUpConnections({ tunnelId: tunnel.id }, now);
  else {
    if (!UUID.test(clientId)) return badRequest('client_id must be the UUID of a connector');
    if (!tunnel.connectors.some(({ id }) => id === clientId)) return ERRORS.connectorNotFound;
    fleet.cleanUpConnections({ tunnelId: tunnel.id, clientId }, now);
  }
  return success({});
}

export function failOver({ fleet, tunnel, body, now }: TunnelContext): Answer {
  if (tunnel.deletedAt !== undefined) return ERRORS.tunnelNotFound;
  const parsed = parseBody(body);
  if (!parsed.ok) return parsed.answer;
  const { client_id: clientId } = parsed.value;
  if (typeof clientId !== 'string' || !UUID.test(clientId)) {
    return badRequest('client_id must be the UUID of a connector');
  }
  if (!isHighlyAvailable(tunnel.haMode))
    return badRequest('The tunnel is not configured for high availability');
  const connector = tunnel.connectors.find(({ id }) => id === clientId);
  if (connector === undefined) return ERRORS.connectorNotFound;
  if (connector.haStatus === 'offline') return badRequest('The connector is offline');
  fleet.failOver({ tunnelId: tunnel.id, clientId }, now);
  return success({});
}
