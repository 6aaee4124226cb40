import { TUNNEL_STATUSES } from '../model.ts';
import { matchesAny } from '../select.ts';
import { emitStateSet, seconds, type TunnelFamily } from './family.ts';

export const tunnelFamilies: readonly TunnelFamily[] = [
  {
    scope: 'tunnel',
    name: 'cloudflare_tunnel_info',
    help: 'A tunnel that Cloudflare lists; config_src is empty where the API does not tell.',
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
