import { ROUTE_KINDS } from '../model.ts';
import { orphanRoutes } from '../routes.ts';
import type { Family } from './family.ts';

export const routeFamilies: readonly Family[] = [
  {
    scope: 'tunnel',
    name: 'cloudflare_tunnel_routes',
    help: 'Private network and host name routes that lead to the tunnel; absent while they are not known.',
    type: 'gauge',
    labels: ['kind'],
    samples: ({ routes }, emit) => {
      for (const kind of ROUTE_KINDS) {
        const own = routes[kind];
        if (own !== undefined) emit(own.length, kind);
      }
    },
  },
  {
    scope: 'tunnel',
    name: 'cloudflare_tunnel_route_info',
    help: 'A private network (CIDR) or host name that leads to the tunnel.',
    type: 'info',
    option: 'routes',
    labels: ['kind', 'route', 'virtual_network'],
    samples: ({ routes }, emit) => {
      for (const kind of ROUTE_KINDS) {
        // Two virtual networks of the same name can contain the same network.
        const emitted = new Set<string>();
        for (const { target, virtualNetwork } of routes[kind] ?? []) {
          const key = JSON.stringify([target, virtualNetwork]);
          if (emitted.has(key)) continue;
          emitted.add(key);
          emit(1, kind, target, virtualNetwork);
        }
      }
    },
  },
  {
    scope: 'fleet',
    name: 'cloudflare_tunnel_orphan_routes',
    help: 'Routes that lead to tunnels which are not listed; absent while that is not known.',
    type: 'gauge',
    labels: ['account_id'],
    samples: ({ accounts }, emit, { types, selectsAll }) => {
      for (const account of accounts.values()) {
        const orphans = orphanRoutes(account, { types, isWhole: selectsAll });
        if (orphans !== undefined) emit(orphans, account.id);
      }
    },
  },
];
