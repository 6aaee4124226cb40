import { type FleetConnector, type FleetTunnel, respecified } from '../../src/simulator/index.ts';
import type { VirtualExporter } from './exporter.ts';
import { HOUR, MINUTE, type World } from './world.ts';

/** Events of normal operation. None of them should send a message. */
export const LIFE = [
  'moves',
  'deployments',
  'drains',
  'restarts',
  'laptops',
  'server errors',
  'rate limit',
  'exporter restarts',
] as const;
export type LifeKind = (typeof LIFE)[number];

export interface LifeEvent {
  readonly kind: LifeKind;
  /** The tunnel's name; `undefined` for all of them. */
  readonly tunnel: string | undefined;
  readonly at: number;
}

export interface LifeOptions {
  readonly kinds: ReadonlySet<LifeKind>;
  readonly exporters: readonly VirtualExporter[];
  /** When laptops go down, one after the other. */
  readonly evening: { readonly from: number; readonly to: number };
  readonly morning: { readonly from: number; readonly to: number };
  /** When the API blocks the token for five minutes. */
  readonly blockAt: number;
}

/** Mean time until Cloudflare moves a connection: four hours. */
const MOVE_EVERY_MS = 4 * HOUR;
const COLOS = ['lhr16', 'ams06', 'cdg04', 'fra08', 'iad07', 'sin02'];

/** Schedules a day of normal operation. The returned list of events grows while the day passes. */
export function live(
  world: World,
  { kinds, exporters, evening, morning, blockAt }: LifeOptions,
): readonly LifeEvent[] {
  const { fleet, random, start, end } = world;
  const events: LifeEvent[] = [];
  const note = (kind: LifeKind, tunnel?: string): void => {
    events.push({ kind, tunnel, at: world.now() });
  };
  const every = (kind: LifeKind, meanMs: number, happen: () => void): void => {
    if (!kinds.has(kind)) return;
    const next = (from: number): void => {
      const at = from - Math.log(1 - random.next()) * meanMs;
      if (at > end) return;
      world.at(at, () => {
        happen();
        next(at);
      });
    };
    next(start);
  };
  const cloudflareds = (): readonly FleetTunnel[] =>
    world.tunnels().filter(({ type }) => type === 'cfd_tunnel');

  const connections = cloudflareds().reduce(
    (sum, tunnel) => sum + tunnel.connectors.reduce((all, each) => all + each.connections.length, 0),
    0,
  );
  every('moves', MOVE_EVERY_MS / connections, () => {
    const tunnel = random.pick(cloudflareds().filter(({ connectors }) => connectors.length > 0));
    const connector = random.pick(tunnel.connectors);
    const connection = connector.connections[random.integer(0, connector.connections.length - 1)];
    if (connection === undefined) return;
    fleet.closeConnection({ connectorId: connector.id, connectionId: connection.id }, world.now());
    note('moves', tunnel.name);
    world.at(world.now() + random.integer(1000, 15_000), () => {
      if (fleet.connector(connector.id) !== undefined) fleet.openConnections(connector.id, world.now());
    });
  });

  const replace = (tunnel: FleetTunnel, connector: FleetConnector): void => {
    if (fleet.connector(connector.id) === undefined) return;
    const spec = respecified(connector);
    fleet.stopConnector(connector.id, world.now());
    world.at(world.now() + random.integer(5000, 25_000), () => {
      fleet.startConnector({ ...spec, tunnelId: tunnel.id }, world.now());
    });
  };
  every('deployments', 20 * MINUTE, () => {
    const tunnel = random.pick(cloudflareds().filter((each) => isOfLife(each) && each.connectors.length > 1));
    note('deployments', tunnel.name);
    for (const [index, connector] of tunnel.connectors.entries()) {
      world.at(world.now() + index * 90_000, () => {
        replace(tunnel, connector);
      });
    }
  });
  every('restarts', HOUR, () => {
    const tunnel = random.pick(cloudflareds().filter(({ name }) => name.startsWith('single-')));
    const [connector] = tunnel.connectors;
    if (connector === undefined) return;
    note('restarts', tunnel.name);
    replace(tunnel, connector);
  });
  every('drains', 3 * HOUR, () => {
    note('drains');
    fleet.drainColo(random.pick(COLOS), world.now());
  });

  if (kinds.has('laptops')) {
    for (const { id, name } of cloudflareds().filter((tunnel) => tunnel.name.startsWith('dev-'))) {
      world.at(random.integer(evening.from, evening.to), () => {
        note('laptops', name);
        const open = world.takeDown(id);
        world.at(random.integer(morning.from, morning.to), open);
      });
    }
  }

  const afterShare = (share: number): number => start + share * (end - start);
  const fault = (status: number, durationMs: number): void => {
    const added = world.simulation.faults.add({ effect: { kind: 'status', status } });
    world.at(world.now() + durationMs, added.remove);
  };
  if (kinds.has('server errors')) {
    for (const share of [0.19, 0.58]) {
      world.at(afterShare(share), () => {
        note('server errors');
        fault(503, 90_000);
      });
    }
  }
  if (kinds.has('rate limit')) {
    world.at(blockAt, () => {
      note('rate limit');
      fault(429, 4 * MINUTE);
    });
  }
  if (kinds.has('exporter restarts')) {
    for (const share of [0.23, 0.46, 0.67]) {
      for (const [index, exporter] of exporters.entries()) {
        world.at(afterShare(share) + index * MINUTE, () => {
          note('exporter restarts');
          exporter.stop();
        });
        world.at(afterShare(share) + index * MINUTE + 45_000, exporter.start);
      }
    }
  }
  return events;
}

function isOfLife({ name }: FleetTunnel): boolean {
  return !name.startsWith('inc-');
}
