import { expect, onTestFinished, test } from 'vitest';
import { createDemoSimulator, DEMO_ACCOUNTS, DEMO_TOKEN, demoOptions } from '../../src/simulator/demo.ts';
import type { FleetTunnel } from '../../src/simulator/fleet-model.ts';
import { configVersionAt, statusOf } from '../../src/simulator/fleet-model.ts';
import { createSimulation } from '../../src/simulator/simulation.ts';
import { START } from './support.ts';

const HOUR = 3_600_000;

function demo(): { readonly tunnels: () => readonly FleetTunnel[]; readonly wait: (ms: number) => void } {
  let now = START;
  const simulation = createSimulation({ ...demoOptions(now), now: () => now });
  return {
    tunnels: () => DEMO_ACCOUNTS.flatMap(({ id }) => simulation.fleet.tunnels(id)),
    wait: (ms) => {
      now += ms;
      simulation.tick();
    },
  };
}

function named(tunnels: readonly FleetTunnel[], name: string): FleetTunnel {
  const tunnel = tunnels.find((one) => one.name === name);
  if (tunnel === undefined) throw new Error(`no tunnel ${name}`);
  return tunnel;
}

const airports = ({ connectors }: FleetTunnel): ReadonlySet<string> =>
  new Set(connectors.flatMap(({ connections }) => connections.map(({ colo }) => colo.slice(0, 3))));

test.each([0, 24 * HOUR])('the demo fleet has one of everything, also after %i ms of life', (lived) => {
  const { tunnels, wait } = demo();
  wait(lived);
  const all = tunnels();
  expect(all.filter(({ type }) => type === 'cfd_tunnel')).toHaveLength(24);
  expect(all.flatMap(({ haMode }) => haMode ?? [])).toEqual(['aws', 'local', 'none']);
  expect(statusOf(named(all, 'warehouse-rotterdam'))).toBe('degraded');
  const down = named(all, 'legacy-soap-bridge');
  expect([statusOf(down), Math.floor(down.inactiveAt ?? 0)]).toEqual(['down', START - 2 * HOUR]);
  expect(statusOf(named(all, 'store-pos-madrid'))).toBe('inactive');
  expect(named(all, 'label-printers').connectors.map(({ version }) => version)).toEqual([
    '2025.7.2',
    '2025.7.2',
  ]);
  expect(new Set(named(all, 'loyalty-api').connectors.map(({ version }) => version)).size).toBe(2);
  expect(named(all, 'ssh-bastion').connectors).toHaveLength(1);
  expect(airports(named(all, 'model-serving'))).toEqual(new Set(['nrt']));
  const drift = named(all, 'feature-store');
  const versions = drift.connectors.map((connector) => configVersionAt(connector, START + lived));
  expect(versions).toEqual([drift.configuration.version, 5]);
  expect(drift.configuration.version).toBeGreaterThan(5);
  const healthy = all.filter((tunnel) => statusOf(tunnel) === 'healthy');
  expect(healthy.length).toBeGreaterThan(lived === 0 ? 23 : 15);
});

function idsAt(now: number): readonly string[] {
  const { fleet } = createSimulation({ ...demoOptions(now), now: () => now });
  return DEMO_ACCOUNTS.flatMap(({ id }) => fleet.tunnels(id).map((tunnel) => tunnel.id));
}

test('the demo is the same at every start, but for the time', () => {
  expect(idsAt(START)).toEqual(idsAt(START + 1_000_000));
});

test('the served demo opens with its token, for both of its accounts', async () => {
  const simulator = await createDemoSimulator({ latencyMs: 0 });
  onTestFinished(simulator.close);
  expect(simulator.token).toBe(DEMO_TOKEN);
  const totals = simulator.accounts.map(async ({ id }) => {
    const response = await fetch(`${simulator.url}/accounts/${id}/tunnels`, {
      headers: { authorization: `Bearer ${simulator.token}` },
    });
    return response.json();
  });
  expect(await Promise.all(totals)).toMatchObject([
    { result_info: { total_count: 18 } },
    { result_info: { total_count: 9 } },
  ]);
});
