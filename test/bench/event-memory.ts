import { type EventHistory, NO_EVENTS, numbered, recorded } from '../../src/core/events.ts';
import { eventsBetween } from '../../src/core/events-between.ts';
import type { Route } from '../../src/core/model.ts';
import type { Snapshot } from '../../src/core/snapshot.ts';
import {
  aConnector,
  aDownTunnel,
  anAccount,
  aSnapshot,
  aTunnel,
  connectionsTo,
} from '../support/snapshots.ts';

/**
 * Prints the bytes that 1,000 events take: each of another tunnel that goes down, with ten connectors and fifty host names
 * and networks of its own. Needs --expose-gc.
 */
const COUNT = 1000;

/** Makes a flat string, like text from an answer of the API. */
const flat = (text: string): string => Buffer.from(text).toString();

function fleet(isDown: boolean): Snapshot {
  const tunnels = Array.from({ length: COUNT }, (_, index) => {
    const id = flat(`f70ff985-a4ef-4643-bbbc-${String(index).padStart(12, '0')}`);
    const name = flat(`warehouse-scanner-gateway-building-${index}`);
    const connectors = Array.from({ length: 10 }, (_each, n) =>
      aConnector({
        id: flat(`7d2f9b1e-6a55-4b0e-${String(n).padStart(4, '0')}-${String(index).padStart(12, '0')}`),
        version: flat(`2026.2.${index}`),
        connections: connectionsTo('fra08', 'fra09', 'ams06', 'ams07'),
      }),
    );
    const network = Array.from({ length: 50 }, (_each, n): Route => ({
      id: `${index}-${n}`,
      target: flat(`10.${index % 256}.${n}.0/24`),
      tunnelId: id,
      tunnelType: 'cfd_tunnel',
      virtualNetwork: 'default',
    }));
    const parts = { id, name, routes: { network, hostname: [] } };
    return isDown
      ? aDownTunnel({ ...parts, lastServing: { connectors, at: 1_772_366_386_000 } })
      : aTunnel({ ...parts, connectors });
  });
  return aSnapshot(anAccount({ tunnels }));
}

function collect(): number {
  globalThis.gc?.();
  globalThis.gc?.();
  return process.memoryUsage().heapUsed;
}

/** A separate function, so that its snapshots can be collected: events must not hold them. */
function record(): EventHistory {
  const changes = eventsBetween(fleet(false), fleet(true), { expected: [], types: ['cfd_tunnel'] });
  return recorded(NO_EVENTS, numbered(NO_EVENTS, changes), COUNT);
}

// Compiles the code before measuring.
record();
const before = collect();
const history = record();
const after = collect();
process.stdout.write(`${JSON.stringify({ events: history.events.length, bytes: after - before })}\n`);
