import * as fc from 'fast-check';
import { HA_STATUSES, type KnownTunnelType, TUNNEL_STATUSES } from '../../src/core/model.ts';
import type { Snapshot } from '../../src/core/snapshot.ts';
import {
  type Act,
  aListed,
  aStory,
  configuration,
  connections,
  embeddingList,
  failedList,
  s,
} from './core-builders.ts';
import { aConnection, aConnector } from './snapshots.ts';

/** A small fleet, so that the same tunnels, connectors and connections recur. */
const TYPES = {
  a: 'cfd_tunnel',
  b: 'cfd_tunnel',
  m: 'warp_connector',
  n: 'warp_connector',
  x: 'unknown',
} as const;
const IDS = ['a', 'b', 'm', 'n', 'x'] as const;
type Id = (typeof IDS)[number];

const id = fc.constantFrom(...IDS);
const reason = fc.constantFrom('server' as const, 'not_found' as const, 'permission' as const);
const connectors = fc.uniqueArray(
  fc.record({
    id: fc.constantFrom('c1', 'c2', 'c3'),
    haStatus: fc.constantFrom(undefined, ...HA_STATUSES),
    connections: fc.array(
      fc.record({
        id: fc.constantFrom(undefined, '1', '2', '3', '4'),
        pendingReconnect: fc.boolean(),
      }),
      { maxLength: 4 },
    ),
  }),
  { maxLength: 3, selector: (connector) => connector.id },
);
const built = connectors.map((all) =>
  all.map((parts) => aConnector({ ...parts, connections: parts.connections.map((c) => aConnection(c)) })),
);
const listing = fc.uniqueArray(
  fc.record({
    id,
    status: fc.constantFrom(...TUNNEL_STATUSES),
    name: fc.constantFrom('first', 'second'),
    embedded: fc.option(built, { nil: undefined, freq: 3 }),
  }),
  { selector: (entry) => entry.id },
);

type Split = readonly (readonly KnownTunnelType[])[];
const split = fc.constantFrom<Split>(
  [['cfd_tunnel', 'warp_connector']],
  [['cfd_tunnel'], ['warp_connector']],
);

/** One list over all types, or one per type, each whole or failed. */
const lists = fc
  .record({ split, listing, fails: fc.tuple(fc.boolean(), fc.boolean()) })
  .map(({ split: typed, listing: shown, fails }) =>
    typed.map((types, index): Act =>
      fails[index] === true
        ? failedList({ types })
        : embeddingList(
            shown
              .filter((entry) => isIn(types, TYPES[entry.id]))
              .map(({ embedded, status, id: tunnelId, name }) => ({
                tunnel: aListed(tunnelId, { status, name, type: TYPES[tunnelId] }),
                embedded,
              })),
            { types },
          ),
    ),
  );
const isIn = (types: readonly KnownTunnelType[], type: (typeof TYPES)[Id]): boolean =>
  type === 'unknown' || types.includes(type);

export const detail: fc.Arbitrary<Act> = fc.oneof(
  fc.record({ id, answer: fc.oneof(built, reason) }).map(({ id: name, answer }) => connections(name, answer)),
  fc
    .record({ id, answer: fc.oneof(fc.constant(undefined), fc.nat(3), reason) })
    .map(({ id: name, answer }) =>
      configuration(
        name,
        typeof answer === 'number' ? { version: answer, ingress: [], haMode: undefined } : answer,
      ),
    ),
);
const poll = fc.record({
  // Mostly a poll interval; sometimes long enough that everything becomes stale, sometimes back in time.
  wait: fc.oneof({ weight: 4, arbitrary: fc.constant(30) }, fc.integer({ min: -100, max: 700 })),
  lists: fc.oneof(lists, fc.constant([])),
  details: fc.array(detail, { maxLength: 4 }),
});
export const polls = fc.array(poll, { minLength: 1, maxLength: 12 });

export interface Step {
  readonly before: Snapshot;
  readonly after: Snapshot;
  readonly observations: readonly Act[];
}

export function play(
  all: readonly { wait: number; lists: readonly Act[]; details: readonly Act[] }[],
): readonly Step[] {
  const story = aStory();
  let now = 10_000;
  return all.map(({ wait, lists: listed, details }) => {
    now += wait;
    const before = story.snapshot();
    return {
      before,
      after: story.poll(s(now), ...listed, ...details),
      observations: [...listed, ...details],
    };
  });
}
