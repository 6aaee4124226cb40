import type { Section } from '../board/layout.ts';
import { COLOURS } from '../colours.ts';
import { stat } from '../panels/stat.ts';
import { stateTimeline } from '../panels/state-timeline.ts';
import { airports, connectors } from '../problems.ts';
import { TUNNEL, maxBy, ofTunnels, sumBy } from '../promql.ts';
import { STATUSES, statusNumbers } from '../states.ts';
import { PER_COLO } from './connections.ts';

export function now(): Section {
  const legend = '{{tunnel_name}}';
  const active = maxBy(PER_COLO, ofTunnels('cloudflare_tunnel_active_connections'));
  const observed = ofTunnels('cloudflare_tunnel_observed_timestamp_seconds');
  return {
    title: 'Now',
    shelves: [
      {
        height: 4,
        panels: [
          [
            6,
            stat({
              title: 'Status',
              description:
                'As Cloudflare lists it. Down: no connection. Degraded: serving, with at least one connection lost. Never run: no ' +
                'connector has ever connected.',
              unit: 'none',
              queries: [{ expr: statusNumbers(), legend }],
              states: STATUSES,
            }),
          ],
          [
            5,
            stat({
              title: 'Connectors',
              description:
                'Connectors (replicas) that serve. One alone is no redundancy: start another on a second machine.',
              unit: 'none',
              queries: [{ expr: connectors(), legend }],
              steps: [
                [0, COLOURS.bad],
                [1, COLOURS.warning],
                [2, COLOURS.text],
              ],
            }),
          ],
          [
            5,
            stat({
              title: 'Connections',
              description:
                'Connections that serve. A connector of cloudflared has four, a WARP connector one.',
              unit: 'none',
              queries: [{ expr: sumBy(TUNNEL, active), legend }],
            }),
          ],
          [
            4,
            stat({
              title: 'Airports',
              description:
                'Different airports that the connections go to. One alone: the tunnel ends with a Cloudflare site.',
              unit: 'none',
              queries: [{ expr: airports(), legend }],
              steps: [
                [1, COLOURS.warning],
                [2, COLOURS.text],
              ],
            }),
          ],
          [
            4,
            stat({
              title: 'Observed',
              description:
                'Time since the connections were last observed; empty for a tunnel that is down or has never run. Long: the request ' +
                'budget is too small for the fleet. See the Exporter dashboard.',
              unit: 's',
              queries: [{ expr: `time() - ${maxBy(TUNNEL, observed)}`, legend }],
              steps: [
                [600, COLOURS.warning],
                [1800, COLOURS.bad],
              ],
            }),
          ],
        ],
      },
      {
        height: 6,
        panels: [
          [
            24,
            stateTimeline({
              title: 'Status over time',
              description:
                'The status as Cloudflare listed it at each poll. What was shorter than a poll is not seen. A gap: the exporter ' +
                'could not tell.',
              queries: [{ expr: statusNumbers(), legend }],
              states: STATUSES,
            }),
          ],
        ],
      },
    ],
  };
}
