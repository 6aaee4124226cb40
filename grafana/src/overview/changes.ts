import type { Section } from '../board/layout.ts';
import { TUNNEL_OF_SERIES, tunnelLink } from '../board/links.ts';
import { COLOURS } from '../colours.ts';
import { tunnelsIn } from '../fleet.ts';
import { stateTimeline } from '../panels/state-timeline.ts';
import { timeseries } from '../panels/timeseries.ts';
import { TUNNEL, grown, maxBy, ofTunnels, sumBy } from '../promql.ts';
import { STATUSES, TROUBLE, statusNumbers } from '../states.ts';

export function changes(): Section {
  const transitions = grown(ofTunnels('cloudflare_tunnel_status_transitions_total', 'status!="inactive"'));
  const opened = grown(ofTunnels('cloudflare_tunnel_connections_opened_total'));
  const closed = grown(ofTunnels('cloudflare_tunnel_connections_closed_total'));
  return {
    title: 'Changes',
    shelves: [
      {
        height: 9,
        panels: [
          [
            24,
            stateTimeline({
              title: 'Trouble over time',
              description:
                'Tunnels while they were down, degraded or of unknown status; a gap is good. Many that begin at once have a ' +
                'common cause: a site, a rollout, a Cloudflare data center. A click shows the tunnel.',
              queries: [{ expr: `${statusNumbers()} >= ${TROUBLE}`, legend: '{{tunnel_name}}' }],
              states: STATUSES.filter(({ number }) => number >= TROUBLE),
              link: tunnelLink(TUNNEL_OF_SERIES),
            }),
          ],
        ],
      },
      {
        height: 8,
        panels: [
          [
            8,
            timeseries({
              title: 'Tunnels by status over time',
              description:
                'Tunnels in each status. A step in the sum is a tunnel created, deleted or no longer readable.',
              unit: 'none',
              draw: 'stacked',
              decimals: 0,
              queries: [
                { expr: tunnelsIn('healthy'), legend: 'Healthy' },
                { expr: tunnelsIn('degraded'), legend: 'Degraded' },
                { expr: tunnelsIn('down'), legend: 'Down' },
                { expr: tunnelsIn('inactive'), legend: 'Never run' },
                { expr: tunnelsIn('unknown'), legend: 'Unknown' },
              ],
              colours: STATUS_COLOURS,
            }),
          ],
          [
            8,
            timeseries({
              title: 'Changes of status',
              description:
                'Tunnels that changed into each status. A fence of bars is flapping: look at the tunnel and its network.',
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
          [
            8,
            timeseries({
              title: 'Connections opened and closed',
              description:
                'Connections that came and went between two observations. Some is normal: Cloudflare moves connections when it ' +
                'drains a data center. A steady stream is an unstable network or a connector that restarts.',
              unit: 'none',
              draw: 'bars',
              decimals: 0,
              queries: [
                { expr: `sum(${maxBy(TUNNEL, opened)})`, legend: 'Opened' },
                { expr: `sum(${maxBy(TUNNEL, closed)})`, legend: 'Closed' },
              ],
              colours: { Opened: COLOURS.note, Closed: COLOURS.warning },
            }),
          ],
        ],
      },
    ],
  };
}

const STATUS_COLOURS = {
  Healthy: COLOURS.good,
  Degraded: COLOURS.warning,
  Down: COLOURS.bad,
  'Never run': COLOURS.idle,
  Unknown: COLOURS.odd,
} as const;
