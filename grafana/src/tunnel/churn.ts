import type { Section } from '../board/layout.ts';
import { COLOURS } from '../colours.ts';
import { changes, churn as opensAndCloses } from '../fleet.ts';
import { timeseries } from '../panels/timeseries.ts';
import { perColo } from './connections.ts';

export function churn(): Section {
  return {
    title: 'Churn',
    collapsed: true,
    shelves: [
      {
        height: 8,
        panels: [
          [
            8,
            timeseries({
              title: 'Connections opened and closed',
              description:
                'Connections that came (up) and went (down) between two observations. A few at once: a restart, or Cloudflare ' +
                'drained a data center. A steady stream: an unstable network or a crash loop.',
              unit: 'none',
              noValue: 'No connection came or went',
              draw: 'bars',
              decimals: 0,
              queries: [{ expr: opensAndCloses(), legend: '{{name}}' }],
              colours: { Opened: COLOURS.note, Closed: COLOURS.idle },
            }),
          ],
          [
            8,
            timeseries({
              title: 'Changes of status',
              description: 'Changes into each status. More than a few an hour is flapping.',
              unit: 'none',
              noValue: 'Its status did not change',
              draw: 'bars',
              decimals: 0,
              queries: [{ expr: `${changes()} > 0`, legend: '{{status}}' }],
              colours: {
                healthy: COLOURS.good,
                degraded: COLOURS.warning,
                down: COLOURS.bad,
                unknown: COLOURS.odd,
              },
            }),
          ],
          [
            8,
            timeseries({
              title: 'Connections waiting to reconnect',
              description:
                'Connections that are gone while Cloudflare still tracks them. Today the API reports none, so this is empty.',
              unit: 'none',
              noValue: 'No connection waits',
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
