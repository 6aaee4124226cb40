import type { KnownTunnelType } from '../core/model.ts';
import type { Answer } from './envelope.ts';
import { badRequest, ERRORS, parseBody, success } from './envelope.ts';
import type { FleetTunnel } from './fleet-model.ts';
import type { AccountContext, TunnelContext } from './handler.ts';
import { paginate, parseListQuery } from './list-tunnels.ts';
import { permits } from './tokens.ts';
import { tunnelRow, tunnelToken } from './wire.ts';

/** Lists, and create, get, update, delete of one tunnel. */

/** `/tunnels`: every type; WARP connectors only for a token that may read them. */
export function listAllTunnels(context: AccountContext): Answer {
  const warp = permits(context.token, { family: 'warp', level: 'Read' });
  return list(context, (tunnel) => warp || tunnel.type !== 'warp_connector');
}

/** `/cfd_tunnel` and `/warp_connector`. */
export function listTunnelsOf(type: KnownTunnelType): (context: AccountContext) => Answer {
  return (context) => list(context, (tunnel) => tunnel.type === type);
}

function list(context: AccountContext, belongs: (tunnel: FleetTunnel) => boolean): Answer {
  const { fleet, accountId, settings, token } = context;
  const parsed = parseListQuery(context.query, settings.maxPerPage);
  if (!parsed.ok) return parsed.answer;
  const { types, matches } = parsed.value;
  const scope = token.tunnels === undefined ? undefined : new Set(token.tunnels);
  const visible = fleet
    .tunnels(accountId)
    .filter((tunnel) => belongs(tunnel) && (scope?.has(tunnel.id) ?? true));
  const found = visible.filter((tunnel) => (types?.includes(tunnel.type) ?? true) && matches(tunnel));
  const { rows, info } = paginate(found, parsed.value);
  return success(
    rows.map((tunnel) => tunnelRow(tunnel, settings.embeddedConnections)),
    {
      resultInfo: settings.totalCount === 'filtered' ? info : { ...info, total_count: visible.length },
    },
  );
}

export function getTunnel({ tunnel, settings }: TunnelContext): Answer {
  return success(tunnelRow(tunnel, settings.embeddedConnections));
}

export function createCloudflared(context: AccountContext): Answer {
  const parsed = parseBody(context.body);
  if (!parsed.ok) return parsed.answer;
  const { name, config_src: source = 'local', tunnel_secret: secret } = parsed.value;
  if (source !== 'local' && source !== 'cloudflare')
    return badRequest('config_src must be local or cloudflare');
  if (!isName(name)) return badRequest(BAD_NAME);
  if (secret !== undefined && !isSecret(secret)) return badRequest(BAD_SECRET);
  return create(context, {
    name,
    type: 'cfd_tunnel',
    configSource: source,
    ...(secret === undefined ? {} : { secret }),
  });
}

export function createWarpConnector(context: AccountContext): Answer {
  const parsed = parseBody(context.body);
  if (!parsed.ok) return parsed.answer;
  const { name, ha = false } = parsed.value;
  if (typeof ha !== 'boolean') return badRequest('ha must be true or false');
  if (!isName(name)) return badRequest(BAD_NAME);
  return create(context, { name, type: 'warp_connector', haMode: ha ? 'local' : 'none' });
}

function create(
  { fleet, accountId, settings, now }: AccountContext,
  spec: Omit<Parameters<AccountContext['fleet']['createTunnel']>[0], 'accountId'>,
): Answer {
  if (fleet.tunnelNamed(accountId, spec.name) !== undefined) return ERRORS.nameTaken;
  return success(tunnelRow(fleet.createTunnel({ ...spec, accountId }, now), settings.embeddedConnections));
}

export function updateTunnel(context: TunnelContext): Answer {
  const { fleet, tunnel, accountId, now } = context;
  if (tunnel.deletedAt !== undefined) return ERRORS.tunnelNotFound;
  const parsed = parseBody(context.body);
  if (!parsed.ok) return parsed.answer;
  const { name, tunnel_secret: secret } = parsed.value;
  if (name !== undefined && !isName(name)) return badRequest(BAD_NAME);
  if (secret !== undefined && !isSecret(secret)) return badRequest(BAD_SECRET);
  if (name !== undefined && name !== tunnel.name) {
    if (fleet.tunnelNamed(accountId, name) !== undefined) return ERRORS.nameTaken;
    fleet.renameTunnel({ tunnelId: tunnel.id, name }, now);
  }
  if (secret !== undefined) fleet.rotateSecret({ tunnelId: tunnel.id, secret }, now);
  return getTunnel(context);
}

export function deleteTunnel(context: TunnelContext): Answer {
  const { tunnel, fleet, accountId } = context;
  if (tunnel.deletedAt !== undefined) return ERRORS.tunnelNotFound;
  const hasRoutes = fleet
    .routes(accountId)
    .some(({ tunnelId, deletedAt }) => tunnelId === tunnel.id && deletedAt === undefined);
  if (hasRoutes) return ERRORS.tunnelHasRoutes;
  context.fleet.deleteTunnel(context.tunnel.id, context.now);
  return getTunnel(context);
}

export function getTunnelToken({ tunnel }: TunnelContext): Answer {
  return tunnel.deletedAt === undefined ? success(tunnelToken(tunnel)) : ERRORS.tunnelNotFound;
}

/** A short-lived token for a tunnel's log stream: unsigned, but of the same form. */
export function getManagementToken({ tunnel, body, now }: TunnelContext): Answer {
  if (tunnel.deletedAt !== undefined) return ERRORS.tunnelNotFound;
  const parsed = parseBody(body);
  if (!parsed.ok) return parsed.answer;
  const { resources } = parsed.value;
  if (
    !Array.isArray(resources) ||
    resources.length === 0 ||
    !resources.every((resource) => resource === 'logs')
  ) {
    return badRequest('resources must be ["logs"]');
  }
  const claims = {
    tun: { id: tunnel.id, account_tag: tunnel.accountId },
    exp: Math.floor(now / 1000) + 3600,
    res: resources,
  };
  return success(`${jwtPart({ alg: 'none', typ: 'JWT' })}.${jwtPart(claims)}.`);
}

function jwtPart(value: unknown): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url');
}

const BAD_NAME = 'name must be a string that is not empty';
const BAD_SECRET = 'tunnel_secret must be at least 32 bytes, in base64';

function isName(name: unknown): name is string {
  return typeof name === 'string' && name.trim() !== '';
}

function isSecret(secret: unknown): secret is string {
  return (
    typeof secret === 'string' &&
    /^[A-Za-z0-9+/]+={0,2}$/.test(secret) &&
    Buffer.from(secret, 'base64').length >= 32
  );
}
