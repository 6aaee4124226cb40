import { HA_MODES } from '../model.ts';
import { emitStateSet, type TunnelFamily } from './family.ts';

export const configurationFamilies: readonly TunnelFamily[] = [
  {
    scope: 'tunnel',
    name: 'cloudflare_tunnel_config_version',
    help: "Version of the tunnel's remote configuration; 0 where it was never set.",
    type: 'gauge',
    labels: [],
    samples: ({ configuration }, emit) => {
      if (configuration.value?.version !== undefined) emit(configuration.value.version);
    },
  },
  {
    scope: 'tunnel',
    name: 'cloudflare_tunnel_ingress_rules',
    help: "Ingress rules in the tunnel's remote configuration, the catch-all rule included.",
    type: 'gauge',
    labels: [],
    samples: ({ configuration }, emit) => {
      if (configuration.value?.ingress !== undefined) emit(configuration.value.ingress.length);
    },
  },
  {
    scope: 'tunnel',
    name: 'cloudflare_tunnel_ingress_info',
    help: 'A public hostname of the remote configuration and the service behind it; the hostname is empty in the catch-all rule.',
    type: 'info',
    option: 'hostnames',
    labels: ['hostname', 'service'],
    samples: ({ configuration }, emit) => {
      // Rules that differ by path only are one series.
      const seen = new Set<string>();
      for (const { hostname, service } of configuration.value?.ingress ?? []) {
        const key = JSON.stringify([hostname, service]);
        if (seen.has(key)) continue;
        seen.add(key);
        emit(1, hostname, service);
      }
    },
  },
  {
    scope: 'tunnel',
    name: 'cloudflare_tunnel_ha_mode',
    help: 'High-availability mode of a WARP connector tunnel: 1 for the current mode, 0 for the others.',
    type: 'stateset',
    labels: ['ha_mode'],
    samples: ({ configuration }, emit) => {
      if (configuration.value?.haMode !== undefined) emitStateSet(HA_MODES, configuration.value.haMode, emit);
    },
  },
  {
    scope: 'tunnel',
    name: 'cloudflare_tunnel_ha_failovers_total',
    help: 'Times that another WARP connector of the tunnel became the active one.',
    type: 'counter',
    labels: [],
    samples: ({ tunnel, counters }, emit) => {
      if (tunnel.type === 'warp_connector') emit(counters.failovers);
    },
  },
];
