import type { Section } from '../board/layout.ts';
import { COLOURS } from '../colours.ts';
import { timeseries } from '../panels/timeseries.ts';
import { TUNNEL, grown, maxBy, ofTunnels, sumBy } from '../promql.ts';

export function churn(): Section {
  const opened = grown(ofTunnels('cloudflare_tunnel_connections_opened_total'));
  const closed = grown(ofTunnels('cloudflare_tunnel_connections_closed_total'));
  const transitions = grown(ofTunnels('cloudflare_tunnel_status_transitions_total', 'status!="inactive"'));
  return {
    title: 'Churn',
    shelves: [
      {
        height: 8,
        panels: [
          [
            12,
            timeseries({
              title: 'Connections opened and closed',
              description:
                'Connections that came and went between two observations. A few at once: a restart, or Cloudflare drained a data ' +
                'center. A steady stream: an unstable network or a crash loop.',
              unit: 'none',
              draw: 'bars',
              decimals: 0,
              queries: [
                { expr: maxBy(TUNNEL, opened), legend: '{{tunnel_name}}: opened' },
                { expr: maxBy(TUNNEL, closed), legend: '{{tunnel_name}}: closed' },
              ],
            }),
          ],
          [
            12,
            timeseries({
              title: 'Changes of status',
              description: 'Changes into each status. More than a few an hour is flapping.',
              unit: 'none',
              draw: 'bars',
              decimals: 0,
              queries: [
                { expr: sumBy('status', maxBy(`${TUNNEL}, status`, transitions)), legend: '{{status}}' },
              ],
              colours: {
                healthy: COLOURS.good,
                degraded: COLOURS.warning,
                down: COLOURS.bad,
                unknown: COLOURS.odd,
              },
            }),
          ],
        ],
      },
    ],
  };
}
