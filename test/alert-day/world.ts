import {
  createQueue,
  createRandom,
  createSimulation,
  type Fleet,
  type FleetTunnel,
  type Random,
  respecified,
  type Simulation,
} from '../../src/simulator/index.ts';
import { fleetOf } from './fleet.ts';

export const MINUTE = 60_000;
export const HOUR = 60 * MINUTE;

/** The simulated fleet in virtual time, and its scheduled events. */
export interface World {
  readonly simulation: Simulation;
  readonly fleet: Fleet;
  readonly random: Random;
  readonly start: number;
  readonly end: number;
  readonly now: () => number;
  readonly at: (time: number, happen: () => void) => void;
  readonly advanceTo: (time: number) => void;
  /** Tunnels that are not deleted. */
  readonly tunnels: () => readonly FleetTunnel[];
  readonly named: (name: string) => FleetTunnel;
  /** Stops every connector of a tunnel. Returns a function that starts the same machines again. */
  readonly takeDown: (tunnelId: string) => () => void;
}

export interface WorldOptions {
  readonly seed: number;
  readonly start: number;
  readonly durationMs: number;
  readonly tunnels: number;
}

export function createWorld({ seed, start, durationMs, tunnels }: WorldOptions): World {
  const random = createRandom(seed).fork('alert-day');
  const queue = createQueue<() => void>();
  let now = start;
  const simulation = createSimulation({
    seed,
    now: () => now,
    accounts: fleetOf(tunnels, { random, now }),
    rateLimit: { requests: Infinity },
    keepRequests: 1,
  });
  const { fleet } = simulation;
  const all = (): readonly FleetTunnel[] =>
    fleet
      .accounts()
      .flatMap(({ id }) => fleet.tunnels(id))
      .filter(({ deletedAt }) => deletedAt === undefined);
  return {
    simulation,
    fleet,
    random,
    start,
    end: start + durationMs,
    now: () => now,
    at: queue.add,
    advanceTo: (time) => {
      for (let next = queue.nextAt(); next !== undefined && next <= time; next = queue.nextAt()) {
        now = Math.max(now, next);
        queue.take()?.();
      }
      now = time;
    },
    tunnels: all,
    named: (name) => {
      const found = all().find((tunnel) => tunnel.name === name);
      if (found === undefined) throw new Error(`No tunnel ${name} in the fleet`);
      return found;
    },
    takeDown: (tunnelId) => {
      const specs = (fleet.tunnel(tunnelId)?.connectors ?? []).map((connector) => {
        const spec = respecified(connector);
        fleet.stopConnector(connector.id, now);
        return spec;
      });
      return () => {
        for (const spec of specs) fleet.startConnector({ ...spec, tunnelId }, now);
      };
    },
  };
}
