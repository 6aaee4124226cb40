import { HA_MODES, TUNNEL_STATUSES } from '../model.ts';
import { matchesAny } from '../select.ts';
import { emitStateSet, seconds, type TunnelFamily } from './family.ts';

export const tunnelFamilies: readonly TunnelFamily[] = [
  {
    scope: 'tunnel',
    name: 'cloudflare_tunnel_info',
    help: 'A tunnel that Cloudflare lists; config_src is empty if the API does not return it.',
    type: 'info',
    labels: ['tunnel_type', 'config_src'],
    samples: ({ tunnel }, emit) => {
      emit(1, tunnel.type, tunnel.configSource);
    },
  },
  {
    scope: 'tunnel',
    name: 'cloudflare_tunnel_status',
    help: 'Status of the tunnel as Cloudflare lists it: 1 for the current status, 0 for the others.',
    type: 'stateset',
    labels: ['status'],
    samples: ({ tunnel }, emit) => {
      emitStateSet(TUNNEL_STATUSES, tunnel.status, emit);
    },
  },
  {
    scope: 'tunnel',
    name: 'cloudflare_tunnel_intermittent',
    help: 'A tunnel that may be down, because its name matches --tunnels.intermittent; absent for others.',
    type: 'gauge',
    labels: [],
    samples: ({ tunnel }, emit, { intermittent }) => {
      if (matchesAny(tunnel.name, intermittent)) emit(1);
    },
  },
  {
    scope: 'tunnel',
    name: 'cloudflare_tunnel_created_timestamp_seconds',
    help: 'When the tunnel was created.',
    type: 'gauge',
    labels: [],
    samples: ({ tunnel }, emit) => {
      if (tunnel.createdAt !== undefined) emit(seconds(tunnel.createdAt));
    },
  },
  {
    scope: 'tunnel',
    name: 'cloudflare_tunnel_active_since_timestamp_seconds',
    help: 'Since when the tunnel has had connections; absent while it has none.',
    type: 'gauge',
    labels: [],
    samples: ({ tunnel }, emit) => {
      if (tunnel.activeAt !== undefined) emit(seconds(tunnel.activeAt));
    },
  },
  {
    scope: 'tunnel',
    name: 'cloudflare_tunnel_inactive_since_timestamp_seconds',
    help: 'Since when the tunnel has had no connections; absent while it has some.',
    type: 'gauge',
    labels: [],
    samples: ({ tunnel }, emit) => {
      if (tunnel.inactiveAt !== undefined) emit(seconds(tunnel.inactiveAt));
    },
  },
  {
    scope: 'tunnel',
    name: 'cloudflare_tunnel_status_transitions_total',
    help: "Changes into the status between two lists of the account's tunnels.",
    type: 'counter',
    labels: ['status'],
    samples: ({ counters }, emit) => {
      for (const status of TUNNEL_STATUSES) emit(counters.transitions[status], status);
    },
  },
];

export const configurationFamilies: readonly TunnelFamily[] = [
  {
    scope: 'tunnel',
    name: 'cloudflare_tunnel_config_version',
    help: "Version of the tunnel's remote configuration; 0 if it was never set.",
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
