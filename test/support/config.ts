import type { Config, DiscoveryConfig, SidecarConfig } from '../../src/config/config.ts';

/** A configuration whose sections may be partial. */
export type ConfigParts = {
  readonly [Key in keyof Config]?: Config[Key] extends
    readonly unknown[] | SidecarConfig | DiscoveryConfig | undefined
    ? Config[Key]
    : Part<Config[Key]>;
};
type Part<T> = T extends object ? { readonly [Key in keyof T]?: T[Key] } : T;

/** One account and the defaults, except for a schedule that never polls during a test. */
export function aConfig(parts: ConfigParts = {}): Config {
  return {
    configFile: undefined,
    configCheck: false,
    accounts: [{ id: 'a'.repeat(32), name: '', token: { kind: 'value', value: 'token-of-a-test' } }],
    discovery: undefined,
    expectedTunnels: [],
    sidecar: undefined,
    ...parts,
    shard: { total: 1, index: 0, ...parts.shard },
    cloudflare: {
      apiUrl: 'http://127.0.0.1:9/client/v4',
      requestBudget: 600,
      concurrency: 8,
      requestTimeoutMs: 10_000,
      ...parts.cloudflare,
    },
    poll: { schedule: '0 0 0 1 1 *', jitterMs: 0, staleAfterMs: 300_000, ...parts.poll },
    tunnels: {
      types: ['cfd_tunnel', 'warp_connector'],
      include: [],
      exclude: [],
      intermittent: [],
      ids: [],
      configurations: true,
      routes: false,
      ...parts.tunnels,
    },
    metrics: {
      originIp: false,
      features: false,
      hostnames: false,
      routes: false,
      allow: [],
      deny: [],
      ...parts.metrics,
    },
    events: { history: 1000, ...parts.events },
    web: {
      listenAddresses: [{ host: '127.0.0.1', port: 0 }],
      telemetryPath: '/metrics',
      maxRequests: 40,
      configFile: undefined,
      enableLifecycle: false,
      ...parts.web,
    },
    log: { level: 'info', format: 'json', ...parts.log },
  };
}
