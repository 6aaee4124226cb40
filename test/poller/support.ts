import { setImmediate } from 'node:timers/promises';
import { onTestFinished } from 'vitest';
import { type ClientHooks, createClient } from '../../src/cloudflare/client.ts';
import { openLiveToken, type LiveToken } from '../../src/cloudflare/live-token.ts';
import type { TokenSource } from '../../src/config/config.ts';
import type { AccountState, Snapshot, TunnelState } from '../../src/core/snapshot.ts';
import { createRequestLoop, type PollOutcome, type RequestLoop } from '../../src/poller/loop.ts';
import { createSnapshotStore, type SnapshotStore } from '../../src/poller/store.ts';
import type { BudgetGroup, TokenGroup } from '../../src/poller/loop.ts';
import {
  createSimulator,
  type Simulator,
  SIMULATOR_TOKEN,
  type SimulatorOptions,
  type TunnelSpec,
} from '../../src/simulator/index.ts';
import { aConfig, type ConfigParts } from '../support/config.ts';

export const ACCOUNT = 'a'.repeat(32);
export const OTHER_ACCOUNT = 'b'.repeat(32);

export interface RigOptions {
  readonly simulator?: SimulatorOptions;
  readonly config?: ConfigParts;
  /** Default: ACCOUNT. */
  readonly accounts?: readonly string[];
  /** Default: the simulator's own. */
  readonly token?: TokenSource;
  /** Some of the accounts have a token of their own. */
  readonly other?: { readonly accounts: readonly string[]; readonly token: string };
  /** Default: 30 s. */
  readonly pollIntervalMs?: number;
  /** Default: the simulator's. */
  readonly apiUrl?: string;
  readonly hooks?: ClientHooks;
  /** Receives errors that no answer should cause. */
  readonly onError?: (error: unknown) => void;
  /** Receives every new snapshot. */
  readonly onChange?: (snapshot: Snapshot) => void;
}

export interface Rig {
  readonly simulator: Simulator;
  readonly store: SnapshotStore;
  readonly group: TokenGroup;
  /** Of every token: `group` first. */
  readonly groups: readonly Pick<BudgetGroup, 'tokens'>[];
  readonly token: LiveToken;
  /** The exporter's; the simulated API keeps the machine's. */
  readonly clock: {
    readonly now: () => number;
    readonly pass: (ms: number) => void;
    /** Sets the wall clock. The monotonic clock is not affected. */
    readonly jump: (ms: number) => void;
  };
  readonly loop: RequestLoop;
  readonly otherLoop: RequestLoop;
  /** One poll. */
  readonly poll: (signal?: AbortSignal) => Promise<PollOutcome>;
  /** Throws if there is no such account. */
  readonly account: (id?: string) => AccountState;
  /** A tunnel of ACCOUNT by name. Throws if it is not shown. */
  readonly tunnel: (name: string) => TunnelState;
  readonly names: (accountId?: string) => readonly string[];
}

/** The accounts of one token with a simulated API and a clock that only the test moves. Closed when the test ends. */
export async function aRig(options: RigOptions = {}): Promise<Rig> {
  const simulator = await createSimulator(options.simulator);
  onTestFinished(() => simulator.close());
  const config = aConfig({
    ...options.config,
    cloudflare: { apiUrl: options.apiUrl ?? simulator.url, ...options.config?.cloudflare },
  });
  let passed = 0;
  let start = Date.now();
  const now = (): number => start + passed;
  const accounts = (options.accounts ?? [ACCOUNT]).map((id) => ({ id, name: '' }));
  const store = createSnapshotStore({
    accounts,
    staleAfterMs: config.poll.staleAfterMs,
    clock: now,
    onChange: options.onChange ?? (() => undefined),
  });
  onTestFinished(() => store.stop());
  const groupOf = async (source: TokenSource, isIts: (id: string) => boolean): Promise<TokenGroup> => {
    const token = await openLiveToken(source);
    const client = createClient({
      config: config.cloudflare,
      token,
      clock: now,
      monotonic: () => passed,
      random: () => 0,
      version: '1.2.3',
      ...(options.hooks === undefined ? {} : { hooks: options.hooks }),
    });
    onTestFinished(() => client.close());
    return { accounts: accounts.filter(({ id }) => isIts(id)), token, client };
  };
  const loopOf = (group: TokenGroup): RequestLoop =>
    createRequestLoop(
      { tokens: [group] },
      {
        tunnels: config.tunnels,
        concurrency: config.cloudflare.concurrency,
        pollIntervalMs: options.pollIntervalMs ?? 30_000,
        staleAfterMs: config.poll.staleAfterMs,
        store,
        clock: now,
        ...(options.onError === undefined ? {} : { onError: options.onError }),
        // A pause advances the clock at once.
        pause: async (ms, signal) => {
          await setImmediate();
          passed += ms;
          return !signal.aborted;
        },
      },
    );
  const { accounts: others = [], token: otherToken = '' } = options.other ?? {};
  const group = await groupOf(
    options.token ?? { kind: 'value', value: SIMULATOR_TOKEN },
    (id) => !others.includes(id),
  );
  const otherGroup = await groupOf({ kind: 'value', value: otherToken }, (id) => others.includes(id));
  const loop = loopOf(group);
  const account = (id = ACCOUNT): AccountState => {
    const state = store.current().accounts.get(id);
    if (state === undefined) throw new Error(`Cannot find account: current value is ${id}`);
    return state;
  };
  const tunnels = (id?: string): readonly TunnelState[] => [...account(id).tunnels.values()];
  return {
    simulator,
    store,
    group,
    groups: (others.length === 0 ? [group] : [group, otherGroup]).map((each) => ({ tokens: [each] })),
    token: group.token,
    clock: { now, pass: (ms) => void (passed += ms), jump: (ms) => void (start += ms) },
    loop,
    otherLoop: loopOf(otherGroup),
    poll: (signal = new AbortController().signal) => loop.poll(signal),
    account,
    tunnel: (name) => {
      const state = tunnels().find(({ tunnel }) => tunnel.name === name);
      if (state === undefined) throw new Error(`Cannot find tunnel: current value is ${name}`);
      return state;
    },
    names: (id) => tunnels(id).map(({ tunnel }) => tunnel.name),
  };
}

/** ACCOUNT with these tunnels; a name alone is a healthy cloudflared tunnel with one connector. */
export function fleetOf(
  ...tunnels: readonly (string | TunnelSpec)[]
): Required<Pick<SimulatorOptions, 'accounts'>> {
  return { accounts: [{ id: ACCOUNT, name: 'One', tunnels: tunnels.map(specOf) }] };
}

export function specOf(tunnel: string | TunnelSpec): TunnelSpec {
  return typeof tunnel === 'string' ? { name: tunnel, connectors: [{}] } : tunnel;
}

/** `tunnel-0`, `tunnel-1`, … */
export function numbered(count: number): readonly string[] {
  return Array.from({ length: count }, (_, index) => `tunnel-${index}`);
}
