import { expect, test } from 'vitest';
import type { TunnelType } from '../../../src/core/model.ts';
import { emptySnapshot } from '../../../src/core/snapshot.ts';
import { fleetLines } from '../../support/core-builders.ts';
import { anAccount, aSnapshot, aTunnel, NOW } from '../../support/snapshots.ts';
import { sidecarFamilies } from '../../../src/core/families/fleet-scope.ts';
import type { SidecarState } from '../../../src/core/sidecar-state.ts';

const ACCOUNT_TUNNELS = 'cloudflare_tunnel_account_tunnels';
const listing = (...types: readonly TunnelType[]) => new Map(types.map((type) => [type, NOW]));
const nothing = emptySnapshot([{ id: 'acc', name: 'Example, Inc.' }], NOW);
const web = aTunnel({ id: 'w', name: 'web' });

const expected = [
  { accountId: 'acc', tunnel: 'web', minConnectors: 2 },
  { accountId: undefined, tunnel: 'api', minConnectors: undefined },
];

test('declared tunnels are 1, whatever is observed', () => {
  expect(fleetLines('cloudflare_tunnel_expected', nothing, { expected })).toEqual([
    'account_id="acc",tunnel="web" 1',
    'account_id="",tunnel="api" 1',
  ]);
  expect(fleetLines('cloudflare_tunnel_expected', nothing)).toEqual([]);
});

test('the minimum of connectors is present if it is declared', () => {
  expect(fleetLines('cloudflare_tunnel_expected_min_connectors', nothing, { expected })).toEqual([
    'account_id="acc",tunnel="web" 2',
  ]);
});

test('presence of a declared tunnel is 1, 0, or absent while unknown', () => {
  const name = 'cloudflare_tunnel_expected_present';
  const whole = aSnapshot(anAccount({ id: 'acc', tunnels: [web] }));
  expect(fleetLines(name, whole, { expected })).toEqual([
    'account_id="acc",tunnel="web" 1',
    'account_id="",tunnel="api" 0',
  ]);
  const half = aSnapshot(anAccount({ id: 'acc', tunnels: [web], listedAt: listing('cfd_tunnel') }));
  expect(fleetLines(name, half, { expected })).toEqual(['account_id="acc",tunnel="web" 1']);
  expect(fleetLines(name, nothing, { expected })).toEqual([]);
});

test('configured accounts have their info before the first list', () => {
  expect(fleetLines('cloudflare_tunnel_account_info', nothing)).toEqual([
    'account_id="acc",account_name="Example, Inc." 1',
  ]);
});

const countLine = (type: string, status: string, count: number) =>
  `account_id="acc",tunnel_type="${type}",status="${status}" ${count}`;

test('tunnels are counted per type and status, zeros included', () => {
  const snapshot = aSnapshot(
    anAccount({
      id: 'acc',
      tunnels: [web, aTunnel({ id: 'v' }), aTunnel({ id: 'd', status: 'down' })],
    }),
  );
  expect(fleetLines(ACCOUNT_TUNNELS, snapshot)).toEqual([
    countLine('cfd_tunnel', 'healthy', 2),
    countLine('cfd_tunnel', 'degraded', 0),
    countLine('cfd_tunnel', 'down', 1),
    countLine('cfd_tunnel', 'inactive', 0),
    countLine('cfd_tunnel', 'unknown', 0),
    ...['healthy', 'degraded', 'down', 'inactive', 'unknown'].map((status) =>
      countLine('warp_connector', status, 0),
    ),
  ]);
});

/** The types for which an account's tunnels are counted. */
const typesCounted = (lines: readonly string[]) =>
  new Set(lines.map((line) => /tunnel_type="([^"]*)"/.exec(line)?.[1]));

test('types without a fresh list, or not asked for, are not counted', () => {
  expect(fleetLines(ACCOUNT_TUNNELS, nothing)).toEqual([]);
  const half = aSnapshot(anAccount({ listedAt: listing('warp_connector', 'unknown', 'gre') }));
  expect(typesCounted(fleetLines(ACCOUNT_TUNNELS, half))).toEqual(new Set(['warp_connector']));
});

test('tunnels of unknown type are counted if there are any', () => {
  const snapshot = aSnapshot(anAccount({ tunnels: [aTunnel({ type: 'unknown', status: 'unknown' })] }));
  const lines = fleetLines(ACCOUNT_TUNNELS, snapshot);
  expect(typesCounted(lines)).toEqual(new Set(['cfd_tunnel', 'warp_connector', 'unknown']));
  expect(lines.filter((line) => line.endsWith(' 1'))).toHaveLength(1);
});

test('each account is counted on its own', () => {
  const snapshot = aSnapshot(anAccount({ id: 'one', tunnels: [web] }), anAccount({ id: 'two' }));
  const healthy = fleetLines(ACCOUNT_TUNNELS, snapshot, { types: ['cfd_tunnel'] }).filter((line) =>
    line.includes('"healthy"'),
  );
  expect(healthy).toEqual([
    'account_id="one",tunnel_type="cfd_tunnel",status="healthy" 1',
    'account_id="two",tunnel_type="cfd_tunnel",status="healthy" 0',
  ]);
});

function samplesOf(sidecar: SidecarState | undefined): readonly string[] {
  const samples: string[] = [];
  for (const { name, samples: emitFrom } of sidecarFamilies) {
    const short = name.replace('cloudflare_tunnel_sidecar_', '');
    emitFrom(
      { ...aSnapshot(), sidecar },
      (value, ...labels) => void samples.push(`${short} ${labels.join()} ${value}`),
      { types: [], selectsAll: true, expected: [], intermittent: [] },
    );
  }
  return samples;
}

test('without a sidecar there are no samples', () => {
  expect(samplesOf(undefined)).toEqual([]);
});

test('both sides, by connector', () => {
  const state = { connectorId: 'a', ready: true, readyConnections: 4, edge: { connections: 0, at: 0 } };
  expect(samplesOf(state)).toEqual(['ready a 1', 'ready_connections a 4', 'edge_connections a 0']);
});

test('unknown values are absent, and a cloudflared that does not answer is not ready', () => {
  const silent = { connectorId: 'a', ready: false, readyConnections: undefined, edge: undefined };
  expect(samplesOf(silent)).toEqual(['ready a 0']);
});
