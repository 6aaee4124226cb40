import { maxBy, ofTunnels, sumBy } from './promql.ts';

/** Tunnels in that status, each counted once however many replicas of the exporter tell of it. */
export function tunnelsIn(status: string): string {
  const each = maxBy('account_id, tunnel_id', ofTunnels('cloudflare_tunnel_status', `status="${status}"`));
  return `sum(${each})`;
}

/** Connections to each place. */
export function connectionsPer(place: 'colo' | 'airport'): string {
  return sumBy(
    place,
    maxBy(
      'account_id, tunnel_id, tunnel_name, colo, airport',
      ofTunnels('cloudflare_tunnel_active_connections'),
    ),
  );
}
