import type { Client, DetailEndpoint, ListEndpoint } from '../../cloudflare/client.ts';
import type { KnownTunnelType, ListedTunnel, Observation, Result } from '../../core/model.ts';
import { isSelected, type Selection } from '../../core/select.ts';
import { hasNoConnections } from '../../core/serving.ts';
import type { AccountFindings, Probe } from './findings.ts';

export interface InspectOptions {
  readonly client: Client;
  readonly types: readonly KnownTunnelType[];
  readonly selection: Selection;
  readonly configurations: boolean;
}

/** Asks every endpoint that polling this account needs, once each. */
export async function inspectAccount(
  account: { readonly id: string; readonly name: string },
  options: InspectOptions,
): Promise<AccountFindings> {
  const { ids } = options.selection;
  const tunnelId = ids.length === 1 ? ids[0] : undefined;
  const walks = await options.client.listTunnels({ id: account.id, tunnelId }, options.types);
  const tunnels = tunnelsOf(walks, options.selection);
  return {
    id: account.id,
    name: account.name,
    tunnels,
    probes: [
      ...(await probeLists(account.id, options)),
      ...(await probeDetails(account.id, tunnels, options)),
    ],
  };
}

/** The whole list, or nothing. */
function tunnelsOf(walks: readonly Observation[], selection: Selection): Result<readonly ListedTunnel[]> {
  const tunnels: ListedTunnel[] = [];
  for (const walk of walks) {
    if (walk.kind !== 'tunnels') continue;
    if (!walk.result.ok) return walk.result;
    tunnels.push(
      ...walk.result.value.map(({ tunnel }) => tunnel).filter((tunnel) => isSelected(tunnel, selection)),
    );
  }
  return { ok: true, value: tunnels };
}

/** `/tunnels` serves every type; the typed lists serve where it is forbidden. */
async function probeLists(account: string, { client, types }: InspectOptions): Promise<readonly Probe[]> {
  const all = await probeList('tunnels', { client, account, optional: false });
  const typed: Probe[] = [];
  for (const type of ['cfd_tunnel', 'warp_connector'] as const) {
    if (!types.includes(type)) continue;
    typed.push(await probeList(type, { client, account, optional: type === 'cfd_tunnel' && answered(all) }));
  }
  const typedServe = typed.length === types.length && typed.every(answered);
  return [{ ...all, optional: typedServe }, ...typed];
}

async function probeList(
  endpoint: ListEndpoint,
  {
    client,
    account,
    optional,
  }: { readonly client: Client; readonly account: string; readonly optional: boolean },
): Promise<Probe> {
  const answer = await client.probe(account, endpoint);
  const total = answer.ok ? answer.value.totalCount : undefined;
  return {
    endpoint: `GET /accounts/{account}/${endpoint}`,
    answer: answer.ok ? { ok: true, value: total === undefined ? '' : plural(total, 'tunnel') } : answer,
    optional,
  };
}

async function probeDetails(
  account: string,
  tunnels: Result<readonly ListedTunnel[]>,
  { client, types, configurations }: InspectOptions,
): Promise<readonly Probe[]> {
  const probes: Probe[] = [];
  for (const type of ['cfd_tunnel', 'warp_connector'] as const) {
    if (!types.includes(type)) continue;
    const ofType = tunnels.ok ? tunnels.value.filter((tunnel) => tunnel.type === type) : [];
    const example = ofType.find(({ status }) => !hasNoConnections(status)) ?? ofType[0];
    const whyNone = tunnels.ok ? 'no such tunnel to ask about' : 'the tunnels are not known';
    for (const detail of configurations
      ? (['connections', 'configurations'] as const)
      : (['connections'] as const)) {
      probes.push(await probeDetail(`${type}_${detail}`, { client, account, example: example ?? whyNone }));
    }
  }
  return probes;
}

async function probeDetail(
  endpoint: DetailEndpoint,
  {
    client,
    account,
    example,
  }: {
    readonly client: Client;
    readonly account: string;
    /** Or why there is none. */
    readonly example: ListedTunnel | string;
  },
): Promise<Probe> {
  const path = endpoint.replace(/_(connections|configurations)$/, '/{tunnel}/$1');
  const probe = { endpoint: `GET /accounts/{account}/${path}`, optional: false };
  if (typeof example === 'string') return { ...probe, answer: { untried: example } };
  const answer = await client.probe(account, { endpoint, tunnelId: example.id });
  // A tunnel may have no configuration, or be deleted meanwhile: the token may ask all the same.
  if (!answer.ok && answer.failure.reason !== 'not_found') return { ...probe, answer };
  return {
    ...probe,
    answer: { ok: true, value: `asked about ${JSON.stringify(example.name.slice(0, 60))}` },
  };
}

function answered({ answer }: Probe): boolean {
  return 'ok' in answer && answer.ok;
}

export function plural(count: number, noun: string): string {
  return `${count.toLocaleString('en')} ${noun}${count === 1 ? '' : 's'}`;
}
