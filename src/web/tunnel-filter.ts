import { type ListedTunnel, TUNNEL_STATUSES, type TunnelStatus } from '../core/model.ts';

/** Selects tunnels by exact values: a tunnel must have one of the values of each list that is not empty. */
export interface TunnelFilter {
  readonly statuses: readonly TunnelStatus[];
  readonly accountIds: readonly string[];
  readonly names: readonly string[];
}

export const EVERY_TUNNEL: TunnelFilter = { statuses: [], accountIds: [], names: [] };

export type ParsedFilter =
  { readonly ok: true; readonly filter: TunnelFilter } | { readonly ok: false; readonly problem: string };

export function parseFilter(query: URLSearchParams): ParsedFilter {
  const given = query.getAll('status');
  const statuses = given.flatMap((text) => TUNNEL_STATUSES.find((status) => status === text) ?? []);
  const unknown = given.find((text) => !statuses.some((status) => status === text));
  if (unknown !== undefined)
    return {
      ok: false,
      problem: `Unknown status ${JSON.stringify(unknown)}; use one of ${TUNNEL_STATUSES.join(', ')}.`,
    };
  return {
    ok: true,
    filter: { statuses, accountIds: query.getAll('account_id'), names: query.getAll('name') },
  };
}

export function selectsAll({ statuses, accountIds, names }: TunnelFilter): boolean {
  return statuses.length + accountIds.length + names.length === 0;
}

export function selectsAccount({ accountIds }: TunnelFilter, id: string): boolean {
  return allows(accountIds, id);
}

export function selectsTunnel(
  { statuses, names }: TunnelFilter,
  { status, name }: Pick<ListedTunnel, 'status' | 'name'>,
): boolean {
  return (statuses.length === 0 || statuses.includes(status)) && allows(names, name);
}

/** An empty list allows every value. Values are compared without lone surrogates, which no URL has. */
function allows(values: readonly string[], value: string): boolean {
  return values.length === 0 || values.includes(value.toWellFormed());
}

/** Path and query of the status page with this filter, not yet escaped for HTML. */
export function filterPath({ statuses, accountIds, names }: TunnelFilter): string {
  const query = new URLSearchParams([
    ...statuses.map((status): [string, string] => ['status', status]),
    ...accountIds.map((id): [string, string] => ['account_id', id]),
    ...names.map((name): [string, string] => ['name', name]),
  ]).toString();
  return query === '' ? '/' : `/?${query}`;
}
