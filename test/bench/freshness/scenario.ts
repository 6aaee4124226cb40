import {
  type AccountSpec,
  createQueue,
  createRandom,
  createSimulation,
  type Random,
  sampleAccounts,
  type Simulation,
  SIMULATOR_TOKEN,
} from '../../../src/simulator/index.ts';

/** What happens to a fleet, and when each happening was noticed. */
export type ChangeKind = 'status' | 'restart' | 'failover';

export interface Change {
  readonly kind: ChangeKind;
  readonly tunnelId: string;
  readonly at: number;
  noticedAt: number | undefined;
}

export interface Scenario {
  readonly simulation: Simulation;
  readonly accountIds: readonly string[];
  readonly start: number;
  readonly now: () => number;
  /** Advances the clock and executes the events due until then. */
  readonly advanceTo: (at: number) => void;
  /** Marks changes as noticed that an observation of the tunnel's connections shows now. */
  readonly observed: (tunnelId: string) => void;
  /** Marks changes as noticed that a list of the account shows, this many milliseconds from now. */
  readonly listed: (accountId: string, afterMs: number) => void;
  readonly changes: readonly Change[];
}

export interface ScenarioOptions {
  /** Of all accounts together. */
  readonly tunnels: number;
  readonly accounts: number;
  readonly seed: number;
  /** No changes after this many milliseconds. */
  readonly changesForMs: number;
}

export const TOKEN = SIMULATOR_TOKEN;
const HOUR = 3_600_000;
/** One tunnel in ten is hot, and the hot ones make nine changes in ten. */
const HOT_SHARE = 0.1;
const HOT_INTERVAL_MS = 30 * 60_000;
const COLD_INTERVAL_MS = HOT_INTERVAL_MS * 81;
/** Hidden restarts per visible outage. */
const RESTARTS_PER_OUTAGE = 10;
const OUTAGE_MS = 5 * 60_000;
const FAILOVER_INTERVAL_MS = 2 * HOUR;
const START = Date.UTC(2026, 0, 1);

export function createScenario({ tunnels, accounts, seed, changesForMs }: ScenarioOptions): Scenario {
  const random = createRandom(seed);
  let now = START;
  const simulation = createSimulation({
    seed,
    now: () => now,
    accounts: withPast(
      sampleAccounts({
        seed,
        now: START,
        accounts,
        tunnels,
        warpConnectors: Math.max(2, Math.round(tunnels / 50)),
      }),
      random,
    ),
    keepRequests: 1,
  });
  const { fleet } = simulation;
  const accountIds = fleet.accounts().map(({ id }) => id);
  const queue = createQueue<(at: number) => void>();
  const changes: Change[] = [];
  const pending = new Map<string, Change[]>();
  const end = START + changesForMs;

  const note = (kind: ChangeKind, tunnelId: string, at: number): void => {
    const change: Change = { kind, tunnelId, at, noticedAt: undefined };
    changes.push(change);
    pending.set(tunnelId, [...(pending.get(tunnelId) ?? []), change]);
  };
  const notice = (tunnelId: string, at: number, tells: (kind: ChangeKind) => boolean): void => {
    const open = pending.get(tunnelId);
    if (open === undefined) return;
    for (const change of open) if (tells(change.kind)) change.noticedAt = at;
    const rest = open.filter(({ noticedAt }) => noticedAt === undefined);
    if (rest.length === 0) pending.delete(tunnelId);
    else pending.set(tunnelId, rest);
  };
  /** Repeats at random with this mean interval, until the end of changes. */
  const repeat = (meanMs: number, act: (at: number) => void): void => {
    const schedule = (from: number): void => {
      const at = from - Math.log(1 - random.next()) * meanMs;
      if (at > end) return;
      queue.add(at, (due) => {
        act(due);
        schedule(due);
      });
    };
    schedule(START);
  };

  const restart = (tunnelId: string, at: number): void => {
    const connector = fleet.tunnel(tunnelId)?.connectors[0];
    if (connector === undefined) return;
    fleet.restartConnector(connector.id, at);
    note('restart', tunnelId, at);
  };
  const outage = (tunnelId: string, at: number): void => {
    const connectors = fleet.tunnel(tunnelId)?.connectors ?? [];
    if (connectors.length === 0) return;
    for (const { id } of connectors) fleet.stopConnector(id, at);
    note('status', tunnelId, at);
    queue.add(at + OUTAGE_MS, (due) => {
      for (const connector of connectors) fleet.startConnector({ tunnelId, colos: connector.colos }, due);
      note('status', tunnelId, due);
    });
  };
  const failOver = (tunnelId: string, at: number): void => {
    const passive = fleet.tunnel(tunnelId)?.connectors.find(({ haStatus }) => haStatus === 'passive');
    if (passive === undefined) return;
    fleet.failOver({ tunnelId, clientId: passive.id }, at);
    note('failover', tunnelId, at);
  };

  let index = -1;
  for (const accountId of accountIds) {
    for (const { id, type } of fleet.tunnels(accountId)) {
      index += 1;
      if (type === 'warp_connector') {
        repeat(FAILOVER_INTERVAL_MS, (at) => failOver(id, at));
        continue;
      }
      const meanMs = restartInterval(index);
      repeat(meanMs, (at) => restart(id, at));
      repeat(meanMs * RESTARTS_PER_OUTAGE, (at) => outage(id, at));
    }
  }

  return {
    simulation,
    accountIds,
    start: START,
    now: () => now,
    advanceTo: (at) => {
      for (let due = queue.nextAt(); due !== undefined && due <= at; due = queue.nextAt()) {
        now = due;
        queue.take()?.(due);
      }
      now = at;
    },
    observed: (tunnelId) => notice(tunnelId, now, (kind) => kind !== 'status'),
    listed: (accountId, afterMs) => {
      for (const tunnelId of pending.keys()) {
        if (fleet.tunnel(tunnelId)?.accountId === accountId)
          notice(tunnelId, now + afterMs, (kind) => kind === 'status');
      }
    },
    changes,
  };
}

function restartInterval(index: number): number {
  return index % (1 / HOT_SHARE) === 0 ? HOT_INTERVAL_MS : COLD_INTERVAL_MS;
}

/** Sets the last restart of one connector of each tunnel to a time that fits its rate. */
function withPast(accounts: readonly AccountSpec[], random: Random): readonly AccountSpec[] {
  let index = -1;
  return accounts.map((account) => ({
    ...account,
    tunnels: (account.tunnels ?? []).map((tunnel) => {
      index += 1;
      const [first, ...others] = tunnel.connectors ?? [];
      if (first === undefined || tunnel.type === 'warp_connector') return tunnel;
      const startedAt = START + Math.log(1 - random.next()) * restartInterval(index);
      const old = others.map((connector) => ({ ...connector, startedAt: START - 30 * 24 * HOUR }));
      return { ...tunnel, connectors: [{ ...first, startedAt }, ...old] };
    }),
  }));
}
