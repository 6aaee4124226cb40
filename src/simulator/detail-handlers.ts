import type { Answer } from './envelope.ts';
import { badRequest, ERRORS, failure, isRecord, parseBody, success } from './envelope.ts';
import { isHighlyAvailable } from './fleet-model.ts';
import type { ConnectorContext, TunnelContext } from './handler.ts';
import { UUID } from './handler.ts';
import { clientRow, configurationRow, warpConfigurationRow } from './wire.ts';

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

/** A locally managed tunnel has no remote configuration; a remotely managed one starts with version 0. */
export function getConfiguration({ tunnel }: TunnelContext): Answer {
  const none =
    tunnel.deletedAt !== undefined || (tunnel.configSource === 'local' && tunnel.configuration.version === 0);
  return none ? ERRORS.configurationNotFound : success(configurationRow(tunnel));
}

/** Documented in the official SDK, not in the API reference. */
export function getWarpConfiguration({ tunnel }: TunnelContext): Answer {
  return tunnel.deletedAt === undefined
    ? success(warpConfigurationRow(tunnel))
    : ERRORS.configurationNotFound;
}

/** A locally managed tunnel becomes a remotely managed one. */
export function putConfiguration({ fleet, tunnel, body, now }: TunnelContext): Answer {
  if (tunnel.deletedAt !== undefined) return ERRORS.tunnelNotFound;
  const parsed = parseBody(body);
  if (!parsed.ok) return parsed.answer;
  const { config = {} } = parsed.value;
  if (!isRecord(config)) return badRequest('config must be a JSON object');
  const problem = ingressProblem(config['ingress']);
  if (problem !== undefined) return failure(400, { code: 1056, message: `Bad Configuration: ${problem}` });
  fleet.putConfiguration(
    {
      tunnelId: tunnel.id,
      config: { ...config, 'warp-routing': config['warp-routing'] ?? { enabled: false } },
    },
    now,
  );
  return success(configurationRow(tunnel));
}

function ingressProblem(ingress: unknown): string | undefined {
  if (ingress === undefined) return undefined;
  if (!Array.isArray(ingress) || ingress.length === 0) return 'ingress must be a list of at least one rule';
  const rules: readonly unknown[] = ingress;
  for (const [index, rule] of rules.entries()) {
    if (!isRecord(rule) || typeof rule['service'] !== 'string' || rule['service'] === '') {
      return `Rule #${index + 1} has no service`;
    }
    for (const key of ['hostname', 'path']) {
      if (rule[key] !== undefined && typeof rule[key] !== 'string')
        return `Rule #${index + 1}: ${key} must be a string`;
    }
    const catchesAll = [undefined, '', '*'].some((any) => any === rule['hostname']) && !rule['path'];
    const last = index === rules.length - 1;
    if (last && !catchesAll) {
      return 'The last ingress rule must match all URLs (i.e. it should not have a hostname or path filter)';
    }
    if (!last && catchesAll)
      return `Rule #${index + 1} matches all URLs, so that the rules after it are never used`;
  }
  return undefined;
}
