import type { Client, VerifiedToken } from '../../cloudflare/client.ts';
import { type DetailEndpoint, LIST_PATHS } from '../../cloudflare/endpoints.ts';
import {
  type Account,
  type Failure,
  type KnownTunnelType,
  type ListedTunnel,
  type Result,
  hasNoConnections,
} from '../../core/model.ts';
import { isSelected, type Selection } from '../../core/select.ts';
import { pagesOf } from '../../core/intervals.ts';

/** The result of one request to an endpoint that the exporter needs. */
export interface Probe {
  /** As in the API reference, e.g. `GET /accounts/{account}/tunnels`. */
  readonly endpoint: string;
  /** `untried` holds the reason why there was no request. */
  readonly answer: Result<string> | { readonly untried: string };
}

export interface AccountFindings {
  readonly id: string;
  readonly name: string;
  /** Requests per list. */
  readonly pages: number;
  /** The watched tunnels that could be listed. */
  readonly tunnels: readonly ListedTunnel[];
  /** Why the list is missing or incomplete. */
  readonly failures: readonly Failure[];
}

/** Results for one token and its accounts. */
export interface TokenFindings {
  /** The variable or file that the token comes from; never the token. */
  readonly source: string;
  readonly token: Result<VerifiedToken>;
  readonly probes: readonly Probe[];
  readonly accounts: readonly AccountFindings[];
}

/** The tokens that spend one request budget. */
export interface OwnerFindings {
  readonly name: string;
  readonly tokens: readonly TokenFindings[];
}

export interface InspectOptions {
  readonly client: Client;
  readonly types: readonly KnownTunnelType[];
  readonly selection: Selection;
  readonly configurations: boolean;
  readonly routes: boolean;
}

/** Lists one account like polling does. */
export async function inspectAccount(
  { id, name }: { readonly id: string; readonly name: string },
  { client, types, selection }: InspectOptions,
): Promise<AccountFindings> {
  const tunnelId = selection.ids.length === 1 ? selection.ids[0] : undefined;
  const failures: Failure[] = [];
  const listed: ListedTunnel[] = [];
  for (const { result } of await client.listTunnels({ id, tunnelId }, types)) {
    if (result.ok) listed.push(...result.value.map(({ tunnel }) => tunnel));
    else failures.push(result.failure);
  }
  return {
    id,
    name,
    pages: pagesOf(listed.length),
    tunnels: listed.filter((tunnel) => isSelected(tunnel, selection)),
    failures,
  };
}

/** An account that was not listed because its token does not work. */
export const notListed = (
  { id, name }: { readonly id: string; readonly name: string },
  failure: Failure,
): AccountFindings => ({ id, name, pages: 1, tunnels: [], failures: [failure] });

/** The result of listing the token's accounts. */
export const listProbe = (listed: Result<readonly Account[]>): Probe => ({
  endpoint: 'GET /accounts',
  answer: listed.ok ? { ok: true, value: plural(listed.value.length, 'account') } : listed,
});

/**
 * Requests each endpoint for one tunnel only, because a token has the same permissions in all its
 * accounts.
 */
export async function probeDetails(
  accounts: readonly AccountFindings[],
  { client, types, configurations, routes }: InspectOptions,
): Promise<readonly Probe[]> {
  const probes: Probe[] = [];
  for (const type of ['cfd_tunnel', 'warp_connector'] as const) {
    if (!types.includes(type)) continue;
    const ofType = accounts.flatMap(({ tunnels }) => tunnels.filter((tunnel) => tunnel.type === type));
    const example = ofType.find(({ status }) => !hasNoConnections(status)) ?? ofType[0];
    if (type === 'warp_connector' && example === undefined) {
      probes.push(await probeWarpConnectors(accounts, client));
      continue;
    }
    for (const detail of configurations
      ? (['connections', 'configurations'] as const)
      : (['connections'] as const)) {
      probes.push(await probeDetail(`${type}_${detail}`, { client, example }));
    }
  }
  if (routes) probes.push(...(await probeRoutes(accounts, client)));
  return probes;
}

async function probeDetail(
  endpoint: DetailEndpoint,
  { client, example }: { readonly client: Client; readonly example: ListedTunnel | undefined },
): Promise<Probe> {
  const path = endpoint.replace(/_(connections|configurations)$/, '/{tunnel}/$1');
  const probe = { endpoint: `GET /accounts/{account}/${path}` };
  if (example === undefined) return { ...probe, answer: { untried: 'no such tunnel to request' } };
  const answer = await client.probe(example.accountId, { endpoint, tunnelId: example.id });
  // A tunnel may have no configuration or be deleted meanwhile; the request was permitted nevertheless.
  if (!answer.ok && answer.failure.reason !== 'not_found') return { ...probe, answer };
  return {
    ...probe,
    answer: { ok: true, value: `requested for ${JSON.stringify(example.name.slice(0, 60))}` },
  };
}

/**
 * Requested if no WARP connector is listed, because the list of all types silently omits them for a
 * token that may not read them.
 */
async function probeWarpConnectors(accounts: readonly AccountFindings[], client: Client): Promise<Probe> {
  const probe = { endpoint: 'GET /accounts/{account}/warp_connector' };
  const good = accounts.find(({ failures }) => failures.length === 0);
  if (good === undefined) return { ...probe, answer: { untried: 'no account could be listed' } };
  const answer = await client.probe(good.id, 'warp_connector');
  return { ...probe, answer: answer.ok ? noneThere(answer.value.totalCount) : answer };
}

/**
 * Lists of private networks and host names. A missing permission is no problem: the exporter then
 * reads no routes.
 */
async function probeRoutes(accounts: readonly AccountFindings[], client: Client): Promise<readonly Probe[]> {
  const good = accounts.find(({ failures }) => failures.length === 0);
  const probes: Probe[] = [];
  for (const endpoint of ['teamnet_routes', 'hostname_routes'] as const) {
    const probe = { endpoint: `GET /accounts/{account}/${LIST_PATHS[endpoint]}` };
    if (good === undefined) {
      probes.push({ ...probe, answer: { untried: 'no account could be listed' } });
      continue;
    }
    const answer = await client.probe(good.id, endpoint);
    if (answer.ok)
      probes.push({ ...probe, answer: { ok: true, value: routesThere(answer.value.totalCount) } });
    else if (answer.failure.reason === 'permission')
      probes.push({ ...probe, answer: { untried: `no routes are read: ${answer.failure.message}` } });
    else probes.push({ ...probe, answer });
  }
  return probes;
}

const routesThere = (total: number | undefined): string =>
  total === undefined ? 'permitted' : `${plural(total, 'route')} in one account`;

const noneThere = (total: number | undefined): Result<string> => ({
  ok: true,
  value: total === 0 ? 'none in this account' : 'none to watch',
});

export function plural(count: number, noun: string): string {
  return `${count.toLocaleString('en')} ${noun}${count === 1 ? '' : 's'}`;
}
