import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { nextExpiry } from '../../src/core/advance.ts';
import { TUNNEL_STATUSES } from '../../src/core/model.ts';
import type { AccountState, Snapshot, TunnelState } from '../../src/core/snapshot.ts';
import { aStory, failedList, s, STALE_AFTER_MS, tunnelLines } from '../support/core-builders.ts';
import { detail, polls, play } from '../support/random-polls.ts';

const accountOf = ({ accounts }: Snapshot): AccountState =>
  accounts.get('acc') ?? expect.fail('the account is gone');
/** Every tunnel that is remembered, shown or not. */
const remembered = (snapshot: Snapshot): ReadonlyMap<string, TunnelState> => {
  const { tunnels, hidden } = accountOf(snapshot);
  return new Map([...hidden, ...tunnels]);
};
const numbers = ({ counters }: TunnelState): readonly number[] => [
  ...TUNNEL_STATUSES.map((status) => counters.transitions[status]),
  counters.opened,
  counters.closed,
  counters.failovers,
];

test('no counter of a known tunnel ever decreases', () => {
  fc.assert(
    fc.property(polls, (all) => {
      for (const { before, after } of play(all)) {
        const known = remembered(before);
        for (const [tunnelId, state] of remembered(after)) {
          const previous = known.get(tunnelId);
          if (previous === undefined) continue;
          for (const [index, value] of numbers(state).entries())
            expect(value).toBeGreaterThanOrEqual(numbers(previous)[index] ?? Number.NaN);
        }
      }
    }),
  );
});

test('at most as many connections close as were opened or present at first', () => {
  fc.assert(
    fc.property(polls, (all) => {
      for (const { after } of play(all)) {
        for (const { counters, knownConnectors } of remembered(after).values()) {
          // Of four ids, no more than four can have been there at the first observation.
          const open = counters.opened - counters.closed + 4;
          expect(open).toBeGreaterThanOrEqual(connectionIdsOf(knownConnectors).size);
        }
      }
    }),
  );
});

test('a poll in which every list failed removes no tunnel', () => {
  fc.assert(
    fc.property(polls, fc.array(detail, { maxLength: 4 }), fc.nat(700), (all, details, wait) => {
      const story = aStory();
      for (const [index, { lists: listed }] of all.entries()) story.poll(s(index * 30), ...listed);
      const before = [...remembered(story.snapshot()).keys()].toSorted();
      const after = story.poll(s(all.length * 30 + wait), failedList(), ...details);
      expect([...remembered(after).keys()].toSorted()).toEqual(before);
    }),
  );
});

test('a failed list hides nothing that is fresh', () => {
  fc.assert(
    fc.property(polls, (all) => {
      const story = aStory();
      for (const { lists: listed } of all) story.poll(s(0), ...listed);
      const before = accountOf(story.snapshot()).tunnels;
      expect(accountOf(story.poll(s(299), failedList())).tunnels).toEqual(before);
    }),
  );
});

test('no tunnel is both shown and hidden, and shown tunnels have a fresh list', () => {
  fc.assert(
    fc.property(polls, (all) => {
      for (const { after } of play(all)) {
        const { tunnels, hidden, listedAt } = accountOf(after);
        for (const [tunnelId, { tunnel }] of tunnels) {
          expect(hidden.has(tunnelId)).toBe(false);
          expect(after.takenAt - (listedAt.get(tunnel.type) ?? -Infinity)).toBeLessThan(STALE_AFTER_MS);
        }
      }
    }),
  );
});

test('nothing is hidden before the next expiry, and something is then', () => {
  fc.assert(
    fc.property(polls, (all) => {
      const story = aStory();
      for (const [index, { lists: listed, details }] of all.entries())
        story.poll(s(index * 30), ...listed, ...details);
      const before = accountOf(story.snapshot());
      const next = nextExpiry(story.snapshot(), STALE_AFTER_MS);
      fc.pre(next !== undefined);
      expect(next).toBeGreaterThan(story.snapshot().takenAt);
      expect(accountOf(story.poll(next - 1))).toEqual(before);
      expect(accountOf(story.poll(next))).not.toEqual(before);
    }),
  );
});

test('a tunnel listed down or inactive has no connections', () => {
  fc.assert(
    fc.property(polls, (all) => {
      for (const { after } of play(all)) {
        for (const { tunnel, connectors: observed } of accountOf(after).tunnels.values()) {
          if (tunnel.status !== 'down' && tunnel.status !== 'inactive') continue;
          expect(observed.value).toBeUndefined();
        }
      }
    }),
  );
});

test('each state set has exactly one 1', () => {
  fc.assert(
    fc.property(polls, (all) => {
      for (const { after } of play(all)) {
        for (const state of accountOf(after).tunnels.values()) {
          expect(ones(tunnelLines('cloudflare_tunnel_status', state))).toEqual([1]);
          const perConnector = Map.groupBy(
            tunnelLines('cloudflare_tunnel_connector_ha_status', state),
            (line) => /connector_id="[^"]*"/.exec(line)?.[0],
          );
          for (const lines of perConnector.values()) expect(ones(lines)).toEqual([1]);
        }
      }
    }),
  );
});

function connectionIdsOf(knownConnectors: TunnelState['knownConnectors']): ReadonlySet<string | undefined> {
  const ids = (knownConnectors ?? []).flatMap(({ connections: all }) =>
    all.map((connection) => connection.id),
  );
  return new Set(ids.filter((connectionId) => connectionId !== undefined));
}

/** The samples that are not 0. */
function ones(lines: readonly string[]): readonly number[] {
  return lines.map((line) => Number(line.split(' ').at(-1))).filter((value) => value !== 0);
}
