import type { ExpectedTunnel } from '../../src/core/expected.ts';
import {
  type AccountSpec,
  cloudflaredVersion,
  type ConnectorSpec,
  type Random,
  type TunnelSpec,
  warpVersion,
} from '../../src/simulator/index.ts';

const HOUR = 3_600_000;

export const ACCOUNTS = [
  { id: 'a1000000000000000000000000000001', name: 'Retail' },
  { id: 'a2000000000000000000000000000002', name: 'Labs' },
  { id: 'a3000000000000000000000000000003', name: 'Logistics' },
] as const;
export type AccountName = (typeof ACCOUNTS)[number]['name'];

/** The expected tunnels of the configuration file. */
export const INTERMITTENT = [/^dev-/u];
export const EXPECTED: readonly ExpectedTunnel[] = [
  { accountId: undefined, tunnel: 'inc-expected', minConnectors: undefined },
  { accountId: undefined, tunnel: 'inc-minimum', minConnectors: 2 },
];

/** Tunnels that are each used by one incident only. */
export const INCIDENT_TUNNELS = {
  Retail: ['down', 'down-in-the-evening', 'connector', 'degraded', 'flapping', 'drift', 'outdated'],
  Labs: ['down-for-long', 'expected', 'minimum', 'one-endpoint'],
  Logistics: ['down-unwatched', 'down-in-block'],
} as const satisfies Readonly<Record<AccountName, readonly string[]>>;
export const INCIDENT_MESHES = ['no-active', 'split-brain', 'no-standby', 'failover'] as const;

/** A third of the fleet connects from one site. */
export const REGION = 'site-fra-';

/** About two thirds of the tunnels have two connectors. Some have one, and some are laptops'. */
export function fleetOf(
  tunnels: number,
  { random, now }: { readonly random: Random; readonly now: number },
): readonly AccountSpec[] {
  const version = cloudflaredVersion(now, { monthsOld: 1, patch: 0 });
  const started = (): number => now - random.integer(24, 500) * HOUR;
  const connector = (...colos: readonly [string, string]): ConnectorSpec => ({
    colos: [...colos, ...colos],
    version,
    startedAt: started(),
  });
  const two = (name: string): TunnelSpec =>
    tunnel(name, [connector('lhr16', 'ams06'), connector('ams10', 'cdg04')]);
  const mesh = (name: string): TunnelSpec => ({
    name,
    type: 'warp_connector',
    haMode: 'aws',
    connectors: ['fra08', 'ams06'].map((colo) => ({
      colos: [colo],
      version: warpVersion(now, 2),
      startedAt: started(),
    })),
  });
  const perAccount = Math.round(tunnels / ACCOUNTS.length);
  return ACCOUNTS.map(({ id, name }) => ({
    id,
    name,
    tunnels: [
      ...Array.from({ length: perAccount }, (_, index) => {
        const own = `${name.toLowerCase()}-${String(index).padStart(3, '0')}`;
        if (index % 10 < 4)
          return tunnel(`${REGION}${own}`, [connector('fra08', 'ams06'), connector('fra13', 'ams10')]);
        if (index % 10 === 4) return tunnel(`single-${own}`, [connector('iad07', 'ord02')]);
        if (index % 10 === 5) return tunnel(`dev-${own}`, [connector('sin02', 'nrt08')]);
        return two(`web-${own}`);
      }),
      ...INCIDENT_TUNNELS[name].map((each) => two(`inc-${each}`)),
      ...(name === 'Labs' ? INCIDENT_MESHES.map((each) => mesh(`inc-${each}`)) : []),
    ],
  }));
}

function configurationOf(name: string): NonNullable<TunnelSpec['configuration']> {
  return {
    version: 3,
    config: {
      ingress: [
        { hostname: `${name}.example.com`, service: 'http://localhost:8080' },
        { service: 'http_status:404' },
      ],
    },
  };
}

function tunnel(name: string, connectors: readonly ConnectorSpec[]): TunnelSpec {
  return { name, connectors, configuration: configurationOf(name) };
}
