import { Gauge, type Registry } from 'prom-client';
import type { BudgetView } from '../cloudflare/budget.ts';
import type { DiscoveryStatus } from '../core/discovery.ts';
import { COLLECTORS, FAILURE_REASONS } from '../core/model.ts';
import type { AccountState, CollectorState, Snapshot } from '../core/snapshot.ts';

export const PREFIX = 'cloudflare_tunnel_exporter_';

export type ShownBudget = Pick<BudgetView, 'requests' | 'available' | 'blockedUntil'>;

type Give = (value: number, labels?: Readonly<Record<string, string>>) => void;

/** A gauge whose samples are computed at every scrape. */
interface ScrapedGauge {
  readonly name: string;
  readonly help: string;
  readonly labelNames: readonly string[];
  readonly samples: (give: Give) => void;
}

export function registerScraped(registry: Registry, gauges: readonly ScrapedGauge[]): void {
  for (const { name, help, labelNames, samples } of gauges) {
    const gauge: Gauge = new Gauge({
      name: PREFIX + name,
      help,
      labelNames: [...labelNames],
      registers: [registry],
      collect: () => {
        gauge.reset();
        // reset() sets a gauge without labels to 0.
        if (labelNames.length === 0) gauge.remove();
        samples((value, labels = {}) => {
          gauge.set(labels, value);
        });
      },
    });
  }
}

/** Computed once per snapshot, not at every scrape, because there may be thousands of tunnels. */
function createOldestObservation(): (tunnels: AccountState['tunnels']) => number | undefined {
  const known = new WeakMap<AccountState['tunnels'], number>();
  return (tunnels) => {
    let oldest = known.get(tunnels);
    if (oldest === undefined) {
      oldest = Infinity;
      for (const { connectors } of tunnels.values()) oldest = Math.min(oldest, connectors.at ?? Infinity);
      known.set(tunnels, oldest);
    }
    return oldest === Infinity ? undefined : oldest;
  };
}

export function snapshotGauges(snapshot: () => Snapshot): readonly ScrapedGauge[] {
  const accounts = (): readonly AccountState[] => [...snapshot().accounts.values()];
  const oldestObservation = createOldestObservation();
  return [
    {
      name: 'account_up',
      help: "Whether the last list of the account's tunnels was complete, for every configured tunnel type.",
      labelNames: ['account_id'],
      samples: (give) => {
        for (const { id, up } of accounts()) if (up !== undefined) give(up ? 1 : 0, { account_id: id });
      },
    },
    {
      name: 'list_interval_seconds',
      help: 'Planned time between two lists of the account.',
      labelNames: ['account_id'],
      samples: (give) => {
        for (const { id, list } of accounts())
          if (list.intervalMs !== undefined) give(list.intervalMs / 1000, { account_id: id });
      },
    },
    {
      name: 'collector_success',
      help: 'Whether the last poll of a collector had no failure; absent before the first.',
      labelNames: ['account_id', 'collector'],
      samples: (give) => {
        for (const { labels, success } of accounts().flatMap(collectorsOf)) {
          if (success !== undefined) give(success ? 1 : 0, labels);
        }
      },
    },
    {
      name: 'collector_failure_reason',
      help: 'Why a collector fails: 1 for the reason, 0 for the others; absent while it succeeds.',
      labelNames: ['account_id', 'collector', 'reason'],
      samples: (give) => {
        for (const { labels, failedFor } of accounts().flatMap(collectorsOf)) {
          if (failedFor === undefined) continue;
          for (const reason of FAILURE_REASONS) give(reason === failedFor ? 1 : 0, { ...labels, reason });
        }
      },
    },
    {
      name: 'collector_last_success_timestamp_seconds',
      help: 'When a collector last had a poll without failure; absent before the first.',
      labelNames: ['account_id', 'collector'],
      samples: (give) => {
        for (const { labels, lastSuccessAt } of accounts().flatMap(collectorsOf)) {
          if (lastSuccessAt !== undefined) give(lastSuccessAt / 1000, labels);
        }
      },
    },
    {
      name: 'detail_oldest_observation_timestamp_seconds',
      help: "When the least recently observed tunnel's connections were observed; absent if none is observed.",
      labelNames: ['account_id'],
      samples: (give) => {
        for (const { id, tunnels } of accounts()) {
          const at = oldestObservation(tunnels);
          if (at !== undefined) give(at / 1000, { account_id: id });
        }
      },
    },
  ];
}

function collectorsOf(
  account: AccountState,
): readonly (CollectorState & { readonly labels: Record<string, string> })[] {
  return COLLECTORS.map((collector) => ({
    ...account.collectors[collector],
    labels: { account_id: account.id, collector },
  }));
}

/** Each owner of tokens has a budget; the sums cover all owners. */
export function budgetGauges(budgets: () => readonly ShownBudget[]): readonly ScrapedGauge[] {
  return [
    {
      name: 'api_budget_requests',
      help: 'Requests per five minutes that the exporter allows itself, summed over all owners of tokens.',
      labelNames: [],
      samples: (give) => {
        give(budgets().reduce((sum, { requests }) => sum + requests, 0));
      },
    },
    {
      name: 'api_budget_available',
      help: 'Requests that could be sent at once, summed over all owners of tokens.',
      labelNames: [],
      samples: (give) => {
        give(budgets().reduce((sum, { available }) => sum + Math.floor(available()), 0));
      },
    },
    {
      name: 'api_blocked_until_timestamp_seconds',
      help: 'Until when Cloudflare refuses requests (the latest of all owners of tokens); 0 if no owner is blocked.',
      labelNames: [],
      samples: (give) => {
        give(Math.max(0, ...budgets().map(({ blockedUntil }) => (blockedUntil() ?? 0) / 1000)));
      },
    },
  ];
}

export function discoveryGauges(discovery: () => DiscoveryStatus | undefined): readonly ScrapedGauge[] {
  return [
    {
      name: 'discovery_success',
      help: 'Whether the last list of accounts was complete for every token that discovers accounts; absent without discovery.',
      labelNames: [],
      samples: (give) => {
        const success = discovery()?.success;
        if (success !== undefined) give(success ? 1 : 0);
      },
    },
    {
      name: 'discovery_last_success_timestamp_seconds',
      help: 'When the list of accounts was last complete (the oldest of several tokens); absent before the first.',
      labelNames: [],
      samples: (give) => {
        const at = discovery()?.lastSuccessAt;
        if (at !== undefined) give(at / 1000);
      },
    },
  ];
}
