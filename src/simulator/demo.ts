import type { AccountSpec, ConnectorSpec, TunnelSpec } from './fleet-model.ts';
import type { Random } from './random.ts';
import { createRandom } from './random.ts';
import { cloudflaredVersion, warpVersion } from './releases.ts';
import type { Simulator, SimulatorOptions } from './server.ts';
import { createSimulator } from './server.ts';

/** Valid for the simulated API only; Cloudflare's tokens have another form. */
export const DEMO_TOKEN = 'demo-token-for-the-simulated-api';

export interface DemoAccount {
  readonly id: string;
  readonly name: string;
}

const RETAIL: DemoAccount = { id: 'de300000000000000000000000000001', name: 'Example Retail' };
const LABS: DemoAccount = { id: 'de300000000000000000000000000002', name: 'Example Labs' };
export const DEMO_ACCOUNTS: readonly DemoAccount[] = [RETAIL, LABS];

const SEED = 20_240;
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/**
 * A small fleet with one example of each problem, which changes at a pace that a person can follow.
 * Starts at `now`.
 */
export function demoOptions(now: number): SimulatorOptions {
  const scenes = demoScenes(now);
  return {
    seed: SEED,
    accounts: [
      { ...RETAIL, tunnels: scenes.retail },
      { ...LABS, tunnels: scenes.labs },
    ] satisfies readonly AccountSpec[],
    tokens: [{ value: DEMO_TOKEN }],
    latencyMs: 120,
    autoTickMs: 1000,
    keepRequests: 1000,
    configurationDelayMs: { low: 15_000, high: 90_000 },
    life: { leaveAlone: scenes.leaveAlone, weights: { route: 2 } },
  };
}

export interface DemoSimulator extends Simulator {
  readonly accounts: readonly DemoAccount[];
  /** Value of the one API token. */
  readonly token: string;
}

/** Serves the demo fleet. `options` take precedence over the demo's. */
export async function createDemoSimulator(
  options: Pick<SimulatorOptions, 'port' | 'latencyMs' | 'autoTickMs' | 'onLifeEvent' | 'now'> = {},
): Promise<DemoSimulator> {
  const now = options.now ?? Date.now;
  const simulator = await createSimulator({ ...demoOptions(now()), ...options });
  return { ...simulator, accounts: DEMO_ACCOUNTS, token: DEMO_TOKEN };
}

interface Scenes {
  readonly retail: readonly TunnelSpec[];
  readonly labs: readonly TunnelSpec[];
  /** Ids of the tunnels whose problem must last. */
  readonly leaveAlone: readonly string[];
}

function demoScenes(now: number): Scenes {
  const random = createRandom(SEED).fork('demo');
  const connector = connectors(random, now);
  const current = cloudflaredVersion(now, { monthsOld: 1, patch: 0 });
  const leaveAlone: string[] = [];

  const healthy = (name: string, places: readonly (readonly [string, string])[]): TunnelSpec => ({
    name,
    id: random.uuid(),
    configuration: ingress(name, random.integer(2, 30)),
    connectors: places.map((colos) => connector({ colos: four(colos), version: current })),
  });
  const lasting = (spec: TunnelSpec): TunnelSpec => {
    const id = random.uuid();
    leaveAlone.push(id);
    return { ...spec, id };
  };

  const retail: readonly TunnelSpec[] = [
    healthy('shop-web-eu', [['fra08', 'ams06'], ['ams06', 'cdg04'], ['lhr16', 'cdg04']]), // prettier-ignore
    healthy('shop-web-us', [['iad07', 'ord02'], ['ord02', 'iad07'], ['sjc05', 'sjc08']]), // prettier-ignore
    healthy('shop-web-apac', [['sin02', 'khh01'], ['nrt08', 'khh01']]), // prettier-ignore
    healthy('checkout-api', [['fra08', 'fra13'], ['ams06', 'ams10']]), // prettier-ignore
    healthy('payments-gateway', [['lhr16', 'ams06'], ['fra08', 'ams06']]), // prettier-ignore
    healthy('search-api', [['iad07', 'iad11'], ['ord02', 'ord06']]), // prettier-ignore
    healthy('inventory-sync', [['cdg04', 'cdg07'], ['fra08', 'cdg04']]), // prettier-ignore
    healthy('erp-production', [['fra08', 'ams06'], ['fra08', 'ams06']]), // prettier-ignore
    healthy('crm', [['lhr16', 'lhr03'], ['ams06', 'lhr16']]), // prettier-ignore
    healthy('image-resizer', [['iad07', 'ord02'], ['sjc05', 'ord02'], ['iad07', 'iad02'], ['ord02', 'ord09']]), // prettier-ignore
    healthy('store-pos-berlin', [['fra08', 'ams06']]), // prettier-ignore
    // One of its four connections is missing.
    lasting({
      name: 'warehouse-rotterdam',
      configuration: ingress('warehouse-rotterdam', 6),
      networks: ['10.30.0.0/16'],
      connectors: [connector({ colos: ['ams06', 'fra08', 'ams06'], wantedConnections: 4, version: current })],
    }),
    lasting({
      name: 'legacy-soap-bridge',
      configuration: ingress('legacy-soap-bridge', 3),
      downSince: now - 2 * HOUR,
      networks: ['10.20.0.0/16', 'fd00:20::/48'],
      hostnames: ['soap.corp.example.com', 'mainframe.corp.example.com'],
    }),
    lasting({ name: 'store-pos-madrid', createdAt: now - 3 * DAY }),
    // A cloudflared release that is no longer supported: more than a year old.
    lasting({
      name: 'label-printers',
      configSource: 'local',
      connectors: [
        connector({
          colos: four(['cdg04', 'lhr16']),
          version: cloudflaredVersion(now, { monthsOld: 16, patch: 2 }),
          startedAt: now - 200 * DAY,
        }),
        connector({
          colos: four(['lhr16', 'cdg04']),
          version: cloudflaredVersion(now, { monthsOld: 16, patch: 2 }),
          startedAt: now - 200 * DAY,
        }),
      ],
    }),
    // Two releases in one tunnel.
    lasting({
      name: 'loyalty-api',
      configuration: ingress('loyalty-api', 11),
      connectors: [
        connector({ colos: four(['fra08', 'ams06']), version: current }),
        connector({ colos: four(['ams06', 'lhr16']), version: cloudflaredVersion(now, { monthsOld: 6 }) }),
      ],
    }),
    {
      name: 'mesh-aws-frankfurt',
      id: random.uuid(),
      type: 'warp_connector',
      haMode: 'aws',
      networks: ['172.31.0.0/16'],
      connectors: [warp(connector, { now, colo: 'fra08' }), warp(connector, { now, colo: 'fra13' })],
    },
    {
      name: 'mesh-warehouse',
      id: random.uuid(),
      type: 'warp_connector',
      haMode: 'local',
      connectors: [warp(connector, { now, colo: 'ams06' }), warp(connector, { now, colo: 'ams10' })],
    },
  ];

  const labs: readonly TunnelSpec[] = [
    healthy('grafana', [['sjc05', 'sjc08'], ['sjc05', 'sjc11']]), // prettier-ignore
    healthy('ci-runners', [['iad07', 'ord02'], ['iad07', 'iad02']]), // prettier-ignore
    healthy('container-registry', [['ord02', 'iad07'], ['sjc05', 'ord02']]), // prettier-ignore
    healthy('staging-web', [['nrt08', 'nrt12'], ['khh01', 'nrt08']]), // prettier-ignore
    healthy('notebooks', [['sin02', 'sin05']]), // prettier-ignore
    // A single point of failure: one connector.
    lasting({
      name: 'ssh-bastion',
      configuration: ingress('ssh-bastion', 4),
      hostnames: ['bastion.lab.example.com'],
      connectors: [connector({ colos: four(['fra08', 'ams06']), version: current })],
    }),
    // Two connectors in one airport.
    lasting({
      name: 'model-serving',
      configuration: ingress('model-serving', 9),
      connectors: [
        connector({
          colos: four(['nrt04', 'nrt08']),
          version: current,
          originIps: ['203.0.113.77', '2001:db8:77::1'],
        }),
        connector({ colos: four(['nrt08', 'nrt12']), version: current }),
      ],
    }),
    // One connector keeps an old configuration version.
    lasting({
      name: 'feature-store',
      configuration: ingress('feature-store', 8),
      connectors: [
        connector({ colos: four(['sjc05', 'sjc08']), version: current }),
        connector({
          colos: four(['sjc08', 'sjc11']),
          version: current,
          configVersion: 5,
          takesConfiguration: false,
        }),
      ],
    }),
    {
      name: 'mesh-lab-gateway',
      id: random.uuid(),
      type: 'warp_connector',
      haMode: 'none',
      connectors: [warp(connector, { now, colo: 'sjc05', arch: null })],
    },
  ];

  return { retail, labs, leaveAlone };
}

type MakeConnector = (spec: ConnectorSpec) => ConnectorSpec;

/** Default start: some hours or days ago. */
function connectors(random: Random, now: number): MakeConnector {
  return (spec) => ({ startedAt: now - random.integer(3 * 60, 20 * 24 * 60) * MINUTE, ...spec });
}

function four([first, second]: readonly [string, string]): readonly string[] {
  return [first, second, first, second];
}

function warp(
  connector: MakeConnector,
  { now, colo, arch }: { readonly now: number; readonly colo: string; readonly arch?: null },
): ConnectorSpec {
  return connector({ colos: [colo], version: warpVersion(now, 2), ...(arch === undefined ? {} : { arch }) });
}

function ingress(name: string, version: number): NonNullable<TunnelSpec['configuration']> {
  return {
    version,
    config: {
      ingress: [
        { hostname: `${name}.example.com`, service: `http://${name}.internal:8080` },
        {
          hostname: `${name}.example.com`,
          path: '^/admin',
          service: `http://${name}.internal:9090`,
          originRequest: { connectTimeout: 10 },
        },
        { service: 'http_status:404' },
      ],
      'warp-routing': { enabled: false },
    },
  };
}
