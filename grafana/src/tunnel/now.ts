import type { Section } from '../board/layout.ts';
import { boardLink, runbook } from '../board/links.ts';
import { COLOURS } from '../colours.ts';
import { AGE } from '../columns.ts';
import { availability, downSince, longestOutage, ofThoseThatRan, outages } from '../fleet.ts';
import { stat } from '../panels/stat.ts';
import { stateTimeline } from '../panels/state-timeline.ts';
import { airports, CHOSEN, behind, connections, connectors, missingTunnels } from '../problems.ts';
import { byNewestList, byNewestObservation, TUNNEL } from '../promql/fold.ts';
import { age } from '../promql/promql.ts';
import { each, ofTunnels } from '../promql/select.ts';
import { statusNumbers, STATUSES, type State } from '../states.ts';

const MISSING: State = { number: 6, text: 'Expected, but missing', colour: COLOURS.bad };

export function now(): Section {
  const legend = '{{tunnel_name}}';
  const status = byNewestList(TUNNEL, statusNumbers(STATUSES));
  const active = ofTunnels('cloudflare_tunnel_active_since_timestamp_seconds');
  const observed = ofTunnels('cloudflare_tunnel_observed_timestamp_seconds');
  const lastObserved = ofTunnels('cloudflare_tunnel_last_observed_timestamp_seconds');
  const redundant = [
    [0, COLOURS.bad],
    [1, COLOURS.warning],
    [2, COLOURS.text],
  ] as const;
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
                'connector has ever connected. Missing: declared in the configuration file, and not listed.',
              unit: 'none',
              noValue: 'Not listed',
              queries: [
                {
                  expr: `${status}\nor max by (${TUNNEL}) (0 * ${missingTunnels(CHOSEN)} + ${MISSING.number})`,
                  legend,
                },
              ],
              states: [...STATUSES, MISSING],
              link: boardLink('overview', { from: 'tunnel' }),
            }),
          ],
          [
            6,
            stat({
              title: 'Up or down for',
              link: runbook('Down'),
              description:
                'Since when it has had connections, or has had none. A short time up: it has just come back, or its connectors ' +
                'restart.',
              ...AGE,
              noValue: '–',
              queries: [
                { expr: age(byNewestList(TUNNEL, active)), legend: 'Up for' },
                { expr: age(byNewestList(TUNNEL, downSince())), legend: 'Down for' },
              ],
              series: { 'Down for': { levels: [[0, COLOURS.bad]] } },
            }),
          ],
          [
            4,
            stat({
              title: 'Connectors',
              link: runbook('NoRedundancy'),
              description:
                'Connectors (replicas) that serve. With one there is no redundancy: start another on a second machine.',
              unit: 'none',
              noValue: '–',
              queries: [{ expr: connectors(), legend }],
              levels: redundant,
            }),
          ],
          [
            4,
            stat({
              title: 'Connections',
              link: runbook('Degraded'),
              description:
                'Connections that serve. A connector of cloudflared has four, a WARP connector one.',
              unit: 'none',
              noValue: '–',
              queries: [{ expr: connections(), legend }],
              levels: [
                [0, COLOURS.bad],
                [1, COLOURS.text],
              ],
            }),
          ],
          [
            4,
            stat({
              title: 'Airports',
              link: runbook('NoRedundancy'),
              description:
                'Different airports that the connections go to. Only one: the tunnel goes down with a Cloudflare site.',
              unit: 'none',
              noValue: '–',
              queries: [{ expr: airports(), legend }],
              levels: redundant,
            }),
          ],
        ],
      },
      {
        height: 4,
        panels: [
          [
            6,
            stat({
              title: 'Available',
              link: boardLink('overview', { from: 'tunnel' }),
              description:
                'The part of the time range shown in which Cloudflare did not list it as down. Time without data does not count.',
              unit: 'percentunit',
              decimals: 2,
              noValue: '–',
              queries: [{ expr: ofThoseThatRan(availability()), legend }],
              levels: [
                [0, COLOURS.bad],
                [0.99, COLOURS.warning],
                [0.999, COLOURS.good],
              ],
            }),
          ],
          [
            6,
            stat({
              title: 'Longest outage',
              link: runbook('Down'),
              description: 'The longest time without a connection within the time range shown.',
              ...AGE,
              noValue: '–',
              queries: [{ expr: ofThoseThatRan(longestOutage()), legend }],
            }),
          ],
          [
            4,
            stat({
              title: 'Outages',
              link: runbook('Flapping'),
              description:
                'How often it was down within the time range shown, one that began before included. An outage shorter than a poll is not seen.',
              unit: 'none',
              noValue: '–',
              queries: [{ expr: outages(), legend }],
              levels: [[1, COLOURS.warning]],
            }),
          ],
          [
            4,
            stat({
              title: 'Behind it',
              link: boardLink('overview', { from: 'tunnel' }),
              description: 'Host names and private routes that lead to it, as far as they are known.',
              unit: 'none',
              noValue: 'Not known',
              queries: [{ expr: behind(), legend }],
            }),
          ],
          [
            4,
            stat({
              title: 'Observed',
              description:
                'Time since the connections were last observed; of a tunnel that is down, since its last connection was seen. Long ' +
                'while it serves: the request budget is too small for the fleet. See the Exporter dashboard.',
              ...AGE,
              decimals: 0,
              noValue: '–',
              queries: [
                {
                  expr: age(byNewestObservation(TUNNEL, each`${observed} or ${lastObserved}`)),
                  legend,
                },
              ],
              link: boardLink('exporter', { from: 'tunnel' }),
            }),
          ],
        ],
      },
      {
        height: 5,
        panels: [
          [
            24,
            stateTimeline({
              title: 'Status over time',
              description:
                'The status as Cloudflare listed it at each poll. An outage shorter than a poll is not seen. A gap: the exporter had no data.',
              noValue: 'Not listed in this time range',
              queries: [{ expr: status, legend }],
              states: STATUSES,
            }),
          ],
        ],
      },
    ],
  };
}
