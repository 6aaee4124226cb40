import {
  parseCloudflaredConfiguration,
  parseConnectors,
  parseWarpConfiguration,
} from '../../src/cloudflare/schema/details.ts';
import { parseTunnels } from '../../src/cloudflare/schema/tunnels.ts';
import { advance } from '../../src/core/advance.ts';
import type { ExpectedTunnel } from '../../src/core/expected.ts';
import type { FleetContext } from '../../src/core/families/family.ts';
import { FAMILIES } from '../../src/core/families/table.ts';
import { COLLECTORS, FAILURE_REASONS } from '../../src/core/model.ts';
import type { FailureReason, ListedTunnel, Observation, Result } from '../../src/core/model.ts';
import { emptySnapshot, type Snapshot, type TunnelState } from '../../src/core/snapshot.ts';
import { type Simulation, SIMULATOR_TOKEN } from '../../src/simulator/index.ts';
import type { Sample } from './series.ts';

const BUDGET_PER_POLL = 60;
const POLL_MS = 30_000;
const STALE_AFTER_MS = 600_000;
const BLOCK_MS = 300_000;
const CONFIGURATIONS_PER_POLL = 3;
const TYPES = ['cfd_tunnel', 'warp_connector'] as const;

export interface VirtualExporterOptions {
  readonly simulation: Simulation;
  readonly instance: string;
  readonly now: () => number;
  /** The time that is 0 in Prometheus. */
  readonly start: number;
  readonly accounts: readonly { readonly id: string; readonly name: string }[];
  readonly expected: readonly ExpectedTunnel[];
  readonly intermittent: readonly RegExp[];
  /** The metrics that the rules use. Others would only take time. */
  readonly shows: ReadonlySet<string>;
}

/**
 * An exporter in virtual time: what it would ask and when, through the project's core, as samples
 * of a scrape.
 */
export interface VirtualExporter {
  readonly poll: () => void;
  /** Empty while it is stopped. */
  readonly scrape: () => readonly Sample[];
  readonly stop: () => void;
  readonly start: () => void;
}

export function createVirtualExporter(options: VirtualExporterOptions): VirtualExporter {
  const { simulation, now, accounts, shows } = options;
  const context: FleetContext = {
    types: TYPES,
    selectsAll: true,
    expected: options.expected,
    intermittent: options.intermittent,
  };
  const families = FAMILIES.filter(({ name, option }) => option === undefined && shows.has(name));
  const cache = new WeakMap<TunnelState, readonly Sample[]>();
  let running = true;
  let startedAt = now();
  let lastPollAt: number | undefined;
  let blockedUntil = 0;
  let snapshot: Snapshot = emptySnapshot(accounts, now());
  let configurationTurn = 0;

  const get = (path: string, query = ''): Result<unknown> => {
    if (now() < blockedUntil) return failure('rate_limited');
    const { status, body } = simulation.handle({
      method: 'GET',
      path,
      query: new URLSearchParams(query),
      headers: { authorization: `Bearer ${SIMULATOR_TOKEN}` },
      body: '',
    });
    if (status === 429) blockedUntil = now() + BLOCK_MS;
    if (status !== 200) return failure(reasonOf(status));
    const { result }: { result: unknown } = JSON.parse(body);
    return { ok: true, value: result };
  };

  const list = (accountId: string): Observation => {
    const answers = TYPES.map((type) => ({
      type,
      answer: get(`/accounts/${accountId}/${type}`, 'is_deleted=false&per_page=1000'),
    }));
    const failed = answers.map(({ answer }) => answer).find((answer) => !answer.ok);
    const entries = answers.flatMap(({ type, answer }) => {
      const parsed = answer.ok ? parseTunnels(answer.value, { accountId, listType: type }) : undefined;
      return parsed?.ok === true ? parsed.value.map(({ entry }) => entry) : [];
    });
    return {
      kind: 'tunnels',
      accountId,
      types: TYPES,
      at: now(),
      result: failed ?? { ok: true, value: entries },
    };
  };

  const connections = ({ id, accountId, type }: ListedTunnel): Observation => {
    const answer = get(`/accounts/${accountId}/${type}/${id}/connections`);
    const result = answer.ok ? parsedOr(parseConnectors(answer.value)) : answer;
    return { kind: 'connections', accountId, tunnelId: id, at: now(), result };
  };

  const configuration = ({ id, accountId, type }: ListedTunnel): Observation => {
    const answer = get(`/accounts/${accountId}/${type}/${id}/configurations`);
    const parse = type === 'warp_connector' ? parseWarpConfiguration : parseCloudflaredConfiguration;
    const result = answer.ok ? parsedOr(parse(answer.value)) : answer;
    return { kind: 'configuration', accountId, tunnelId: id, at: now(), result };
  };

  const observe = (observations: readonly Observation[]): void => {
    snapshot = advance(snapshot, observations, { now: now(), staleAfterMs: STALE_AFTER_MS });
  };
  const states = (): readonly TunnelState[] =>
    [...snapshot.accounts.values()].flatMap(({ tunnels }) => [...tunnels.values()]);

  return {
    poll: () => {
      if (!running) return;
      observe(accounts.map(({ id }) => list(id)));
      const serving = states().filter(
        ({ tunnel }) => tunnel.status === 'healthy' || tunnel.status === 'degraded',
      );
      const due = serving.toSorted((a, b) => priority(a) - priority(b));
      const turn = configurationTurn % Math.max(1, serving.length);
      configurationTurn += CONFIGURATIONS_PER_POLL;
      const toConfigure = [
        ...serving.filter(isUnconfigured).slice(0, 3 * CONFIGURATIONS_PER_POLL),
        ...serving.slice(turn, turn + CONFIGURATIONS_PER_POLL),
      ];
      const details = due.slice(0, BUDGET_PER_POLL - 2 * accounts.length - toConfigure.length);
      observe([
        ...details.map(({ tunnel }) => connections(tunnel)),
        ...toConfigure.map(({ tunnel }) => configuration(tunnel)),
      ]);
      lastPollAt = now();
    },
    scrape: () => {
      const target = `job="cloudflare-tunnel",instance="${options.instance}"`;
      if (!running) return [[`up{${target}}`, 0]];
      const samples: Sample[] = [[`up{${target}}`, 1]];
      const seconds = (ms: number): number => (ms - options.start) / 1000;
      const own = (name: string, value: number, labels = ''): void => {
        const metric = `cloudflare_tunnel_exporter_${name}`;
        if (shows.has(metric)) samples.push([`${metric}{${target}${labels}}`, value]);
      };
      samples.push([`process_start_time_seconds{${target}}`, seconds(startedAt)]);
      own('build_info', 1);
      if (lastPollAt !== undefined) own('last_poll_timestamp_seconds', seconds(lastPollAt));
      own('api_blocked_until_timestamp_seconds', seconds(blockedUntil > now() ? blockedUntil : 0));
      own('detail_queue_tunnels', 0);
      own('config_last_reload_successful', 1);
      for (const account of snapshot.accounts.values()) {
        const ofAccount = `,account_id="${account.id}"`;
        own('list_interval_seconds', POLL_MS / 1000, ofAccount);
        if (account.up !== undefined) own('account_up', account.up ? 1 : 0, ofAccount);
        for (const collector of COLLECTORS) {
          const { success, lastSuccessAt, failedFor } = account.collectors[collector];
          const labels = `${ofAccount},collector="${collector}"`;
          if (success !== undefined) own('collector_success', success ? 1 : 0, labels);
          if (lastSuccessAt !== undefined)
            own('collector_last_success_timestamp_seconds', seconds(lastSuccessAt), labels);
          if (failedFor === undefined) continue;
          for (const reason of FAILURE_REASONS)
            own('collector_failure_reason', reason === failedFor ? 1 : 0, `${labels},reason="${reason}"`);
        }
      }
      const valueOf = (name: string, value: number): number =>
        name.endsWith('_timestamp_seconds') ? Math.round(value - options.start / 1000) : value;
      for (const family of families) {
        if (family.scope !== 'fleet') continue;
        family.samples(
          snapshot,
          (value, ...values) => {
            const labels = family.labels.map((label, index) => `,${label}="${values[index] ?? ''}"`).join('');
            samples.push([`${family.name}{${target}${labels}}`, valueOf(family.name, value)]);
          },
          context,
        );
      }
      for (const state of states()) {
        let known = cache.get(state);
        if (known === undefined) {
          const { accountId, id, name } = state.tunnel;
          const tunnel = `${target},account_id="${accountId}",tunnel_id="${id}",tunnel_name="${name}"`;
          const rendered: Sample[] = [];
          for (const family of families) {
            if (family.scope !== 'tunnel') continue;
            family.samples(
              state,
              (value, ...values) => {
                const labels = family.labels
                  .map((label, index) => `,${label}="${values[index] ?? ''}"`)
                  .join('');
                rendered.push([`${family.name}{${tunnel}${labels}}`, valueOf(family.name, value)]);
              },
              context,
            );
          }
          known = rendered;
          cache.set(state, known);
        }
        samples.push(...known);
      }
      return samples;
    },
    stop: () => {
      running = false;
    },
    start: () => {
      running = true;
      startedAt = now();
      lastPollAt = undefined;
      snapshot = emptySnapshot(accounts, now());
    },
  };
}

/**
 * Sort key, smallest first: failed or never observed, then changed since, then the oldest
 * observation.
 */
function priority({ detailedAt, changedAt, connectors }: TunnelState): number {
  if (detailedAt === undefined || connectors.failedAt !== undefined) return -Infinity;
  return changedAt !== undefined && changedAt > detailedAt ? -1 : detailedAt;
}

function failure(reason: FailureReason): Result<never> {
  return { ok: false, failure: { reason, message: reason } };
}

function parsedOr<T>(parsed: { readonly ok: true; readonly value: T } | { readonly ok: false }): Result<T> {
  return parsed.ok ? parsed : failure('malformed');
}

function reasonOf(status: number): FailureReason {
  if (status === 429) return 'rate_limited';
  if (status === 404) return 'not_found';
  return status === 403 ? 'permission' : 'server';
}

function isUnconfigured({ configuration }: TunnelState): boolean {
  return configuration.at === undefined || configuration.failedAt !== undefined;
}
