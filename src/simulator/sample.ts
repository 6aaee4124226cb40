import type { HaMode } from '../core/model.ts';
import type { AccountSpec, ConnectorSpec, TunnelSpec } from './fleet-model.ts';
import { createRandom } from './random.ts';

export interface SampleOptions {
  readonly seed: number;
  readonly now: number;
  /** Number of accounts, among which the tunnels are distributed evenly. Default: 1. */
  readonly accounts?: number;
  /** cloudflared tunnels of all accounts. */
  readonly tunnels: number;
  /** Connectors of each running tunnel, with four connections each. Default: 2. */
  readonly connectors?: number;
  /** Fractions of the cloudflared tunnels; the rest is healthy. Default: 0. */
  readonly degraded?: number;
  readonly down?: number;
  readonly inactive?: number;
  /** Additional deleted cloudflared tunnels of all accounts. Default: 0. */
  readonly deleted?: number;
  /**
   * WARP connectors in the first account, with the HA modes aws, local, none, disabled round-robin.
   * Default: 0.
   */
  readonly warpConnectors?: number;
}

const HA_MODES: readonly HaMode[] = ['aws', 'local', 'none', 'disabled'];
const HOUR = 3_600_000;

/** A fleet of any size, named `tunnel-00001` and so on, for createFleet. */
export function sampleAccounts(options: SampleOptions): readonly AccountSpec[] {
  const random = createRandom(options.seed).fork('sample');
  const count = options.accounts ?? 1;
  const [degraded = 0, down = 0, inactive = 0] = bounds(options);
  const tunnels: TunnelSpec[][] = Array.from({ length: count }, () => []);

  const startedAt = (): number => options.now - random.integer(1, 500) * HOUR;
  const connectors = (): readonly ConnectorSpec[] =>
    Array.from({ length: options.connectors ?? 2 }, () => ({ startedAt: startedAt() }));

  for (let index = 0; index < options.tunnels; index += 1) {
    const name = `tunnel-${String(index + 1).padStart(5, '0')}`;
    const tunnel: TunnelSpec =
      index < degraded
        ? {
            name,
            connectors: [
              { startedAt: startedAt(), colos: ['fra08', 'ams06', 'fra08'], wantedConnections: 4 },
            ],
          }
        : index < down
          ? { name, downSince: startedAt() }
          : index < inactive
            ? { name, createdAt: startedAt() }
            : { name, connectors: connectors() };
    tunnels[index % count]?.push(tunnel);
  }
  for (let index = 0; index < (options.deleted ?? 0); index += 1) {
    const name = `deleted-${String(index + 1).padStart(5, '0')}`;
    const deletedAt = startedAt();
    tunnels[index % count]?.push({ name, createdAt: deletedAt - HOUR, deletedAt });
  }
  for (let index = 0; index < (options.warpConnectors ?? 0); index += 1) {
    const haMode = HA_MODES[index % HA_MODES.length] ?? 'none';
    tunnels[0]?.push({
      name: `warp-${String(index + 1).padStart(3, '0')}`,
      type: 'warp_connector',
      haMode,
      connectors: connectors(),
    });
  }
  return tunnels.map((own, index) => ({ name: `Sample account ${index + 1}`, tunnels: own }));
}

/** First the degraded tunnels, then those down, then the inactive ones: the index at which each kind ends. */
function bounds({ tunnels, degraded = 0, down = 0, inactive = 0 }: SampleOptions): readonly number[] {
  return [degraded, degraded + down, degraded + down + inactive].map((part) => Math.round(part * tunnels));
}
