import { expect, test } from 'vitest';
import type { ConnectorSpec, Fleet, FleetTunnel, TunnelSpec } from '../../src/simulator/fleet-model.ts';
import { createFleet } from '../../src/simulator/fleet.ts';
import { configVersionAt, statusOf } from '../../src/simulator/fleet-model.ts';
import { sampleAccounts } from '../../src/simulator/sample.ts';
import { ACCOUNT, rig, START } from './support.ts';

const ID = '00000000-0000-4000-8000-000000000001';

function fleetWith(spec: Partial<TunnelSpec>): { readonly fleet: Fleet; readonly tunnel: FleetTunnel } {
  const fleet = createFleet({
    seed: 1,
    now: START,
    accounts: [{ id: ACCOUNT, name: 'One', tunnels: [{ name: 'web', id: ID, ...spec }] }],
  });
  const [tunnel] = fleet.tunnels(ACCOUNT);
  if (tunnel === undefined) throw new Error('the tunnel is missing');
  return { fleet, tunnel };
}

const CASES: readonly [string, Partial<TunnelSpec>, string][] = [
  ['four connections', { connectors: [{}] }, 'healthy'],
  [
    'three of four connections',
    { connectors: [{ colos: ['fra08', 'ams06', 'fra08'], wantedConnections: 4 }] },
    'degraded',
  ],
  [
    'seven of eight connections',
    { connectors: [{}, { colos: ['fra08', 'ams06', 'fra08'], wantedConnections: 4 }] },
    'degraded',
  ],
  ['two wanted connections', { connectors: [{ wantedConnections: 2 }] }, 'degraded'],
  ['no connection any more', { downSince: START - 1000 }, 'down'],
  ['never a connection', {}, 'inactive'],
  ['one WARP connection', { type: 'warp_connector', connectors: [{}] }, 'healthy'],
  [
    'one of two WARP connectors',
    { type: 'warp_connector', haMode: 'aws', connectors: [{}, { haStatus: 'offline' }] },
    'degraded',
  ],
];

test.each(CASES)('a tunnel with %s has its status', (_, spec, status) => {
  expect(statusOf(fleetWith(spec).tunnel)).toBe(status);
});

test('a healthy connector has four connections over two data centers, of which one may be at another airport', () => {
  const [account] = sampleAccounts({ seed: 5, now: START, tunnels: 100 });
  const fleet = createFleet({ seed: 5, now: START, accounts: [{ ...account, id: ACCOUNT, name: 'One' }] });
  const connectors = fleet.tunnels(ACCOUNT).flatMap((tunnel) => tunnel.connectors);
  expect(connectors).toHaveLength(200);
  const airports = new Set<number>();
  for (const { connections, version } of connectors) {
    const colos = connections.map(({ colo }) => colo);
    expect([colos.length, new Set(colos).size]).toEqual([4, 2]);
    expect(version).toMatch(/^20\d\d\.([1-9]|1[0-2])\.\d$/);
    airports.add(new Set(colos.map((colo) => colo.slice(0, 3))).size);
  }
  expect(airports).toEqual(new Set([1, 2]));
});

test('a tunnel is active since the first of its connections, whatever the order of its connectors', () => {
  const { tunnel } = fleetWith({ connectors: [{ startedAt: START - 1000 }, { startedAt: START - 9000 }] });
  expect(Math.floor(tunnel.activeAt ?? 0)).toBe(START - 9000);
  expect(tunnel.inactiveAt).toBeUndefined();
});

test('a tunnel is down after its last connector stopped, and healthy after one started', () => {
  const { fleet, tunnel } = fleetWith({ connectors: [{}] });
  fleet.stopConnector(tunnel.connectors[0]?.id ?? '', START + 5000);
  expect([statusOf(tunnel), tunnel.activeAt, Math.floor(tunnel.inactiveAt ?? 0)]).toEqual([
    'down',
    undefined,
    START + 5000,
  ]);
  fleet.startConnector({ tunnelId: ID }, START + 9000);
  expect([statusOf(tunnel), Math.floor(tunnel.activeAt ?? 0), tunnel.inactiveAt]).toEqual([
    'healthy',
    START + 9000,
    undefined,
  ]);
});

test('a restarted connector is another process on the same machine', () => {
  const { fleet, tunnel } = fleetWith({ connectors: [{ startedAt: START - 60_000 }] });
  const [before] = tunnel.connectors;
  const after = fleet.restartConnector(before?.id ?? '', START);
  expect(after.id).not.toBe(before?.id);
  expect(after).toMatchObject({ version: before?.version, arch: before?.arch, originIps: before?.originIps });
  expect(Math.floor(after.startedAt)).toBe(START);
  expect(tunnel.connectors).toEqual([after]);
});

test('a reconnect changes id and time of the connection, not the connector', () => {
  const { fleet, tunnel } = fleetWith({ connectors: [{ startedAt: START - 60_000 }] });
  const [connector] = tunnel.connectors;
  const before = connector?.connections ?? [];
  fleet.reconnect(
    { connectorId: connector?.id ?? '', connectionId: before[1]?.id ?? '', colo: 'sin02' },
    START,
  );
  const after = tunnel.connectors[0]?.connections ?? [];
  expect(tunnel.connectors[0]?.id).toBe(connector?.id);
  expect(after.map(({ id }, index) => id === before[index]?.id)).toEqual([true, false, true, true]);
  expect([after[1]?.colo, Math.floor(after[1]?.openedAt ?? 0)]).toEqual(['sin02', START]);
});

test('a connection pending its reconnect does not serve', () => {
  const { fleet, tunnel } = fleetWith({ connectors: [{}] });
  const [connector] = tunnel.connectors;
  const connectorId = connector?.id ?? '';
  for (const { id } of connector?.connections ?? []) {
    expect(statusOf(tunnel)).not.toBe('down');
    fleet.setPendingReconnect({ connectorId, connectionId: id, pending: true }, START);
  }
  expect(statusOf(tunnel)).toBe('down');
  expect(tunnel.connectors[0]?.connections).toHaveLength(4);
});

test('a drain moves every connection of the data center within the airport and no other', () => {
  const home: ConnectorSpec = { colos: ['fra08', 'ams06', 'fra08', 'ams06'] };
  const { fleet, tunnel } = fleetWith({
    connectors: [home, { ...home, colos: ['fra03', 'fra08', 'fra03', 'fra08'] }],
  });
  const before = tunnel.connectors.flatMap(({ connections }) => connections);
  expect(fleet.drainColo('fra08', START)).toBe(4);
  const after = tunnel.connectors.flatMap(({ connections }) => connections);
  expect(after.map(({ colo }) => colo)).toEqual([
    'fra03',
    'ams06',
    'fra03',
    'ams06',
    'fra03',
    'fra13',
    'fra03',
    'fra13',
  ]);
  expect(after.map(({ id }, index) => id === before[index]?.id)).toEqual([
    false,
    true,
    false,
    true,
    true,
    false,
    true,
    false,
  ]);
});

test('when the active WARP connector stops, another is promoted and it stays as offline', () => {
  const { fleet, tunnel } = fleetWith({ type: 'warp_connector', haMode: 'local', connectors: [{}, {}] });
  const states = (): unknown =>
    tunnel.connectors.map(({ haStatus, connections }) => [haStatus, connections.length]);
  const [first] = tunnel.connectors.map(({ id }) => id);
  expect(states()).toEqual([['active', 1], ['passive', 1]]); // prettier-ignore
  fleet.stopConnector(first ?? '', START);
  expect(states()).toEqual([['offline', 0], ['active', 1]]); // prettier-ignore
  fleet.openConnections(first ?? '', START);
  expect(states()).toEqual([['passive', 1], ['active', 1]]); // prettier-ignore
});

test('a connector without takesConfiguration keeps its version', () => {
  const { fleet, tunnel } = fleetWith({
    configuration: { version: 8, config: {} },
    connectors: [{}, { configVersion: 5, takesConfiguration: false }, { configVersion: null }],
  });
  const versions = (at: number): unknown =>
    tunnel.connectors.map((connector) => configVersionAt(connector, at));
  expect(versions(START + 1)).toEqual([8, 5, undefined]);
  fleet.putConfiguration({ tunnelId: ID, config: {} }, START + 1000);
  expect(versions(START + 1000)).toEqual([8, 5, undefined]);
  expect(versions(START + 200_000)).toEqual([9, 5, 9]);
});

test('an unknown id is an error that names it', () => {
  const { fleet } = fleetWith({});
  expect(() => fleet.deleteTunnel('nonsense', START)).toThrow('no tunnel has the id nonsense');
  expect(() => fleet.stopConnector('nonsense', START)).toThrow('no connector has the id nonsense');
});

test('a sample has the requested sizes and statuses', () => {
  const accounts = sampleAccounts({
    seed: 1,
    now: START,
    accounts: 3,
    tunnels: 300,
    connectors: 1,
    degraded: 0.1,
    down: 0.2,
    inactive: 0.3,
    warpConnectors: 4,
  });
  const fleet = createFleet({ seed: 1, now: START, accounts });
  const tunnels = fleet.accounts().flatMap(({ id }) => fleet.tunnels(id));
  expect(fleet.accounts().every(({ id }) => /^[0-9a-f]{32}$/.test(id))).toBe(true);
  expect(fleet.accounts().map(({ id }) => fleet.tunnels(id).length)).toEqual([104, 100, 100]);
  const cloudflared = tunnels.filter(({ type }) => type === 'cfd_tunnel').map(statusOf);
  const count = (status: string): number => cloudflared.filter((one) => one === status).length;
  expect(['degraded', 'down', 'inactive', 'healthy'].map(count)).toEqual([30, 60, 90, 120]);
  expect(tunnels.flatMap(({ haMode }) => haMode ?? [])).toEqual(['aws', 'local', 'none', 'disabled']);
});

/** All answers of a fleet that is read and changed for ten minutes. */
function bytes(seed: number): string {
  const { ask, simulation, wait, now } = rig({
    seed,
    accounts: [{ id: ACCOUNT, name: 'One', tunnels: [{ name: 'web', id: ID, connectors: [{}, {}] }] }],
    life: {},
  });
  const told: string[] = [];
  for (let round = 0; round < 20; round += 1) {
    wait(30_000);
    told.push(
      ask(`/accounts/${ACCOUNT}/tunnels`).text,
      ask(`/accounts/${ACCOUNT}/cfd_tunnel/${ID}/connections`).text,
    );
    told.push(
      ask({ method: 'POST', path: `/accounts/${ACCOUNT}/cfd_tunnel`, body: { name: `new-${round}` } }).text,
    );
  }
  simulation.fleet.startConnector({ tunnelId: ID }, now());
  told.push(ask(`/accounts/${ACCOUNT}/cfd_tunnel/${ID}/connections`).text);
  return told.join('\n');
}

test('the same seed and calls give the same bytes, another seed gives others', () => {
  expect(bytes(7)).toBe(bytes(7));
  expect(bytes(7)).not.toBe(bytes(8));
});
