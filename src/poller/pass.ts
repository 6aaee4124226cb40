import { setTimeout as sleep } from 'node:timers/promises';
import type { Config } from '../config/config.ts';
import type { Observation } from '../core/model.ts';
import { isSelected } from '../core/select.ts';
import { turn } from '../turn.ts';
import type { TokenGroup } from './budget-group.ts';
import { createDetails } from './details.ts';
import type { SnapshotStore } from './store.ts';

export interface PassesOptions {
  readonly tunnels: Config['tunnels'];
  readonly concurrency: number;
  readonly pollIntervalMs: number;
  /** When a list is too old to show: a pass that takes longer lists anew before. */
  readonly staleAfterMs: number;
  readonly store: SnapshotStore;
  readonly clock: () => number;
  /** Whether the time has passed; not where the signal came first. Default: by the machine's timer. */
  readonly pause?: (milliseconds: number, signal: AbortSignal) => Promise<boolean>;
}

export interface PassOutcome {
  readonly observations: readonly Observation[];
  /** Tunnels that are due and that the budget did not allow to be observed. */
  readonly waiting: number;
}

/** What is done with one token: polls, and between them the details that its budget did not allow at once. */
export interface Passes {
  /**
   * Lists first; each account is published as soon as its walk is done, and its changed tunnels are observed at once,
   * however long other accounts take. Then as many other tunnels as the budget allows.
   */
  readonly poll: (signal: AbortSignal) => Promise<PassOutcome>;
  /** Goes on observing as the budget refills, until no tunnel waits or `ended` is aborted. Never rejects for an abort. */
  readonly goOn: (signals: {
    readonly stopped: AbortSignal;
    readonly ended: AbortSignal;
  }) => Promise<PassOutcome>;
  /** Lists, and then every tunnel, however long the budget makes that take. */
  readonly once: (signal: AbortSignal) => Promise<PassOutcome>;
}

const NOTHING: PassOutcome = { observations: [], waiting: 0 };

export function createPasses(group: TokenGroup, options: PassesOptions): Passes {
  const { accounts, client } = group;
  const { store, clock, tunnels, pause = timerPause } = options;
  const onlyId = tunnels.ids.length === 1 ? tunnels.ids[0] : undefined;
  const details = createDetails({ ...options, accounts, client, token: group.token });

  const walk = async (
    account: { readonly id: string },
    signal: AbortSignal,
  ): Promise<readonly Observation[]> => {
    const observations = await client.listTunnels(
      { id: account.id, tunnelId: onlyId },
      tunnels.types,
      signal,
    );
    const selected = observations.map((observation) => select(observation, tunnels));
    await turn();
    if (!signal.aborted) store.apply(selected);
    return selected;
  };

  /** While Cloudflare refuses, nothing more is to be learned. */
  const everything = async (signal: AbortSignal): Promise<PassOutcome> => {
    const observations: Observation[] = [];
    const asked = new Set<string>();
    let listedAt = clock();
    for (;;) {
      const round = await details.round({ signal, scope: 'once', asked });
      observations.push(...round.observations);
      const isOver = round.unafforded === 0 || client.budget.blockedUntil() !== undefined;
      if (isOver) return { observations, waiting: round.waiting };
      if (!(await pause(details.nextRoundMs(), signal))) return NOTHING;
      if (clock() - listedAt < options.staleAfterMs / 2) continue;
      // A fleet larger than the budget takes longer than a list may be old.
      const walks = await Promise.all(accounts.map((account) => walk(account, signal)));
      observations.push(...walks.flat());
      listedAt = clock();
    }
  };

  /** Walks, and whatever these show to be urgent; then the rest. */
  const pass = async (signal: AbortSignal, rest: () => Promise<PassOutcome>): Promise<PassOutcome> => {
    const walks = await Promise.all(
      accounts.map(async (account) => {
        const walked = await walk(account, signal);
        if (signal.aborted) return walked;
        const { observations } = await details.round({ signal, accounts: [account], scope: 'urgent' });
        return [...walked, ...observations];
      }),
    );
    if (signal.aborted) return NOTHING;
    const idle = await details.idle();
    const { observations, waiting } = await rest();
    if (signal.aborted) return NOTHING;
    store.apply(idle);
    return { observations: [...walks.flat(), ...observations, ...idle], waiting };
  };

  return {
    poll: (signal) => pass(signal, () => details.round({ signal })),
    once: (signal) => pass(signal, () => everything(signal)),
    goOn: async ({ stopped, ended }) => {
      const observations: Observation[] = [];
      let waiting = Infinity;
      while (waiting > 0 && (await pause(details.nextRoundMs(), ended))) {
        const round = await details.round({ signal: stopped });
        observations.push(...round.observations);
        waiting = round.waiting;
      }
      return { observations, waiting: waiting === Infinity ? 0 : waiting };
    },
  };
}

function select(observation: Observation, tunnels: Config['tunnels']): Observation {
  if (observation.kind !== 'tunnels' || !observation.result.ok) return observation;
  const value = observation.result.value.filter(({ tunnel }) => isSelected(tunnel, tunnels));
  return { ...observation, result: { ok: true, value } };
}

async function timerPause(milliseconds: number, signal: AbortSignal): Promise<boolean> {
  await sleep(milliseconds, undefined, { signal }).catch(() => undefined);
  return !signal.aborted;
}
