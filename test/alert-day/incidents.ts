import { cloudflaredVersion, type FaultSpec, respecified } from '../../src/simulator/index.ts';
import type { VirtualExporter } from './exporter.ts';
import { ACCOUNTS, type AccountName, REGION } from './fleet.ts';
import { MINUTE, type World } from './world.ts';

/** Receivers of messages. */
export type Channel = 'pager' | 'chat' | 'quiet';

export interface Telling {
  readonly alert: string;
  readonly channel: Channel;
  /** Minutes since the incident. */
  readonly within: number;
}

export interface Incident {
  readonly name: string;
  /** Minutes since the start of the day. */
  readonly at: number;
  readonly minutes: number;
  readonly told: readonly Telling[];
  /** Other subjects that alerts of this incident may have: prefixes of tunnel names, accounts. */
  readonly tunnels: readonly string[];
  readonly accounts: readonly AccountName[];
  /** Starts the incident. Returns a function that ends it. */
  readonly begin: (world: World) => () => void;
}

export interface IncidentOptions {
  /** The short day's minutes are multiplied by this. */
  readonly stretch: number;
  readonly exporters: readonly VirtualExporter[];
  /** Whether the run is long enough for a tunnel to be down for more than a day. */
  readonly isLong: boolean;
}

/** Minute of the short day in which the API blocks the token; two incidents are about it. */
export const BLOCK_AT = 206;

export function incidentsOf({ stretch, exporters, isLong }: IncidentOptions): readonly Incident[] {
  const down: Telling = { alert: 'CloudflareTunnelDown', channel: 'pager', within: 5 };
  return [
    {
      ...about('down-for-long'),
      at: 5,
      minutes: Infinity,
      told: [
        down,
        ...(isLong ? [{ alert: 'CloudflareTunnelDownForDays', channel: 'chat', within: 1446 } as const] : []),
      ],
      begin: takenDown('down-for-long'),
    },
    {
      ...about('connector'),
      at: 10 * stretch,
      minutes: 30,
      told: [{ alert: 'CloudflareTunnelNoRedundancy', channel: 'chat', within: 8 }],
      begin: lostConnector('connector'),
    },
    {
      ...about('degraded'),
      at: 15 * stretch,
      minutes: 30,
      told: [{ alert: 'CloudflareTunnelDegraded', channel: 'chat', within: 13 }],
      begin: (world) => {
        const [connector] = world.named('inc-degraded').connectors;
        const [connection] = connector?.connections ?? [];
        if (connector === undefined || connection === undefined)
          throw new Error('inc-degraded serves nothing');
        world.fleet.closeConnection({ connectorId: connector.id, connectionId: connection.id }, world.now());
        return () => {
          world.fleet.openConnections(connector.id, world.now());
        };
      },
    },
    {
      ...about('no-active'),
      at: 20 * stretch,
      minutes: 20,
      told: [{ alert: 'CloudflareTunnelWarpNoActive', channel: 'pager', within: 6 }],
      begin: haStatusShown('no-active', { instead: 'active', shown: 'passive' }),
    },
    {
      ...about('drift'),
      at: 25 * stretch,
      minutes: 40,
      told: [{ alert: 'CloudflareTunnelConfigDrift', channel: 'chat', within: 60 }],
      begin: (world) => {
        const { id, connectors, configuration } = world.named('inc-drift');
        const [connector] = connectors;
        if (connector === undefined) throw new Error('inc-drift has no connector');
        const { version } = configuration;
        world.fleet.stopConnector(connector.id, world.now());
        const stuck = world.fleet.startConnector(
          { ...respecified(connector), tunnelId: id, takesConfiguration: false, configVersion: version },
          world.now(),
        );
        world.fleet.putConfiguration({ tunnelId: id, config: configuration.config ?? {} }, world.now());
        return () => {
          world.fleet.restartConnector(stuck.id, world.now());
        };
      },
    },
    {
      ...about('outdated'),
      at: 30 * stretch,
      minutes: 90,
      told: [{ alert: 'CloudflareTunnelConnectorOutdated', channel: 'quiet', within: 75 }],
      begin: (world) => {
        const { id, connectors } = world.named('inc-outdated');
        const version = cloudflaredVersion(world.start, { monthsOld: 16, patch: 1 });
        for (const connector of connectors) {
          world.fleet.stopConnector(connector.id, world.now());
          world.fleet.startConnector({ ...respecified(connector), tunnelId: id, version }, world.now());
        }
        return () => undefined;
      },
    },
    { ...about('down'), at: 35 * stretch, minutes: 20, told: [down], begin: takenDown('down') },
    {
      ...about('split-brain'),
      at: 45 * stretch,
      minutes: 20,
      told: [{ alert: 'CloudflareTunnelWarpSplitBrain', channel: 'pager', within: 6 }],
      begin: haStatusShown('split-brain', { instead: 'passive', shown: 'active' }),
    },
    {
      ...about('no-standby'),
      at: 50 * stretch,
      minutes: 25,
      told: [{ alert: 'CloudflareTunnelWarpNoStandby', channel: 'chat', within: 15 }],
      begin: haStatusShown('no-standby', { instead: 'passive', shown: 'offline' }),
    },
    {
      ...about('failover'),
      at: 60 * stretch,
      minutes: 15,
      told: [{ alert: 'CloudflareTunnelWarpFailover', channel: 'quiet', within: 6 }],
      begin: (world) => {
        const { id, connectors } = world.named('inc-failover');
        const standby = connectors.find(({ haStatus }) => haStatus === 'passive');
        if (standby === undefined) throw new Error('inc-failover has no standby');
        world.fleet.failOver({ tunnelId: id, clientId: standby.id }, world.now());
        return () => undefined;
      },
    },
    {
      ...about('expected'),
      at: 70 * stretch,
      minutes: 15,
      told: [{ alert: 'CloudflareTunnelExpectedMissing', channel: 'pager', within: 6 }],
      begin: (world) => {
        const { id, accountId, name, connectors } = world.named('inc-expected');
        const specs = connectors.map(respecified);
        world.fleet.deleteTunnel(id, world.now());
        return () => {
          world.fleet.createTunnel({ accountId, name, connectors: specs }, world.now());
        };
      },
    },
    {
      ...about('minimum'),
      at: 75 * stretch,
      minutes: 20,
      told: [{ alert: 'CloudflareTunnelExpectedBelowMinimum', channel: 'chat', within: 10 }],
      begin: lostConnector('minimum'),
    },
    {
      ...about('flapping'),
      at: 80 * stretch,
      minutes: 60,
      told: [{ alert: 'CloudflareTunnelFlapping', channel: 'chat', within: 25 }],
      begin: (world) => {
        const until = world.now() + 60 * MINUTE;
        for (let at = world.now(); at < until; at += 6 * MINUTE) {
          world.at(at, () => {
            world.at(world.now() + 70_000, world.takeDown(world.named('inc-flapping').id));
          });
        }
        return () => undefined;
      },
    },
    {
      ...about('one-endpoint'),
      at: 90 * stretch,
      minutes: 25,
      told: [{ alert: 'CloudflareTunnelExporterStale', channel: 'chat', within: 15 }],
      begin: (world) =>
        world.simulation.faults.add({
          tunnelId: world.named('inc-one-endpoint').id,
          effect: { kind: 'status', status: 500 },
        }).remove,
    },
    {
      ...about('down-in-the-evening'),
      at: 100 * stretch,
      minutes: 20,
      told: [down],
      begin: takenDown('down-in-the-evening'),
    },
    {
      name: 'region',
      at: 125 * stretch,
      minutes: 20,
      told: [{ alert: 'CloudflareTunnelManyDown', channel: 'pager', within: 5 }],
      tunnels: [REGION],
      accounts: [],
      begin: (world) => {
        const sites = world.tunnels().filter(({ name }) => name.startsWith(REGION));
        const returns: (() => void)[] = [];
        // Edge and connectors notice one after the other.
        for (const { id } of sites) {
          world.at(world.now() + world.random.integer(0, 20_000), () => {
            returns.push(world.takeDown(id));
          });
        }
        return () => {
          for (const back of returns) back();
        };
      },
    },
    {
      name: 'refused',
      at: 150 * stretch,
      minutes: 15,
      told: [{ alert: 'CloudflareTunnelExporterAuthFailing', channel: 'pager', within: 6 }],
      tunnels: [],
      accounts: ['Logistics'],
      begin: faulty({ accountId: idOf('Logistics'), effect: { kind: 'status', status: 403 } }),
    },
    {
      name: 'unreadable',
      at: 170 * stretch,
      minutes: 26,
      told: [
        { alert: 'CloudflareTunnelAccountUnwatched', channel: 'chat', within: 4 },
        { alert: 'CloudflareTunnelAccountUnwatched', channel: 'pager', within: 22 },
      ],
      tunnels: [],
      accounts: ['Logistics'],
      begin: faulty({ accountId: idOf('Logistics'), effect: { kind: 'status', status: 503 } }),
    },
    {
      // Fires when its account can be read again.
      ...about('down-unwatched'),
      at: 170 * stretch + 18,
      minutes: 16,
      told: [{ ...down, within: 8 + 2 }],
      begin: takenDown('down-unwatched'),
    },
    {
      // Fires before the API blocks the token, and is not repeated after.
      ...about('down-in-block'),
      at: BLOCK_AT * stretch - 7,
      minutes: 22,
      told: [down],
      begin: takenDown('down-in-block'),
    },
    {
      name: 'exporter',
      at: 226 * stretch,
      minutes: 9,
      told: [{ alert: 'CloudflareTunnelExporterDown', channel: 'pager', within: 7 }],
      tunnels: [],
      accounts: ACCOUNTS.map(({ name }) => name),
      begin: () => {
        for (const exporter of exporters) exporter.stop();
        return () => {
          for (const exporter of exporters) exporter.start();
        };
      },
    },
  ];
}

function lostConnector(name: string): Incident['begin'] {
  return (world) => {
    const { id, connectors } = world.named(`inc-${name}`);
    const [connector] = connectors;
    if (connector === undefined) throw new Error(`inc-${name} has no connector`);
    const spec = respecified(connector);
    world.fleet.stopConnector(connector.id, world.now());
    return () => {
      world.fleet.startConnector({ ...spec, tunnelId: id }, world.now());
    };
  };
}

/** The fleet itself promotes a connector at once: what its API shows is changed instead. */
function haStatusShown(
  name: string,
  { instead, shown }: { readonly instead: string; readonly shown: string },
): Incident['begin'] {
  return (world) =>
    world.simulation.faults.add({
      tunnelId: world.named(`inc-${name}`).id,
      effect: {
        kind: 'rewrite',
        rewrite: (body) =>
          JSON.parse(
            JSON.stringify(body).replaceAll(`"ha_status":"${instead}"`, `"ha_status":"${shown}"`),
          ) as unknown,
      },
    }).remove;
}

/** An incident of the tunnel that it has to itself. */
function about(name: string): Pick<Incident, 'name' | 'tunnels' | 'accounts'> {
  return { name, tunnels: [`inc-${name}`], accounts: [] };
}

function takenDown(name: string): Incident['begin'] {
  return (world) => world.takeDown(world.named(`inc-${name}`).id);
}

function faulty(spec: FaultSpec): Incident['begin'] {
  return (world) => world.simulation.faults.add(spec).remove;
}

function idOf(account: AccountName): string {
  return ACCOUNTS.find(({ name }) => name === account)?.id ?? '';
}
