import type { Fleet, FleetConnector, FleetTunnel } from './fleet-model.ts';
import { isHighlyAvailable } from './fleet-model.ts';
import { respecified } from './fleet-connectors.ts';
import { createQueue } from './queue.ts';
import { createRandom } from './random.ts';

export const HAPPENINGS = [
  'restart',
  'lost_connection',
  'outage',
  'drain',
  'rollout',
  'failover',
  'route',
] as const;
export type Happening = (typeof HAPPENINGS)[number];

export interface LifeOptions {
  /** Time between two happenings in the whole fleet. Default: 10 s to 20 s. */
  readonly everyMs?: { readonly low: number; readonly high: number };
  /** Relative frequency; 0 is never. */
  readonly weights?: Partial<Readonly<Record<Happening, number>>>;
  /** How long problems last. Default: 20 s to 60 s. */
  readonly repairAfterMs?: { readonly low: number; readonly high: number };
  /** Tunnels that only drains affect. */
  readonly leaveAlone?: readonly string[];
}

/** Something that happened, for a log. */
export interface LifeEvent {
  /** Milliseconds since the epoch. */
  readonly at: number;
  readonly happening: Happening | 'repaired';
  /** The tunnel's id; '' for a drain. */
  readonly tunnelId: string;
  readonly what: string;
}

export interface Life {
  /**
   * Lets everything up to this time happen, in order. Many small steps have the same result as one
   * large step.
   */
  readonly advance: (now: number) => readonly LifeEvent[];
}

const WEIGHTS: Readonly<Record<Happening, number>> = {
  restart: 5,
  lost_connection: 4,
  outage: 2,
  drain: 2,
  rollout: 3,
  failover: 2,
  route: 0,
};

/** Random tunnels tried before another kind of happening is chosen. */
const TRIES = 40;

interface Happened {
  readonly tunnelId: string;
  readonly what: string;
}

export function createLife(
  options: LifeOptions & { readonly fleet: Fleet; readonly seed: number; readonly start: number },
): Life {
  const { fleet } = options;
  const random = createRandom(options.seed).fork('life');
  const every = options.everyMs ?? { low: 10_000, high: 20_000 };
  const repairTimes = options.repairAfterMs ?? { low: 20_000, high: 60_000 };
  const weights = { ...WEIGHTS, ...options.weights };
  const alone = new Set(options.leaveAlone);
  const queue = createQueue<() => LifeEvent | undefined>();
  let next = options.start + random.integer(every.low, every.high);

  const between = (range: { readonly low: number; readonly high: number }): number =>
    random.integer(range.low, range.high);

  /** A random tunnel that fits, or undefined after TRIES attempts; fast in a fleet of any size. */
  function someTunnel(fits: (tunnel: FleetTunnel) => boolean): FleetTunnel | undefined {
    const accounts = fleet.accounts().filter(({ id }) => fleet.tunnels(id).length > 0);
    if (accounts.length === 0) return undefined;
    for (let tries = 0; tries < TRIES; tries += 1) {
      const tunnel = random.pick(fleet.tunnels(random.pick(accounts).id));
      if (tunnel.deletedAt === undefined && !alone.has(tunnel.id) && fits(tunnel)) return tunnel;
    }
    return undefined;
  }

  function scheduleRepair(after: number, repair: (at: number) => Happened | undefined): void {
    const at = after + between(repairTimes);
    queue.add(at, () => {
      const happened = repair(at);
      return happened === undefined ? undefined : { at, happening: 'repaired', ...happened };
    });
  }

  function startsAgain(stopped: FleetConnector, tunnelId: string): (at: number) => Happened | undefined {
    return (at) => {
      if (!exists(fleet.tunnel(tunnelId))) return undefined;
      // An offline HA connector is replaced by a new process.
      if (fleet.connector(stopped.id) !== undefined) {
        if (fleet.connector(stopped.id)?.haStatus !== 'offline') return undefined;
        fleet.restartConnector(stopped.id, at);
      } else fleet.startConnector({ ...respecified(stopped), tunnelId }, at);
      return { tunnelId, what: 'a connector started' };
    };
  }

  const happenings: Readonly<Record<Happening, (at: number) => Happened | undefined>> = {
    restart: (at) => {
      const tunnel = someTunnel(({ connectors }) => connectors.some(isServing));
      if (tunnel === undefined) return undefined;
      const connector = fleet.stopConnector(random.pick(tunnel.connectors.filter(isServing)).id, at);
      scheduleRepair(at, startsAgain(connector, tunnel.id));
      return { tunnelId: tunnel.id, what: `connector ${connector.id} stopped to start again` };
    },
    lost_connection: (at) => {
      const tunnel = someTunnel(
        ({ type, connectors }) => type === 'cfd_tunnel' && connectors.some(isComplete),
      );
      if (tunnel === undefined) return undefined;
      const connector = random.pick(tunnel.connectors.filter(isComplete));
      const connection = random.pick(connector.connections);
      fleet.closeConnection({ connectorId: connector.id, connectionId: connection.id }, at);
      scheduleRepair(at, (then) => {
        if (fleet.connector(connector.id) === undefined) return undefined;
        fleet.openConnections(connector.id, then);
        return { tunnelId: tunnel.id, what: 'the lost connection opened again' };
      });
      return { tunnelId: tunnel.id, what: `a connection to ${connection.colo} was lost` };
    },
    outage: (at) => {
      const tunnel = someTunnel(({ connectors }) => connectors.some(isServing));
      if (tunnel === undefined) return undefined;
      const stopped = tunnel.connectors.filter(isServing).map(({ id }) => fleet.stopConnector(id, at));
      for (const connector of stopped) scheduleRepair(at, startsAgain(connector, tunnel.id));
      return { tunnelId: tunnel.id, what: 'every connector stopped' };
    },
    drain: (at) => {
      const tunnel = someTunnel(({ connectors }) => connectors.some(isServing));
      const connector = tunnel?.connectors.find(isServing);
      if (connector === undefined) return undefined;
      const { colo } = random.pick(connector.connections);
      const moved = fleet.drainColo(colo, at);
      return { tunnelId: '', what: `${colo} drained, ${moved} connections moved` };
    },
    rollout: (at) => {
      const tunnel = someTunnel(
        ({ type, configuration, connectors }) =>
          type === 'cfd_tunnel' && configuration.config !== null && connectors.some(isServing),
      );
      if (tunnel === undefined) return undefined;
      const config = changedConfig(tunnel.configuration.config ?? {});
      const { version } = fleet.putConfiguration({ tunnelId: tunnel.id, config }, at);
      return { tunnelId: tunnel.id, what: `configuration version ${version} rolls out` };
    },
    failover: (at) => {
      const tunnel = someTunnel(
        ({ haMode, connectors }) => isHighlyAvailable(haMode) && connectors.some(isPassive),
      );
      if (tunnel === undefined) return undefined;
      const clientId = random.pick(tunnel.connectors.filter(isPassive)).id;
      fleet.failOver({ tunnelId: tunnel.id, clientId }, at);
      return { tunnelId: tunnel.id, what: `failed over to ${clientId}` };
    },
    route: (at) => {
      const tunnel = someTunnel(({ connectors }) => connectors.some(isServing));
      if (tunnel === undefined) return undefined;
      const added = fleet
        .routes(tunnel.accountId)
        .find(({ comment, deletedAt }) => comment === OFFICE && deletedAt === undefined);
      if (added !== undefined) {
        fleet.removeRoute(added.id, at);
        return { tunnelId: added.tunnelId, what: `${added.target} is no longer routed` };
      }
      const target = `198.18.${random.integer(0, 255)}.0/24`;
      fleet.addRoute({ tunnelId: tunnel.id, kind: 'network', target, comment: OFFICE }, at);
      return { tunnelId: tunnel.id, what: `${target} is routed here` };
    },
  };

  /** The order in which kinds are tried: the first is drawn by weight. */
  function tryOrder(): readonly Happening[] {
    const possible = HAPPENINGS.filter((kind) => weights[kind] > 0);
    const total = possible.reduce((sum, kind) => sum + weights[kind], 0);
    let draw = random.next() * total;
    const first = possible.find((kind) => (draw -= weights[kind]) < 0);
    return first === undefined ? possible : [first, ...possible.filter((kind) => kind !== first)];
  }

  function happen(at: number): LifeEvent | undefined {
    for (const happening of tryOrder()) {
      const happened = happenings[happening](at);
      if (happened !== undefined) return { at, happening, ...happened };
    }
    return undefined;
  }

  /** Connectors that the API removed: their processes still run and connect again with their ids. */
  function noteEvicted(): void {
    for (const { tunnelId, connector, at } of fleet.takeEvicted()) {
      scheduleRepair(at, (then) => {
        if (!exists(fleet.tunnel(tunnelId)) || fleet.connector(connector.id) !== undefined) return undefined;
        fleet.readmitConnector({ tunnelId, connector }, then);
        return { tunnelId, what: 'a removed connector connected again' };
      });
    }
  }

  return {
    advance: (now) => {
      noteEvicted();
      const events: LifeEvent[] = [];
      for (;;) {
        const repairAt = queue.nextAt();
        const at = Math.min(next, repairAt ?? Infinity);
        if (at > now) return events;
        let event: LifeEvent | undefined;
        if (at === repairAt) event = queue.take()?.();
        else {
          next = at + between(every);
          event = happen(at);
        }
        if (event !== undefined) events.push(event);
      }
    },
  };
}

function exists(tunnel: FleetTunnel | undefined): boolean {
  return tunnel !== undefined && tunnel.deletedAt === undefined;
}

function isServing({ connections }: FleetConnector): boolean {
  return connections.length > 0;
}

function isComplete({ connections, wantedConnections }: FleetConnector): boolean {
  return connections.length > 0 && connections.length >= wantedConnections;
}

function isPassive({ haStatus }: FleetConnector): boolean {
  return haStatus === 'passive';
}

/** Marks the one route of an account that is added and removed again, so that the list does not grow. */
const OFFICE = 'moving office';

function isCanary(rule: unknown): boolean {
  return JSON.stringify(rule) === JSON.stringify(CANARY);
}

const CANARY = { hostname: 'canary.example.com', service: 'http://canary.internal:8080' };

/** Adds a canary rule before the others, or removes it, so that the list does not grow. */
function changedConfig(config: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  const given: readonly unknown[] = Array.isArray(config['ingress']) ? config['ingress'] : [];
  const rules = given.length > 0 ? given : [{ service: 'http_status:404' }];
  const ingress = rules.some(isCanary) ? rules.filter((rule) => !isCanary(rule)) : [CANARY, ...rules];
  return { ...config, ingress };
}
