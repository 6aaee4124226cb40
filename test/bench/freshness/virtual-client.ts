import { createBudget } from '../../../src/cloudflare/budget.ts';
import type { Client, ObservationOf } from '../../../src/cloudflare/client.ts';
import type { CallOptions } from '../../../src/cloudflare/http.ts';
import { parseConnectors } from '../../../src/cloudflare/schema/details.ts';
import type { ListEntry, ListedTunnel } from '../../../src/core/model.ts';
import { WINDOW_MS, pagesOf } from '../../../src/core/intervals.ts';
import { statusOf } from '../../../src/simulator/index.ts';
import { aClient, viewOf } from '../../support/fake-client.ts';
import { type Scenario, TOKEN } from './scenario.ts';

/** The API without network and latency: every call ends at once. */
export interface VirtualClient extends Client {
  readonly list: (accountId: string, call?: CallOptions) => ObservationOf<'tunnels'>;
  readonly now: () => number;
  /** Times of requests; slightly out of order if pages had to wait. */
  readonly sentAt: readonly number[];
}

const REQUEST_TIMEOUT_MS = 10_000;

export function createVirtualClient(scenario: Scenario, requestBudget: number): VirtualClient {
  const { simulation, now, start } = scenario;
  const budget = createBudget(requestBudget);
  const sentAt: number[] = [];
  const elapsed = (): number => now() - start;

  const spend = ({ hold }: CallOptions = {}): boolean => {
    if (hold?.use(elapsed()) !== true && budget.reserve(elapsed(), 0).kind !== 'granted') return false;
    sentAt.push(now());
    return true;
  };
  /** Waiting time of a page for the budget, as in the client; undefined if it is too long. */
  const spendOnPage = ({ hold }: CallOptions = {}): number | undefined => {
    if (hold?.use(elapsed()) === true) {
      sentAt.push(now());
      return simulation.rateLimit.take(TOKEN, now()) === undefined ? 0 : undefined;
    }
    const share = budget.reserve(elapsed(), REQUEST_TIMEOUT_MS);
    if (share.kind !== 'granted') return undefined;
    sentAt.push(now() + share.waitMs);
    return simulation.rateLimit.take(TOKEN, now()) === undefined ? share.waitMs : undefined;
  };
  const get = (path: string): { readonly status: number; readonly result: unknown } => {
    const { status, body } = simulation.handle({
      method: 'GET',
      path,
      query: new URLSearchParams(),
      headers: { authorization: `Bearer ${TOKEN}` },
      body: '',
    });
    if (status === 429) budget.block(elapsed(), WINDOW_MS);
    const { result }: { result: unknown } = JSON.parse(body);
    return { status, result };
  };
  const failed = { ok: false, failure: { reason: 'rate_limited', message: '' } } as const;

  const list: VirtualClient['list'] = (accountId, call) => {
    const tunnels = simulation.fleet.tunnels(accountId);
    // Of a list only the requests are played; its JSON would be most of the run time, and tells
    // nothing more.
    const pages = pagesOf(tunnels.length);
    const waits = Array.from({ length: pages }, () => spendOnPage(call));
    const whole = waits.every((waitMs) => waitMs !== undefined);
    if (whole) scenario.listed(accountId, Math.max(...waits));
    return {
      kind: 'tunnels',
      accountId,
      types: ['cfd_tunnel', 'warp_connector'],
      at: now(),
      requests: pages,
      result: whole ? { ok: true, value: tunnels.map(entryOf) } : failed,
    };
  };
  return {
    ...aClient({}),
    sentAt,
    now,
    budget: viewOf(budget, elapsed),
    list,
    listTunnels: ({ id }, _, call) => Promise.resolve([list(id, call)]),
    connections: ({ id, accountId, type }, call) => {
      const observation = { kind: 'connections', accountId, tunnelId: id, at: now() } as const;
      if (!spend(call)) return Promise.resolve({ ...observation, result: failed });
      const { status, result } = get(`/accounts/${accountId}/${type}/${id}/connections`);
      const parsed = status === 200 ? parseConnectors(result) : undefined;
      if (parsed?.ok !== true) return Promise.resolve({ ...observation, result: failed });
      scenario.observed(id);
      return Promise.resolve({ ...observation, result: parsed });
    },
    configuration: ({ id, accountId }, call) => {
      const observation = { kind: 'configuration', accountId, tunnelId: id, at: now() } as const;
      if (!spend(call) || simulation.rateLimit.take(TOKEN, now()) !== undefined) {
        return Promise.resolve({ ...observation, result: failed });
      }
      return Promise.resolve({ ...observation, result: { ok: true, value: undefined } });
    },
  };
}

function entryOf(tunnel: Parameters<typeof statusOf>[0]): ListEntry {
  const { id, accountId, name, type, configSource, createdAt, activeAt, inactiveAt } = tunnel;
  const listed: ListedTunnel = {
    id,
    accountId,
    name,
    type,
    status: statusOf(tunnel),
    configSource: type === 'cfd_tunnel' ? configSource : '',
    createdAt,
    activeAt,
    inactiveAt,
  };
  return { tunnel: listed, embedded: undefined };
}
