import type { Section } from '../board/layout.ts';
import { COLOURS } from '../colours.ts';
import { timeseries } from '../panels/timeseries.ts';
import { connectors } from '../problems.ts';
import { byNewestList, byNewestObservation, CONNECTOR, TUNNEL } from '../promql/fold.ts';
import { shortened } from '../promql/names.ts';
import { sumBy } from '../promql/promql.ts';
import { ofTunnels } from '../promql/select.ts';

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
                'Connections that serve, per Cloudflare data center. One shade replaces another at the same height: Cloudflare moved them, which is normal. A loss that stays: look at the connectors.',
              unit: 'none',
              noValue: 'It had no connection',
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
              noValue: 'No connector was connected',
              draw: 'jumps',
              legend: 'table',
              decimals: 0,
              queries: [
                {
                  expr: perConnector('cloudflare_tunnel_connector_active_connections'),
                  legend: '{{connector}}',
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
            12,
            timeseries({
              title: 'Connectors over time',
              description: 'Connectors that serve. It should be as many as you run.',
              unit: 'none',
              noValue: 'It was not observed',
              draw: 'jumps',
              decimals: 0,
              queries: [{ expr: connectors(), legend: '{{tunnel_name}}' }],
            }),
          ],
          [
            12,
            timeseries({
              title: 'Configuration versions',
              description:
                'The version of the remote configuration, and what each connector runs. Connectors follow within two minutes; ' +
                'one that stays below uses old rules: restart it.',
              unit: 'none',
              noValue: 'It has no remote configuration',
              draw: 'jumps',
              decimals: 0,
              queries: [
                {
                  expr: `max(${byNewestList(TUNNEL, ofTunnels('cloudflare_tunnel_config_version'))})`,
                  legend: 'Current',
                },
                {
                  expr: perConnector('cloudflare_tunnel_connector_config_version'),
                  legend: '{{connector}}',
                },
              ],
              colours: { Current: COLOURS.good },
            }),
          ],
        ],
      },
    ],
  };
}

export function perColo(metric: string): string {
  return sumBy('colo', byNewestObservation(`${TUNNEL}, colo, airport`, ofTunnels(metric)));
}

function perConnector(metric: string): string {
  const each = byNewestObservation(CONNECTOR, ofTunnels(metric));
  return `max by (connector) (${shortened(each, 'connector_id', { as: 'connector' })})`;
}
