import type { Section } from '../board/layout.ts';
import { timeseries } from '../panels/timeseries.ts';
import { connectors } from '../problems.ts';
import { CONNECTOR, TUNNEL, maxBy, ofTunnels, sumBy } from '../promql.ts';

export function connections(): Section {
  return {
    title: 'Connections',
    shelves: [
      {
        height: 9,
        panels: [
          [
            12,
            timeseries({
              title: 'Connections per data center',
              description:
                'Connections that serve, per Cloudflare data center. A colour that gives way to another at the same height: ' +
                'Cloudflare moved them, which is normal. A loss that stays: look at the connectors.',
              unit: 'none',
              draw: 'stacked',
              legend: 'table',
              decimals: 0,
              queries: [{ expr: perColo('cloudflare_tunnel_active_connections'), legend: '{{colo}}' }],
            }),
          ],
          [
            12,
            timeseries({
              title: 'Connections per connector',
              description:
                'Connections of each connector. A new line is a new process: each start has a new id. Fewer than four of ' +
                'cloudflared: its network drops them, or a firewall blocks port 7844.',
              unit: 'none',
              draw: 'steps',
              legend: 'table',
              decimals: 0,
              queries: [
                {
                  expr: maxBy(CONNECTOR, ofTunnels('cloudflare_tunnel_connector_active_connections')),
                  legend: '{{connector_id}}',
                },
              ],
            }),
          ],
        ],
      },
      {
        height: 7,
        panels: [
          [
            8,
            timeseries({
              title: 'Connectors over time',
              description: 'Connectors that serve. It should be as many as you run.',
              unit: 'none',
              draw: 'steps',
              decimals: 0,
              queries: [{ expr: connectors(), legend: '{{tunnel_name}}' }],
            }),
          ],
          [
            8,
            timeseries({
              title: 'Configuration versions',
              description:
                'The version of the remote configuration, and what each connector runs. Connectors follow within two minutes; ' +
                'one that stays below serves by old rules: restart it.',
              unit: 'none',
              draw: 'steps',
              decimals: 0,
              queries: [
                {
                  expr: maxBy(TUNNEL, ofTunnels('cloudflare_tunnel_config_version')),
                  legend: '{{tunnel_name}}: current',
                },
                {
                  expr: maxBy(CONNECTOR, ofTunnels('cloudflare_tunnel_connector_config_version')),
                  legend: '{{connector_id}}',
                },
              ],
            }),
          ],
          [
            8,
            timeseries({
              title: 'Connections waiting to reconnect',
              description:
                'Connections that are gone while Cloudflare still tracks them. Today the API reports none, so this is empty.',
              unit: 'none',
              draw: 'stacked',
              decimals: 0,
              queries: [
                { expr: perColo('cloudflare_tunnel_pending_reconnect_connections'), legend: '{{colo}}' },
              ],
            }),
          ],
        ],
      },
    ],
  };
}

function perColo(metric: string): string {
  return sumBy('colo', maxBy(PER_COLO, ofTunnels(metric)));
}

export const PER_COLO = `${TUNNEL}, colo, airport`;
