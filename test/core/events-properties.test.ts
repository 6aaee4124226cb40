import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { type Change, EVENT_KINDS, type EventKind } from '../../src/core/events.ts';
import { eventsBetween } from '../../src/core/events-between.ts';
import { TUNNEL_STATUSES, hasNoConnections, servingConnections } from '../../src/core/model.ts';
import type { AccountState, Snapshot, TunnelState } from '../../src/core/snapshot.ts';
import { polls, play, type Step } from '../support/random-polls.ts';

const EXPECTED = [{ accountId: undefined, tunnel: 'a', minConnectors: undefined }];
const TYPES = ['cfd_tunnel', 'warp_connector'] as const;

const changesOf = ({ before, after }: Step): readonly Change[] =>
  eventsBetween(before, after, { expected: EXPECTED, types: TYPES });
const accountOf = ({ accounts }: Snapshot): AccountState =>
  accounts.get('acc') ?? expect.fail('the account is gone');
const remembered = ({ tunnels, hidden }: AccountState): ReadonlyMap<string, TunnelState> =>
  new Map([...hidden, ...tunnels]);

/** The part of a tunnel that events report. */
interface Told {
  name: string;
  status: string;
  /** `undefined` before the first observation, which is no event. */
  connectors: Set<string> | undefined;
  active: string | undefined;
  version: string | undefined;
}

function presentIds({ knownConnectors }: TunnelState): Set<string> | undefined {
  const present = knownConnectors?.filter(
    (connector) => connector.haStatus !== undefined || servingConnections(connector).length > 0,
  );
  return present && new Set(present.map(({ id }) => id));
}

function known(state: TunnelState): Told {
  return {
    name: state.tunnel.name,
    status: state.tunnel.status,
    connectors: presentIds(state),
    active: state.lastActiveConnector,
    version: state.knownConfiguration?.version?.toString(),
  };
}

/** Replays one event. Throws if it contradicts an earlier one. */
function fold(told: Map<string, Told>, { kind, tunnelId, tunnelName, from, to }: Change): void {
  const tunnel = told.get(tunnelId ?? '');
  const need = (): Told => {
    assert(tunnel !== undefined, `${kind} of a tunnel that was not there`);
    return tunnel;
  };
  switch (kind) {
    case 'tunnel_created':
      assert.equal(tunnel, undefined);
      told.set(tunnelId ?? '', {
        name: tunnelName ?? '',
        status: to ?? '',
        connectors: undefined,
        active: undefined,
        version: undefined,
      });
      return;
    case 'tunnel_deleted':
      need();
      told.delete(tunnelId ?? '');
      return;
    case 'tunnel_renamed':
      assert.equal(need().name, from);
      need().name = to ?? '';
      return;
    case 'status_changed':
      assert.equal(need().status, from);
      need().status = to ?? '';
      return;
    case 'connector_connected':
    case 'connector_disconnected':
    case 'connector_replaced': {
      const { connectors } = need();
      if (from !== undefined) assert.equal(connectors?.delete(from), true);
      if (to !== undefined) {
        assert.equal(connectors?.has(to), false);
        connectors?.add(to);
      }
      return;
    }
    case 'ha_failover':
      assert.equal(need().active, from);
      need().active = to;
      return;
    case 'configuration_changed':
      assert.equal(need().version, from);
      need().version = to;
      return;
    case 'ha_status_changed':
    case 'account_lost':
    case 'account_recovered':
    case 'token_blocked':
    case 'expected_missing':
    case 'expected_found':
  }
}

/** Adds first observations, which no event reports. */
function addFirsts(told: Map<string, Told>, { before, after }: Step): void {
  const was = remembered(accountOf(before));
  for (const [id, state] of remembered(accountOf(after))) {
    const tunnel = told.get(id);
    const now = known(state);
    if (tunnel === undefined) {
      told.set(id, now);
      continue;
    }
    const earlier = was.get(id);
    if (hasNoConnections(state.tunnel.status)) tunnel.connectors = new Set();
    if (earlier?.knownConnectors === undefined) tunnel.connectors = now.connectors;
    if (earlier?.lastActiveConnector === undefined) tunnel.active = now.active;
    if (earlier?.knownConfiguration?.version === undefined || now.version === undefined)
      tunnel.version = now.version;
  }
}

test('the last snapshot can be reconstructed from the events', () => {
  fc.assert(
    fc.property(polls, (all) => {
      const told = new Map<string, Told>();
      for (const step of play(all)) {
        for (const change of changesOf(step)) fold(told, change);
        addFirsts(told, step);
        const now = remembered(accountOf(step.after));
        expect(Object.fromEntries(told)).toEqual(
          Object.fromEntries([...now].map(([id, state]) => [id, known(state)])),
        );
      }
    }),
    { numRuns: 500 },
  );
});

test('a snapshot without observations causes no event except account_lost', () => {
  fc.assert(
    fc.property(polls, fc.nat(700), (all, wait) => {
      const story = play([...all, { wait, lists: [], details: [] }]);
      const kinds = new Set(
        story
          .slice(-1)
          .flatMap(changesOf)
          .map(({ kind }) => kind),
      );
      expect([...kinds].filter((kind) => kind !== 'account_lost')).toEqual([]);
    }),
  );
});

test('events and counters agree', () => {
  fc.assert(
    fc.property(polls, (all) => {
      for (const step of play(all)) {
        const changes = changesOf(step);
        const was = remembered(accountOf(step.before));
        for (const [id, { counters }] of remembered(accountOf(step.after))) {
          const earlier = was.get(id)?.counters;
          if (earlier === undefined) continue;
          const own = changes.filter(({ tunnelId }) => tunnelId === id);
          for (const status of TUNNEL_STATUSES) {
            const into = own.filter(({ kind, to }) => kind === 'status_changed' && to === status);
            expect(into).toHaveLength(counters.transitions[status] - earlier.transitions[status]);
          }
          // A list that embeds connections and a detail are two observations in one step.
          const failovers = own.filter(({ kind }) => kind === 'ha_failover').length;
          const isOneObservation = step.observations.every((act) => act(0).kind !== 'tunnels');
          const counted = counters.failovers - earlier.failovers;
          expect(failovers).toBe(isOneObservation ? counted : Math.min(failovers, counted));
        }
      }
    }),
  );
});

test('the random polls cause every kind of event that observations can cause', () => {
  const knownConnectors = new Set<EventKind>();
  for (const all of fc.sample(polls, { numRuns: 1000, seed: 1 }))
    for (const step of play(all)) for (const { kind } of changesOf(step)) knownConnectors.add(kind);
  expect(new Set(EVENT_KINDS).difference(knownConnectors)).toEqual(new Set(['token_blocked']));
});
