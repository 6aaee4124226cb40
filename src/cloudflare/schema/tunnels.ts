import * as v from 'valibot';
import { TUNNEL_STATUSES, TUNNEL_TYPES, type KnownTunnelType, type ListEntry } from '../../core/model.ts';
import { parseEmbeddedConnectors } from './details.ts';
import { anything, id, oneOf, oneOfOrUnknown, parse, structured, text, time, type Parsed } from './fields.ts';

export interface ListedItem {
  readonly id: string;
  /** The API lists it as deleted, although deleted tunnels were not requested. */
  readonly deleted: boolean;
  readonly entry: ListEntry;
}

const tunnelItems = v.array(
  structured({
    id,
    name: anything,
    tun_type: anything,
    status: anything,
    config_src: anything,
    remote_config: anything,
    created_at: anything,
    deleted_at: anything,
    conns_active_at: anything,
    conns_inactive_at: anything,
    connections: anything,
  }),
);

export interface TunnelContext {
  readonly accountId: string;
  /** The type of items that do not state their own; undefined if the list holds several types. */
  readonly listType: KnownTunnelType | undefined;
}

/** One page of a tunnel list: the `result` of its envelope. */
export function parseTunnels(
  result: unknown,
  { accountId, listType }: TunnelContext,
): Parsed<readonly ListedItem[]> {
  const parsed = parse(tunnelItems, result, 'result');
  if (!parsed.ok) return parsed;
  const value = parsed.value.map((item): ListedItem => ({
    id: item.id,
    deleted: time(item.deleted_at) !== undefined,
    entry: {
      tunnel: {
        id: item.id,
        accountId,
        name: text(item.name) ?? '',
        type: oneOfOrUnknown(TUNNEL_TYPES, item.tun_type) ?? listType ?? 'unknown',
        status: oneOf(TUNNEL_STATUSES, item.status) ?? 'unknown',
        configSource: configSource(item.config_src, item.remote_config),
        createdAt: time(item.created_at),
        activeAt: time(item.conns_active_at),
        inactiveAt: time(item.conns_inactive_at),
      },
      embedded: parseEmbeddedConnectors(item.connections),
    },
  }));
  return { ok: true, value };
}

/** `remote_config` is deprecated in favour of `config_src`, which older answers lack. */
function configSource(source: unknown, remote: unknown): string {
  if (typeof source === 'string') return source.toWellFormed();
  if (typeof remote === 'boolean') return remote ? 'cloudflare' : 'local';
  return '';
}
