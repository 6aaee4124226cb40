import type { Section } from '../board/layout.ts';
import { TUNNEL_OF_SERIES, tunnelLink } from '../board/links.ts';
import { COLOURS } from '../colours.ts';
import { ACCOUNT_COLUMN, AGE, HIDDEN, TUNNEL_COLUMN } from '../columns.ts';
import {
  availability,
  events,
  lastUpOrDown,
  longestOutage,
  outages,
  troubledByStatus,
  troubleOverTime,
} from '../fleet.ts';
import { stateTimeline } from '../panels/state-timeline.ts';
import { table } from '../panels/table.ts';
import { timeseries } from '../panels/timeseries.ts';
import { named } from '../promql/names.ts';
import { age } from '../promql/promql.ts';
import { TROUBLE } from '../states.ts';

/** Limits the cost of graphs of a whole fleet. */
const STEPS = 100;

export function changes(): Section {
  return {
    title: 'Changes',
    shelves: [
      {
        height: 11,
        panels: [
          [
            24,
            stateTimeline({
              title: 'Trouble over time',
              description:
                'Tunnels while they were down, degraded or of unknown status; a gap is good. First those that went down within the ' +
                'time range, the latest before the others; 12 to a page. Many that begin at once have a common cause: a site, a rollout, a Cloudflare data center.',
              noValue: 'No tunnel was in trouble',
              queries: [{ expr: troubleOverTime(), legend: '{{tunnel_name}}' }],
              states: TROUBLE,
              steps: STEPS,
              link: tunnelLink(TUNNEL_OF_SERIES),
            }),
          ],
        ],
      },
      {
        height: 9,
        panels: [
          [
            14,
            timeseries({
              title: 'Events',
              description:
                'What changed, by kind. The exporter logs the same events and serves them at /api/v1/events, with the names of tunnels. ' +
                'Grey: connectors. Of several exporters, the one that counted most of a kind is shown.',
              unit: 'none',
              noValue: 'No event, or the exporter does not count them yet',
              draw: 'bars',
              decimals: 0,
              queries: [{ expr: events(), legend: '{{kind}}' }],
              shadesOf: COLOURS.note,
              colours: {
                account_lost: COLOURS.bad,
                account_recovered: COLOURS.good,
                connector_connected: COLOURS.idle,
                connector_disconnected: COLOURS.idle,
                connector_replaced: COLOURS.idle,
                expected_found: COLOURS.good,
                expected_missing: COLOURS.bad,
                token_blocked: COLOURS.warning,
              },
              steps: STEPS,
            }),
          ],
          [
            10,
            table({
              title: 'Latest ups and downs',
              description:
                'Tunnels that went down or came up within the time range shown, the latest first; 50 at most. Several at the same time ' +
                'have a common cause. Look at what changed just before.',
              noValue: 'No tunnel went down or came up',
              columns: [
                { name: 'Ago', expr: named(age(`topk(50, ${lastUpOrDown()})`)), ...AGE, width: 120 },
                { name: 'Change', label: 'change', width: 95 },
                TUNNEL_COLUMN,
                ACCOUNT_COLUMN,
              ],
              hidden: HIDDEN,
              rowsWith: 'Ago',
              sortBy: [
                { column: 'Ago', desc: false },
                { column: 'Tunnel', desc: false },
              ],
            }),
          ],
        ],
      },
    ],
  };
}

export function availabilities(): Section {
  return {
    title: 'Availability',
    collapsed: true,
    shelves: [
      {
        height: 9,
        panels: [
          [
            16,
            table({
              title: 'Tunnels that were down',
              description:
                'The 50 tunnels that were down for the longest part of the time range shown, the worst first. Availability is the ' +
                'part of the range in which Cloudflare did not list the tunnel as down.',
              noValue: 'No tunnel was down',
              columns: [
                {
                  name: 'Available',
                  expr: named(`bottomk(50, (${availability()}) < 1)`),
                  unit: 'percentunit',
                  decimals: 2,
                  levels: [
                    [0, COLOURS.bad],
                    [0.99, COLOURS.warning],
                    [0.999, COLOURS.text],
                  ],
                  width: 110,
                },
                TUNNEL_COLUMN,
                { name: 'Outages', expr: outages(), decimals: 0, width: 100 },
                { name: 'Longest', expr: longestOutage(), ...AGE, width: 150 },
                ACCOUNT_COLUMN,
              ],
              hidden: HIDDEN,
              rowsWith: 'Available',
              sortBy: [
                { column: 'Available', desc: false },
                { column: 'Outages', desc: true },
              ],
              steps: STEPS,
            }),
          ],
          [
            8,
            timeseries({
              title: 'Tunnels in trouble',
              description:
                'Tunnels that were down, degraded or of unknown status. A plateau is trouble that nobody has fixed. A peak has ' +
                'a common cause.',
              unit: 'none',
              noValue: 'No tunnel was in trouble',
              draw: 'stacked',
              decimals: 0,
              queries: [{ expr: troubledByStatus(), legend: '{{status}}' }],
              colours: { down: COLOURS.bad, degraded: COLOURS.warning, unknown: COLOURS.odd },
              steps: STEPS,
            }),
          ],
        ],
      },
    ],
  };
}
