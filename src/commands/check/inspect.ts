import type { Client } from '../../cloudflare/client.ts';
import { type DetailEndpoint, LIST_PATHS } from '../../cloudflare/endpoints.ts';
import type { Account, Failure, KnownTunnelType, ListedTunnel, Result } from '../../core/model.ts';
import { isSelected, type Selection } from '../../core/select.ts';
import { hasNoConnections } from '../../core/serving.ts';
import { pagesOf } from '../../core/lists.ts';
import { type AccountFindings, plural, type Probe } from './findings.ts';

export interface InspectOptions {
  readonly client: Client;
  readonly types: readonly KnownTunnelType[];
  readonly selection: Selection;
  readonly configurations: boolean;
  /** Whether routes are read. */
  readonly routes: boolean;
}

/** Lists one account, as polling does. */
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

/** An account whose list was not asked for, for a reason that concerns its token. */
export const notListed = (
  { id, name }: { readonly id: string; readonly name: string },
  failure: Failure,
): AccountFindings => ({ id, name, pages: 1, tunnels: [], failures: [failure] });

/** The accounts that the token can list. */
export const listProbe = (listed: Result<readonly Account[]>): Probe => ({
  endpoint: 'GET /accounts',
  answer: listed.ok ? { ok: true, value: plural(listed.value.length, 'account') } : listed,
});

/** Asks each endpoint about one tunnel once, whatever the number of accounts: a token has its permissions in all of them. */
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
  if (example === undefined) return { ...probe, answer: { untried: 'no such tunnel to ask about' } };
  const answer = await client.probe(example.accountId, { endpoint, tunnelId: example.id });
  // A tunnel may have no configuration, or be deleted meanwhile: the token may ask all the same.
  if (!answer.ok && answer.failure.reason !== 'not_found') return { ...probe, answer };
  return {
    ...probe,
    answer: { ok: true, value: `asked about ${JSON.stringify(example.name.slice(0, 60))}` },
  };
}

/**
 * Where no WARP connector is listed: the list of all types leaves them out, without saying so, for a token that may not read
 * them. Not asked if it was asked for the lists already.
 */
async function probeWarpConnectors(accounts: readonly AccountFindings[], client: Client): Promise<Probe> {
  const probe = { endpoint: 'GET /accounts/{account}/warp_connector' };
  const good = accounts.find(({ failures }) => failures.length === 0);
  if (good === undefined) return { ...probe, answer: { untried: 'no account could be listed' } };
  const answer = await client.probe(good.id, 'warp_connector');
  return { ...probe, answer: answer.ok ? noneThere(answer.value.totalCount) : answer };
}

/** Private networks and host names. A token without the permission is no problem: there are then no routes. */
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
